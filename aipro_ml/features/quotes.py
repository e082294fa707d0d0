"""The quotes of every book in time order, and what of them stood at each game's decision time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.groups import coded
from aipro_ml.betting.threads import in_parts
from aipro_ml.features.asof import microseconds

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
NEVER = np.iinfo(np.int64).min
BLOCK = 1 << 16
"""Rows a step of a pass takes: what it makes of them on the way stays in the processor's cache."""

_KEYS = ("game_id", "book", "market", "selection")


class QuoteLog:
    """All odds rows of a sport (ODDS_COLUMNS), indexed once for as-of questions over many games.

    A series is (game, book, market, selection); its quotes are told apart by `recorded_at`, and of two at one
    moment the later row counts as later. Rows may stand in any order. A question is one pass that scatters rows
    into one cell a series, so that the last (or first) stays; answers are ordered by game, book, market and
    selection, as words sort, whether the odds hold them as text or as categoricals. Many rows are passed over in a
    part a thread, each with cells of its own.
    """

    def __init__(self, odds: pd.DataFrame) -> None:
        self._odds = odds
        self._answered: tuple[tuple[bytes, int], IntArray] | None = None
        self._time = microseconds(odds["recorded_at"])
        self._ordered = bool((self._time[1:] >= self._time[:-1]).all())
        self._game, self._games = coded(odds["game_id"])
        parts = [coded(odds[column]) for column in _KEYS[1:]]
        self._width = prod(max(len(values), 1) for _, values in parts)
        # half the memory and time where so few cells are needed, as nearly always
        narrow = max(len(self._games) * self._width, len(odds)) < np.iinfo(np.int32).max
        self._small: type[np.signedinteger] = np.int32 if narrow else np.int64
        self._series = np.empty(len(odds), dtype=self._small)

        def number(rows: slice) -> None:
            for block in _blocks(rows):
                self._series[block] = self._game[block]
                for codes, values in parts:
                    self._series[block] *= max(len(values), 1)
                    self._series[block] += codes[block]

        in_parts(number, len(odds))

    def latest(self, entities: pd.DataFrame, max_age: pd.Timedelta) -> pd.DataFrame:
        """Return each series' last quote in (as_of − max_age, as_of]."""
        limit, age = self._limits(entities), max_age // pd.Timedelta(microseconds=1)
        asked = (limit.tobytes(), age)
        if self._answered is None or self._answered[0] != asked:  # features, consensus and board ask the same
            self._answered = asked, self._latest_rows(limit, age)
        return self._take(self._answered[1])

    def _latest_rows(self, limit: IntArray, age: int) -> IntArray:
        rows = self._last(limit) if self._ordered else self._extreme(np.flatnonzero(self._known(limit)), last=True)
        # a series whose last known quote is too old has no other that is not
        fresh: IntArray = rows[self._time[rows] > limit[self._game[rows]] - age]
        return fresh

    def opening(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return each series' first quote, where it is known at as_of."""
        rows = self._first
        return self._take(rows[self._time[rows] <= self._limits(entities)[self._game[rows]]])

    @cached_property
    def _first(self) -> IntArray:
        if not self._ordered:
            return self._extreme(np.arange(len(self._time)), last=False)
        none = len(self._time)  # greater than any row

        def first(rows: slice) -> npt.NDArray[np.signedinteger]:
            cell = self._cells(none)
            for block in reversed(list(_blocks(rows))):
                cell[self._series[block][::-1]] = self._rows(block)[::-1]
            return cell

        cell = reduce(np.minimum, in_parts(first, none))
        return cell[cell < none].astype(np.int64)

    def _last(self, limit: IntArray) -> IntArray:
        """Return each series' last row known at its game's `limit`, by series; the rows stand in time order."""

        def last(part: slice) -> npt.NDArray[np.signedinteger]:
            cell = self._cells()
            for block in _blocks(part):
                known = self._time[block] <= limit[self._game[block]]
                series, rows = self._series[block], self._rows(block)
                cell[series[known]] = rows[known]
            return cell

        return _filled(reduce(np.maximum, in_parts(last, len(self._time))))

    def movements(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return per game (index of `entities`): `moves`, how often a line or price changed, and `moved_at`.

        `moved_at` is the last change known at as_of, the first quote where nothing moved, NaT without quotes.
        """
        moves, moved_at = self._moved(self._limits(entities))
        place = pd.Index(self._games, dtype=object).get_indexer(entities.index)
        quoted = (place >= 0) & (np.append(moved_at, NEVER)[place] > NEVER)
        moments = np.where(quoted, np.append(moved_at, NEVER)[place], NEVER).astype("datetime64[us]")
        frame = {"moves": np.where(quoted, np.append(moves, 0.0)[place], np.nan), "moved_at": moments}
        table = pd.DataFrame(frame, index=entities.index)
        return table.assign(moved_at=table["moved_at"].dt.tz_localize("UTC"))

    def _moved(self, limit: IntArray) -> tuple[FloatArray, IntArray]:
        """Return each game's number of changes known at its `limit`, and when the last one or a first quote came."""
        moves, moved_at = np.zeros(len(self._games)), np.full(len(self._games), NEVER)
        standing = _Standing.of_cells(len(self._games) * self._width)
        line, price = (self._odds[column].to_numpy("float64") for column in ("line", "price"))
        order = None if self._ordered else np.argsort(self._time, kind="stable")

        def follow(part: slice) -> None:
            asked = np.full(len(limit), NEVER)
            asked[part] = limit[part]  # what one thread follows are whole games: their series stand in no other
            for block in _blocks(slice(0, len(self._time))):
                rows = self._rows(block) if order is None else order[block]
                rows = rows[self._time[rows] <= asked[self._game[rows]]]
                changed, first = standing.changes(self._series[rows], line[rows], price[rows])
                games, moving = self._game[rows], changed | first
                moves[part] += np.bincount(games[changed] - part.start, minlength=part.stop - part.start)
                moved_at[games[moving]] = self._time[rows[moving]]  # in time order: the last assignment is the latest

        in_parts(follow, len(self._games))
        return moves, moved_at

    def _limits(self, entities: pd.DataFrame) -> IntArray:
        """Return the as_of of each of the log's games, NEVER for one that is not asked about."""
        place = entities.index.get_indexer(pd.Index(self._games, dtype=object))
        limits: IntArray = np.append(microseconds(entities["as_of"]), NEVER)[place]
        return limits

    def _known(self, limit: IntArray) -> Mask:
        """Return which rows are known at their game's `limit`."""
        known: Mask = self._time <= limit[self._game]
        return known

    def _extreme(self, rows: IntArray, *, last: bool) -> IntArray:
        """Return of `rows` (ascending) each series' last or first in time, by series, whatever order they stand in."""
        series, time = self._series[rows], self._time[rows]
        best = np.full(len(self._games) * self._width, NEVER if last else np.iinfo(np.int64).max)
        (np.maximum if last else np.minimum).at(best, series, time)
        rows = rows[time == best[series]]
        chosen, cell = rows if last else rows[::-1], self._cells()
        cell[self._series[chosen]] = chosen
        return _filled(cell)

    def _cells(self, empty: int = -1) -> npt.NDArray[np.signedinteger]:
        """Return an empty cell a series; of rows put into one NumPy keeps the last assignment."""
        return np.full(len(self._games) * self._width, empty, dtype=self._small)

    def _rows(self, block: slice) -> npt.NDArray[np.signedinteger]:
        return np.arange(block.start, block.stop, dtype=self._small)

    def _take(self, rows: IntArray) -> pd.DataFrame:
        return pd.DataFrame({name: column.array.take(rows) for name, column in self._odds.items()}, copy=False)


def _blocks(rows: slice) -> Iterator[slice]:
    """Yield the rows in steps of BLOCK."""
    for start in range(rows.start, rows.stop, BLOCK):
        yield slice(start, min(start + BLOCK, rows.stop))


def _filled(cell: npt.NDArray[np.signedinteger]) -> IntArray:
    """Return the rows in the cells that hold one, in the integers that taking them by needs."""
    return cell[cell >= 0].astype(np.int64)


@dataclass(frozen=True)
class _Standing:
    """The last line and price of every series so far, and which series had a quote at all."""

    line: FloatArray
    price: FloatArray
    quoted: Mask

    @classmethod
    def of_cells(cls, cells: int) -> Self:
        """Return what stands before the first quote of any series."""
        return cls(np.zeros(cells), np.zeros(cells), np.zeros(cells, dtype=bool))

    def changes(self, series: npt.NDArray[np.signedinteger], line: FloatArray, price: FloatArray) -> tuple[Mask, Mask]:
        """Return (changed against the series' quote before, first of its series) of quotes in time order (n,).

        Afterwards these quotes are what stands.
        """
        order = _by_number(series)
        series, line, price = series[order], line[order], price[order]
        begins, ends = np.ones((2, len(series)), dtype=bool)
        begins[1:] = series[1:] != series[:-1]
        ends[:-1] = begins[1:]
        first = begins & ~self.quoted[series]
        changed, known = np.empty((2, len(series)), dtype=bool)
        same = _equal(self.line, line, series, begins) & _equal(self.price, price, series, begins)
        changed[order], known[order] = ~first & ~same, first
        last = series[ends]
        self.line[last], self.price[last], self.quoted[last] = line[ends], price[ends], True
        return changed, known


def _equal(standing: FloatArray, values: FloatArray, series: npt.NDArray[np.signedinteger], begins: Mask) -> Mask:
    """Return which values (n,), series by series, equal the one before; the first of each the one that stands."""
    before = np.empty(len(values))
    before[1:] = values[:-1]
    before[begins] = standing[series[begins]]
    equal: Mask = (before == values) | (np.isnan(before) & np.isnan(values))
    return equal


def _by_number(series: npt.NDArray[np.signedinteger]) -> IntArray:
    """Return the positions by series, equal ones in their order, as a radix sort of 16 bits a pass finds them."""
    order, shift = np.arange(len(series)), 0
    most = int(series.max(initial=0))
    while most >> shift:
        digit = (series[order] >> shift).astype(np.uint16)
        order = order[np.argsort(digit, kind="stable")]
        shift += 16
    return order
