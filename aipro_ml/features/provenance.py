"""Provenance: the newest fact behind each feature of a game, found by taking away what was known at one moment."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

IntArray = npt.NDArray[np.int64]


@dataclass
class Probe:
    """What one computation of a view looked back at.

    `sources`: for each look back, in the order they came, what it was and when its newest fact was known (NaT
    where it found none). The look backs numbered in `without` are answered as if nothing were known.
    """

    without: frozenset[int] = frozenset()
    sources: list[tuple[str, pd.Timestamp]] = field(default_factory=list)

    def leaves_out(self, kind: str, times: pd.Series) -> bool:
        """Note a look back whose facts were known at `times`; return whether it is to find nothing."""
        self.sources.append((kind, times.max()))
        return len(self.sources) - 1 in self.without


_PROBE: ContextVar[Probe | None] = ContextVar("probe", default=None)


@contextmanager
def probing(without: Iterable[int] = ()) -> Iterator[Probe]:
    """Record every look back while the block runs; without it none costs anything."""
    probe = Probe(frozenset(without))
    token = _PROBE.set(probe)
    try:
        yield probe
    finally:
        _PROBE.reset(token)


def is_probed() -> bool:
    """Return whether somebody records look backs: what was looked up before must then be looked up again."""
    return _PROBE.get() is not None


def noted_positions(positions: IntArray, events: pd.DataFrame) -> IntArray:
    """Return the positions an as-of join found in `events`, noted where somebody asks."""
    probe = _PROBE.get()
    if probe is None:
        return positions
    left_out = probe.leaves_out("history", events["known_at"].iloc[positions[positions >= 0]])
    return np.full(len(positions), -1, dtype=np.int64) if left_out else positions


def noted_rows(rows: pd.DataFrame, kind: str, column: str) -> pd.DataFrame:
    """Return rows found by another look back (knowledge time in `column`), noted where somebody asks."""
    probe = _PROBE.get()
    if probe is None:
        return rows
    return rows.iloc[:0] if probe.leaves_out(kind, rows[column]) else rows


def noted_values(values: pd.DataFrame, kind: str, times: pd.Series) -> pd.DataFrame:
    """Return one row of values a game, known at `times`, noted where somebody asks; left out, all is missing."""
    probe = _PROBE.get()
    if probe is None:
        return values
    return values.reindex(values.index[:0]).reindex(values.index) if probe.leaves_out(kind, times) else values


def by_time(sources: Iterable[tuple[str, pd.Timestamp]]) -> list[tuple[tuple[str, pd.Timestamp], list[int]]]:
    """Return each source that has a time with the numbers of the look backs that found it, the newest first."""
    numbers: dict[tuple[str, pd.Timestamp], list[int]] = {}
    for number, source in enumerate(sources):
        if not pd.isna(source[1]):
            numbers.setdefault(source, []).append(number)
    return sorted(numbers.items(), key=lambda item: item[0][1], reverse=True)
