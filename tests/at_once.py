"""Two at once, in the order a test wants: the first stands still in the middle until the second is done or waits."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

PATIENCE_S = 60
_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Halt:
    """A function at which whoever calls it first stands still until `go`; everybody else passes."""

    def __init__(self, honest: Callable[..., Any], *, after: bool) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self._honest, self._after, self._first = honest, after, threading.Lock()

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Stand still before the function, or after it, if this is the first call."""
        first = self._first.acquire(blocking=False)
        if first and not self._after:
            self._stand()
        answer = self._honest(*given, **named)
        if first and self._after:
            self._stand()
        return answer

    def _stand(self) -> None:
        self.reached.set()
        assert self.go.wait(PATIENCE_S)


def halt(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, *, after: bool = False) -> Halt:
    """Let the first call of `module.name` stand still before (or after) it."""
    standing = Halt(getattr(module, name), after=after)
    monkeypatch.setattr(module, name, standing)
    return standing


def overtaken(
    engine: sa.Engine, standing: Halt, first: Callable[[], Any], second: Callable[[], Any]
) -> tuple[Future[Any], Future[Any]]:
    """Begin `first`; where it stands still begin `second`; let `first` go on once the other is done or waits for it."""
    with ThreadPoolExecutor(2) as hands, engine.connect() as plain:
        onlooker = plain.execution_options(isolation_level="AUTOCOMMIT")
        began = hands.submit(first)
        assert standing.reached.wait(PATIENCE_S), began.exception(PATIENCE_S)
        other = hands.submit(second)
        end = time.monotonic() + PATIENCE_S
        while not other.done() and not onlooker.scalar(_WAITING) and time.monotonic() < end:
            time.sleep(0.02)
        standing.go.set()
    return began, other
