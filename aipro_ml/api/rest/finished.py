"""Finished answers, kept while the database says that nothing was committed since they were read."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

CHECKED_EVERY_S = 1.0
"""Seconds for which the database's word is taken: so old may an answer be."""

MOST_BYTES = 32 * 2**20
"""Bytes of answers a process keeps; those nobody asked for longest are dropped first."""

_BESIDE = 500  # bytes an answer takes beside its body and its question


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer hangs on: the place, the query as it was sent, and what its reader may do."""

    path: str
    query: bytes
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer's JSON and its tag."""

    body: bytes
    tag: str


class Answers:
    """Remembers finished answers to questions; nothing of a person's own may ever be given to it.

    `state` of a check is the database's snapshot: two that are equal see the same rows. An answer is kept under the
    check it was read after, so what is found was true when the database was last asked.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic, most_bytes: int = MOST_BYTES) -> None:
        self._ticks, self._most_bytes = ticks, most_bytes
        self._kept: OrderedDict[Question, Finished] = OrderedDict()
        self._bytes, self._era = 0, 0
        self._state: str | None = None
        self._good_until = float("-inf")
        self._asking, self._lock = threading.Lock(), threading.Lock()

    @property
    def era(self) -> int:
        """Return the number of the state that was seen last; what is read from now on may be kept under it."""
        return self._era

    @property
    def is_due(self) -> bool:
        """Return whether the database is to be asked before anything is found."""
        return self._ticks() >= self._good_until

    def check(self, ask: Callable[[], str]) -> None:
        """Forget everything where `ask` tells another state than last time; one asks, the others wait for it."""
        with self._asking:
            asked = self._ticks()
            if asked < self._good_until:
                return
            state = ask()
            with self._lock:
                if state != self._state:
                    self._state, self._era, self._bytes = state, self._era + 1, 0
                    self._kept.clear()
                self._good_until = asked + CHECKED_EVERY_S

    def find(self, question: Question) -> Finished | None:
        """Return the answer, or None; it waits for nothing."""
        if self.is_due:
            return None
        with self._lock:
            found = self._kept.get(question)
            if found is not None:
                self._kept.move_to_end(question)
            return found

    def keep(self, question: Question, era: int, finished: Finished) -> None:
        """Keep an answer that was read since the state `era` was seen; it is dropped where another was seen since."""
        with self._lock:
            if era != self._era or question in self._kept:
                return
            self._kept[question] = finished
            self._bytes += _size(question, finished)
            while self._bytes > self._most_bytes:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(question: Question, finished: Finished) -> int:
    return len(finished.body) + len(question.query) + _BESIDE
