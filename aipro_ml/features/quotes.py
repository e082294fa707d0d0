"""The quotes of every book in time order, and what of them stood at each game's decision time."""

from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.groups import coded
from aipro_ml.features.asof import microseconds

IntArray = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
NEVER = np.iinfo(np.int64).min
_KEYS = ("game_id", "book", "market", "selection")


class QuoteLog:
    """All odds rows of a sport (ODDS_COLUMNS), indexed once for as-of questions over many games.

    A series is (game, book, market, selection); its quotes are told apart by `recorded_at`, and of two at one
    moment the later row counts as later. Rows may stand in any order. A question is one pass that scatters rows
    into one cell a series, so that the last (or first) stays; answers are ordered by game, book, market and
    selection, as words sort, whether the odds hold them as text or as categoricals.
    """

    def __init__(self, odds: pd.DataFrame) -> None:
        self._odds = odds
        self._time = microseconds(odds["recorded_at"])
        self._ordered = bool((self._time[1:] >= self._time[:-1]).all())
        self._game, self._games = coded(odds["game_id"])
        parts = [coded(odds[column]) for column in _KEYS[1:]]
        self._width = prod(max(len(values), 1) for _, values in parts)
        # half the memory and time where so few cells are needed, as nearly always
        narrow = len(self._games) * self._width < np.iinfo(np.int32).max
        series: npt.NDArray[Any] = self._game.astype(np.int32 if narrow else np.int64)
        for codes, values in parts:
            series *= max(len(values), 1)
            series += codes
        self._series = series

    def latest(self, entities: pd.DataFrame, max_age: pd.Timedelta) -> pd.DataFrame:
        """Return each series' last quote in (as_of − max_age, as_of]."""
        limit = self._limits(entities)
        rows = self._extreme(np.flatnonzero(self._time <= limit[self._game]), last=True)
        # a series whose last known quote is too old has no other that is not
        oldest = limit[self._game[rows]] - max_age // pd.Timedelta(microseconds=1)
        return self._take(rows[self._time[rows] > oldest])

    def opening(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return each series' first quote, where it is known at as_of."""
        rows = self._first
        return self._take(rows[self._time[rows] <= self._limits(entities)[self._game[rows]]])

    @cached_property
    def _first(self) -> IntArray:
        return self._extreme(np.arange(len(self._time)), last=False)

    def movements(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return per game (index of `entities`): `moves`, how often a line or price changed, and `moved_at`.

        `moved_at` is the last change known at as_of, the first quote where nothing moved, NaT without quotes.
        """
        rows = self._by_series[self._known(entities)[self._by_series]]
        changed, first = self._changes(rows)
        games = self._game[rows]
        moves = np.bincount(games, weights=changed, minlength=len(self._games))
        moved_at = np.full(len(self._games), NEVER)
        moving = changed | first
        np.maximum.at(moved_at, games[moving], self._time[rows[moving]])
        place = pd.Index(self._games, dtype=object).get_indexer(entities.index)
        quoted = (place >= 0) & (np.append(moved_at, NEVER)[place] > NEVER)
        moments = np.where(quoted, np.append(moved_at, NEVER)[place], NEVER).astype("datetime64[us]")
        frame = {"moves": np.where(quoted, np.append(moves, 0.0)[place], np.nan), "moved_at": moments}
        table = pd.DataFrame(frame, index=entities.index)
        return table.assign(moved_at=table["moved_at"].dt.tz_localize("UTC"))

    @cached_property
    def _by_series(self) -> IntArray:
        """Return the rows by series and within it by time, as a radix sort of 16 bits a pass finds them."""
        order = np.arange(len(self._time)) if self._ordered else np.argsort(self._time, kind="stable")
        cells, shift = len(self._games) * self._width, 0
        while cells >> shift:
            digit = (self._series[order] >> shift).astype(np.uint16)
            order = order[np.argsort(digit, kind="stable")]
            shift += 16
        return order

    def _changes(self, rows: IntArray) -> tuple[Mask, Mask]:
        """Return (changed against the series' quote before, first of its series) for rows in series order."""
        first = np.ones(len(rows), dtype=bool)
        first[1:] = self._series[rows[1:]] != self._series[rows[:-1]]
        same = np.ones(max(len(rows) - 1, 0), dtype=bool)
        for column in ("line", "price"):
            values = self._odds[column].to_numpy("float64")[rows]
            before, now = values[:-1], values[1:]
            same &= (before == now) | (np.isnan(before) & np.isnan(now))
        changed = np.zeros(len(rows), dtype=bool)
        changed[1:] = ~first[1:] & ~same
        return changed, first

    def _limits(self, entities: pd.DataFrame) -> IntArray:
        """Return the as_of of each of the log's games, NEVER for one that is not asked about."""
        place = entities.index.get_indexer(pd.Index(self._games, dtype=object))
        limits: IntArray = np.append(microseconds(entities["as_of"]), NEVER)[place]
        return limits

    def _known(self, entities: pd.DataFrame) -> Mask:
        """Return which rows are of the entities' games and known at as_of."""
        known: Mask = self._time <= self._limits(entities)[self._game]
        return known

    def _extreme(self, rows: IntArray, *, last: bool) -> IntArray:
        """Return of `rows` (ascending) each series' last or first in time, ordered by series."""
        cells = len(self._games) * self._width
        if not self._ordered:
            series, time = self._series[rows], self._time[rows]
            best = np.full(cells, NEVER if last else np.iinfo(np.int64).max)
            (np.maximum if last else np.minimum).at(best, series, time)
            rows = rows[time == best[series]]
        cell = np.full(cells, -1, dtype=np.int64)
        chosen = rows if last else rows[::-1]
        cell[self._series[chosen]] = chosen  # of a repeated cell NumPy keeps the last assignment
        return cell[cell >= 0]

    def _take(self, rows: IntArray) -> pd.DataFrame:
        return pd.DataFrame({name: column.array.take(rows) for name, column in self._odds.items()}, copy=False)
