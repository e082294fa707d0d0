"""The quotes of every book in time order, and what of them stood at each game's decision time."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.asof import microseconds

IntArray = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).min


class QuoteLog:
    """All odds rows of a sport (ODDS_COLUMNS), indexed once for as-of questions over many games.

    A series is (game, book, market, selection); its quotes are told apart by `recorded_at`. Each question is
    one pass that scatters rows in time order into one cell a series, so that the last (or first) one stays;
    answers are ordered by game, book, market and selection.
    """

    def __init__(self, odds: pd.DataFrame) -> None:
        times = microseconds(odds["recorded_at"])
        order = np.argsort(times, kind="stable")
        self._odds = odds
        self._order = order
        self._time = times[order]
        games, self._games = pd.factorize(odds["game_id"], sort=True)
        self._game = games[order].astype("int64")
        series = np.zeros(len(odds), dtype=np.int64)
        self._width = 1
        for column in ("book", "market", "selection"):
            codes, values = pd.factorize(odds[column], sort=True)
            series = series * len(values) + codes
            self._width *= max(len(values), 1)
        self._series = self._game * self._width + series[order]

    def latest(self, entities: pd.DataFrame, max_age: pd.Timedelta) -> pd.DataFrame:
        """Return each series' last quote in (as_of − max_age, as_of]."""
        rows = self._known(entities, max_age)
        return self._take(self._scatter(rows))

    def opening(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return each series' first quote, where it is known at as_of."""
        rows = self._known(entities)
        return self._take(self._scatter(rows[::-1]))

    def movements(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return per game (index of `entities`): `moves`, how often a line or price changed, and `moved_at`.

        `moved_at` is the last change known at as_of, the first quote where nothing moved, NaT without quotes.
        """
        rows = self._known(entities)
        rows = rows[np.argsort(self._series[rows], kind="stable")]
        changed, first = self._changes(rows)
        counts = pd.Series(changed.astype("int64")).groupby(self._game[rows]).sum()
        moved = pd.Series(self._time[rows])[changed | first].groupby(self._game[rows][changed | first]).max()
        frame = pd.DataFrame({"moves": counts, "moved_at": pd.to_datetime(moved, unit="us", utc=True)})
        frame.index = pd.Index(self._games[frame.index.to_numpy()], dtype=object)
        return frame.reindex(entities.index)

    def _changes(self, rows: IntArray) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return (changed against the series' quote before, first of its series) for rows in series order."""
        values = self._odds[["line", "price"]].to_numpy("float64")[self._order[rows]]
        first = np.ones(len(rows), dtype=bool)
        changed = np.zeros(len(rows), dtype=bool)
        first[1:] = self._series[rows][1:] != self._series[rows][:-1]
        before, now = values[:-1], values[1:]
        same = (before == now) | (np.isnan(before) & np.isnan(now))
        changed[1:] = ~first[1:] & ~same.all(axis=1)
        return changed, first

    def _known(self, entities: pd.DataFrame, max_age: pd.Timedelta | None = None) -> IntArray:
        """Return the rows, in time order, of the entities' games that are known (and fresh) at as_of."""
        place = entities.index.get_indexer(pd.Index(self._games))
        as_of = np.append(microseconds(entities["as_of"]), NEVER)[place]
        limit = as_of[self._game] if len(as_of) else np.empty(0, dtype=np.int64)
        known = self._time <= limit
        if max_age is not None:
            age = max_age // pd.Timedelta(microseconds=1)
            known[known] = self._time[known] > limit[known] - age
        return np.flatnonzero(known)

    def _scatter(self, rows: IntArray) -> IntArray:
        cell = np.full(len(self._games) * self._width, -1, dtype=np.int64)
        cell[self._series[rows]] = rows  # of a repeated cell NumPy keeps the last assignment
        return cell[cell >= 0]

    def _take(self, rows: IntArray) -> pd.DataFrame:
        return self._odds.iloc[self._order[rows]].reset_index(drop=True)
