"""The only two ways to look back: the as-of join, and the running state after each game that is joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.provenance import noted_positions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def asof_positions(
    left: pd.DataFrame, events: pd.DataFrame, by: Sequence[str], tolerance: pd.Timedelta | None = None
) -> IntArray:
    """Return for each row of `left` (n,) the position of its last event in `events`, −1 where there is none.

    An event counts when its `by` columns equal the row's and `known_at` ≤ `as_of` (with `tolerance` also
    `known_at` > `as_of` − tolerance). Of several known at one moment the last in event order is taken. A row with a
    missing key has no event: two unknown teams are not one team.
    """
    if events.empty or left.empty:
        return np.full(len(left), -1, dtype=np.int64)
    codes, known = _codes(left, events, by)
    left_code, event_code = codes[: len(left)], codes[len(left) :]
    as_of, known_at = microseconds(left["as_of"]), microseconds(events["known_at"])
    in_order = bool((known_at[1:] >= known_at[:-1]).all())
    # one integer per (entity, moment) makes the join a single binary search; rank 0 is "before everything"
    moments, rank = _ranked(known_at) if in_order else np.unique(known_at, return_inverse=True)
    width = len(moments) + 1
    event_key = event_code * width + rank + 1
    left_key = left_code * width + np.searchsorted(moments, as_of, side="right")
    order = _by_code(event_code) if in_order else np.argsort(event_key, kind="stable")
    at = np.searchsorted(event_key[order], left_key, side="right") - 1
    found = order[np.maximum(at, 0)]
    valid = (at >= 0) & (event_code[found] == left_code) & known[: len(left)]
    if tolerance is not None:
        valid &= known_at[found] > as_of - tolerance // pd.Timedelta(microseconds=1)
    return np.where(valid, found, -1)


def asof_join(
    left: pd.DataFrame,
    events: pd.DataFrame,
    by: Sequence[str],
    columns: Sequence[str],
    tolerance: pd.Timedelta | None = None,
) -> pd.DataFrame:
    """Return `columns` of each row's last event known at its `as_of`, on the index of `left`.

    The rule is that of `asof_positions`; rows without an event hold missing values.
    """
    positions = noted_positions(asof_positions(left, events, by, tolerance), events)
    taken = events[list(columns)].reset_index(drop=True).reindex(positions)
    return taken.set_axis(left.index, axis=0)


def asof_sides(
    entities: pd.DataFrame, events: pd.DataFrame, columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `columns` of the last event of the home team and of the away team, as known at `as_of`.

    `events` has team_id and known_at; both results are on the index of `entities`.
    """
    teams = [entities[["as_of"]].assign(team_id=entities[f"{side}_team_id"]) for side in ("home", "away")]
    found = asof_positions(pd.concat(teams), events, ["team_id"])  # the events are brought into order once
    taken = events[list(columns)].reset_index(drop=True)
    home, away = (
        taken.reindex(noted_positions(positions, events)).set_axis(entities.index, axis=0)
        for positions in (found[: len(entities)], found[len(entities) :])
    )
    return home, away


@dataclass(frozen=True)
class Turns:
    """The events entity by entity, each entity's in event order: `order` (n,) their positions, `entity` (n,) whose.

    Entities are numbered from 0 to `count` − 1 as they stand in `order`.
    """

    order: IntArray
    entity: IntArray
    count: int

    @classmethod
    def of(cls, events: pd.DataFrame, by: Sequence[str] = ("team_id",)) -> Self:
        """Return the turns of events in event order; an entity is told apart by the columns `by`."""
        codes, count = _group_codes(events, by)
        order = _by_code(codes)
        ordered = codes[order]
        change = np.zeros(len(order), dtype=np.int64)
        change[1:] = ordered[1:] != ordered[:-1]
        return cls(order, np.cumsum(change), count)


def rolling_before(
    events: pd.DataFrame,
    column: str,
    window: int,
    by: Sequence[str] = ("team_id",),
    turns: Turns | None = None,
) -> pd.Series:
    """Return after each event the mean of `column` over the entity's last `window` events, itself included.

    Rows must stand in event order. It becomes "before the game" by the as-of join. Missing values are left
    out; a window of only missing values is NaN. Lags are added one by one: the result of a row has the same
    bits whatever follows it. `turns` are `Turns.of(events, by)`, where they are known already.
    """
    turns = turns or Turns.of(events, by)
    # so many zeros before every entity that no window reaches into another: a lag is a slice, not a search
    place = np.arange(len(events)) + window * (turns.entity + 1)
    values = events[column].to_numpy("float64")[turns.order]
    missing = np.isnan(values)
    amounts, known = np.zeros((2, len(values) + window * turns.count))
    amounts[place], known[place] = np.where(missing, 0.0, values), ~missing
    total, count = (_summed(padded, window)[place] for padded in (amounts, known))
    means = np.empty(len(values))
    means[turns.order] = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return pd.Series(means, index=events.index)


def _summed(padded: FloatArray, window: int) -> FloatArray:
    """Return at each place the sum of the last `window` numbers, itself first; 0 at the first `window` places."""
    total = np.zeros(len(padded))
    for lag in range(window):
        total[window:] += padded[window - lag : len(padded) - lag]
    return total


def ewm_before(
    events: pd.DataFrame,
    column: str,
    rate: float,
    start: float,
    by: Sequence[str] = ("team_id",),
    turns: Turns | None = None,
) -> pd.Series:
    """Return after each event the entity's exponentially weighted mean of `column`, itself included.

    state ← state + rate·(value − state), beginning at `start`; missing values leave it as it is. Rows must
    stand in event order. `turns` are `Turns.of(events, by)`, where they are known already.
    """
    turns = turns or Turns.of(events, by)
    values = events[column].to_numpy("float64")[turns.order]
    after, entity, now = [], -1, start
    for code, value, known in zip(turns.entity.tolist(), values.tolist(), (~np.isnan(values)).tolist(), strict=True):
        if code != entity:
            entity, now = code, start
        if known:
            now += rate * (value - now)
        after.append(now)
    means = np.empty(len(values))
    means[turns.order] = after
    return pd.Series(means, index=events.index)


def streak_before(
    events: pd.DataFrame, column: str, by: Sequence[str] = ("team_id",), turns: Turns | None = None
) -> pd.Series:
    """Return after each event the entity's run of equal signs of `column`: +3 after three above zero, 0 after a zero.

    Rows must stand in event order, and no value may be missing. `turns` are `Turns.of(events, by)`, where known.
    """
    turns = turns or Turns.of(events, by)
    sign = np.sign(events[column].to_numpy("float64"))[turns.order]
    first = np.ones(len(sign), dtype=bool)
    first[1:] = (turns.entity[1:] != turns.entity[:-1]) | (sign[1:] != sign[:-1])
    position = np.arange(len(sign))
    runs = np.empty(len(sign))
    runs[turns.order] = sign * (position - np.maximum.accumulate(np.where(first, position, 0)) + 1)
    return pd.Series(runs + 0.0, index=events.index)


def numbered_teams(entities: pd.DataFrame, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both with their teams' identifiers as numbers: a view that asks often compares the words only once."""
    columns = ("home_team_id", "away_team_id")
    codes, _ = pd.factorize(pd.concat([events["team_id"], *(entities[name] for name in columns)], ignore_index=True))
    numbers = np.where(codes < 0, np.nan, codes) if (codes < 0).any() else codes
    event, home, away = np.split(numbers, [len(events), len(events) + len(entities)])
    return entities.assign(home_team_id=home, away_team_id=away), events.assign(team_id=event)


def lagged(events: pd.DataFrame, column: str, lag: int, by: Sequence[str] = ("team_id",)) -> pd.Series:
    """Return `column` as it was `lag` events earlier of the same entity; missing where there was none."""
    previous = previous_events(events, by)
    position = np.arange(len(events))
    for _ in range(lag):
        position = np.where(position >= 0, previous[position], -1)
    return events[column].reset_index(drop=True).reindex(position).set_axis(events.index)


def counted(events: pd.DataFrame, by: Sequence[str] = ("team_id",)) -> pd.Series:
    """Return after each event how many events the entity has had, itself included."""
    return events.groupby(list(by), sort=False).cumcount() + 1


def microseconds(times: pd.Series) -> IntArray:
    """Return UTC times as integer microseconds since 1970; ValueError where one is missing."""
    # as NumPy sees them: nothing is copied where they are in microseconds already
    moments: IntArray = times.astype("datetime64[us, UTC]", copy=False).to_numpy("datetime64[us]").view(np.int64)
    if len(moments) and moments.min() == np.iinfo(np.int64).min:
        raise ValueError(f"{times.name}: a time is missing, and without it nothing can be ordered")
    return moments


def previous_events(events: pd.DataFrame, by: Sequence[str] = ("team_id",)) -> IntArray:
    """Return the position of the entity's event before each event, −1 for its first."""
    codes, _ = _group_codes(events, by)
    order = _by_code(codes)
    previous = np.full(len(codes), -1, dtype=np.int64)
    same = codes[order][1:] == codes[order][:-1]
    previous[order[1:][same]] = order[:-1][same]
    return previous


def _group_codes(events: pd.DataFrame, by: Sequence[str]) -> tuple[IntArray, int]:
    if len(by) == 1:
        codes, words = pd.factorize(events[by[0]], use_na_sentinel=False)
        return np.asarray(codes, dtype=np.int64), len(words)
    grouped = events.groupby(list(by), sort=False, dropna=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64), grouped.ngroups


def _codes(left: pd.DataFrame, events: pd.DataFrame, by: Sequence[str]) -> tuple[IntArray, BoolArray]:
    """Return the entity of every row of `left` and then of `events`, and which rows have no missing key."""
    keys = pd.concat([left[list(by)], events[list(by)]], ignore_index=True)
    if len(by) > 1:
        return _group_codes(keys, by)[0], keys.notna().all(axis=1).to_numpy()
    codes, words = pd.factorize(keys[by[0]])
    known = codes >= 0
    return np.where(known, codes, len(words)).astype(np.int64), known


def _by_code(codes: IntArray) -> IntArray:
    """Return the positions by code, equal codes in their order; 16 bits are sorted by radix, many times as fast."""
    narrow = len(codes) and codes.max() < 1 << 16
    order: IntArray = np.argsort(codes.astype(np.uint16) if narrow else codes, kind="stable")
    return order


def _ranked(ascending: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct values, and the place of each value among them."""
    first = np.ones(len(ascending), dtype=bool)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first], np.cumsum(first) - 1
