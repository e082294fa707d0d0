"""Interleaved timing: every round runs each case once, so that a drifting machine slows all of them alike."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Case = Callable[[], object]

LONG_S, FEW_ROUNDS = 5.0, 2
"""A comparison of which one case takes longer than so many seconds is measured in few rounds."""


@dataclass(frozen=True)
class Figure:
    """One figure of docs/performance.md: our seconds against those of a limit or peer, round by round.

    `bar`: the largest ratio that is still fine, None for a peer that is only shown. A figure without a limit
    is in what `against` says, seconds for one, and so is its bar. With a `growth` it is a slope: `limit` are the
    seconds of the smaller size, and the ratio becomes the exponent of cost in size.
    """

    name: str
    against: str
    ours: tuple[float, ...]
    limit: tuple[float, ...] = ()
    bar: float | None = None
    growth: float | None = None

    @property
    def median(self) -> float:
        """Return the ratio of the medians (or the median itself)."""
        return self._shown(statistics.median(self.ours) / (statistics.median(self.limit) if self.limit else 1.0))

    @property
    def minimum(self) -> float:
        """Return the ratio of the minima (or the least itself)."""
        return self._shown(min(self.ours) / (min(self.limit) if self.limit else 1.0))

    def _shown(self, ratio: float) -> float:
        return ratio if self.growth is None else math.log(ratio) / math.log(self.growth)

    @property
    def verdict(self) -> str:
        """Return PASS or OVER, judged by the median; nothing where there is no bar."""
        if self.bar is None:
            return ""
        return "PASS" if self.median <= self.bar else "OVER"


@dataclass(frozen=True)
class Peer:
    """What ours is held against: the case of that name, the words for it and the bar (None: only shown)."""

    case: str
    words: str
    bar: float | None = None


@dataclass
class Rounds:
    """Seconds of each case, one a round."""

    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def figures(self, name: str, *peers: Peer, ours: str = "ours") -> list[Figure]:
        """Return one figure a peer."""
        return [Figure(name, peer.words, self.seconds[ours], self.seconds[peer.case], peer.bar) for peer in peers]


def slope(name: str, small: tuple[float, ...], large: tuple[float, ...], growth: float) -> Figure:
    """Return the exponent by which cost grows between two sizes, the larger `growth` times the smaller."""
    return Figure(f"slope: {name}", f"{growth:.1f} times the size", large, small, bar=1.15, growth=growth)


def interleaved(cases: Mapping[str, Case], rounds: int, *, warm: bool = True) -> Rounds:
    """Run every case once a round, in turn, and return its seconds; a first unmeasured round warms caches.

    Where a case of that first round takes more than LONG_S, only FEW_ROUNDS follow.
    """
    if warm and max(_seconds(case) for case in cases.values()) > LONG_S:
        rounds = min(rounds, FEW_ROUNDS)
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            seconds[name].append(_seconds(case))
    return Rounds({name: tuple(values) for name, values in seconds.items()})


def _seconds(case: Case) -> float:
    gc.collect()
    start = time.perf_counter()
    case()
    return time.perf_counter() - start
