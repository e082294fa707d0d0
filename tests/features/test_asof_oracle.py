"""Ten thousand random questions of each kind against a loop that reads every fact: ties, gaps, missing keys."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.asof import asof_join, asof_positions
from aipro_ml.features.quotes import QuoteLog
from aipro_ml.features.records import ODDS_COLUMNS, frame_of

CASES = 10_000
START = pd.Timestamp("2020-01-01", tz="UTC")
HOUR = 3_600_000_000


@dataclass(frozen=True)
class Kind:
    """A way to ask: by which keys, how old a fact may be (hours), how crowded the moments are."""

    by: tuple[str, ...]
    hours: int | None
    moments: int


KINDS = (
    Kind(("team_id",), None, 6),
    Kind(("team_id",), 3, 24),
    Kind(("team_id", "season"), None, 400),
    Kind(("team_id", "season"), 5, 12),
)


def at(hours: np.ndarray) -> pd.Series:
    return pd.Series(START + pd.to_timedelta(hours, unit="h")).astype("datetime64[us, UTC]")


def random_frames(rng: np.random.Generator, kind: Kind, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and events (none, few or many) on the same few moments; some keys are missing, some never come."""
    events = int(rng.choice([0, 1, 5, 60]))
    frames = []
    for count, time, teams in ((rows, "as_of", ["A", "B", "Z", None]), (events, "known_at", ["A", "B", "C", None])):
        frames.append(
            pd.DataFrame(
                {
                    "team_id": pd.Series(rng.choice(teams, count), dtype=object),
                    "season": rng.integers(1, 3, count),
                    time: at(rng.integers(0, kind.moments, count)).array,
                }
            )
        )
    left, right = frames
    return left.set_axis(rng.permutation(rows), axis=0), right.assign(value=rng.normal(size=events))


def naive_position(row: tuple, events: list[tuple], hours: int | None) -> int:
    """The last event, in event order, of the newest known moment; −1 where none fits."""
    keys, as_of = row[:-1], row[-1]
    best, newest = -1, None
    for position, (*event_keys, known_at) in enumerate(events):
        fits = None not in keys and list(keys) == event_keys and known_at <= as_of
        fits = fits and (hours is None or known_at > as_of - hours * HOUR)
        if fits and (newest is None or known_at >= newest):
            best, newest = position, known_at
    return best


def tuples(frame: pd.DataFrame, kind: Kind, time: str) -> list[tuple]:
    return list(zip(*(frame[name].tolist() for name in kind.by), frame[time].astype("int64").tolist(), strict=True))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{len(kind.by)} keys, {kind.hours} h, {kind.moments}")
def test_the_asof_join_equals_a_naive_loop_on_ten_thousand_cases(kind: Kind) -> None:
    rng, done, found_any, tied = np.random.default_rng(11), 0, 0, 0
    tolerance = None if kind.hours is None else pd.Timedelta(hours=kind.hours)
    while done < CASES:
        left, events = random_frames(rng, kind, rows=100)
        told = tuples(events, kind, "known_at")
        expected = [naive_position(row, told, kind.hours) for row in tuples(left, kind, "as_of")]
        assert asof_positions(left, events, kind.by, tolerance).tolist() == expected
        joined = asof_join(left, events, kind.by, ["value"], tolerance)
        assert joined.index.equals(left.index)  # one row out for each row in
        oracle = [events["value"].iloc[position] if position >= 0 else np.nan for position in expected]
        np.testing.assert_array_equal(joined["value"].to_numpy("float64"), oracle)
        done += len(left)
        found_any += sum(position >= 0 for position in expected)
        tied += len(told) - len(set(told))
    assert 0.1 * CASES < found_any < 0.9 * CASES
    assert tied > 10  # facts of one key at one moment


def test_three_rows_with_one_key_all_come_back() -> None:
    left = pd.DataFrame({"team_id": ["A"] * 3, "as_of": at(np.array([5, 5, 5])).array}, index=["x", "x", "y"])
    events = pd.DataFrame({"team_id": ["A", "A"], "known_at": at(np.array([4, 20])).array, "value": [1.0, 2.0]})
    joined = asof_join(left, events, ["team_id"], ["value"])
    assert joined["value"].tolist() == [1.0, 1.0, 1.0]
    assert list(joined.index) == ["x", "x", "y"]


KEY = ["game_id", "book", "market", "selection"]


def random_quotes(rng: np.random.Generator, games: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Quotes of `games` games in no order, several at one moment; some games are not asked for, some not quoted."""
    rows = games * 12
    data = {
        "game_id": [f"g{n}" for n in rng.integers(0, games, rows)],
        "book": rng.choice(["Alpha", "Beta"], rows),
        "is_sharp": rng.random(rows) < 0.5,
        "market": rng.choice(["total", "moneyline"], rows),
        "selection": rng.choice(["over", "home"], rows),
        "line": np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 2, rows)),
        "price": rng.choice([-110.0, 100.0], rows),
        "recorded_at": at(rng.integers(0, 10, rows)).array,
    }
    asked = pd.Index([f"g{n}" for n in rng.permutation(games + 2)[:games]], name="game_id", dtype=object)
    return frame_of(pd.DataFrame(data), ODDS_COLUMNS), pd.DataFrame(
        {"as_of": at(rng.integers(-1, 12, games)).array}, index=asked
    )


def naive_quotes(odds: pd.DataFrame, entities: pd.DataFrame, hours: int | None, *, last: bool) -> list[tuple]:
    """Per series the newest (or oldest) known quote, of several at one moment the last (first) in the frame's order."""
    as_of = dict(zip(entities.index, entities["as_of"].astype("int64").tolist(), strict=True))
    times = odds["recorded_at"].astype("int64").tolist()
    found: dict[tuple, int] = {}
    for position, key in enumerate(zip(*(odds[name].tolist() for name in KEY), strict=True)):
        limit = as_of.get(key[0])
        if limit is None or times[position] > limit or (hours and times[position] <= limit - hours * HOUR):
            continue
        known = found.get(key)
        newer = known is None or times[position] >= times[known]
        older = known is None or times[position] < times[known]
        if newer if last else older:
            found[key] = position
    return sorted((*key, position) for key, position in found.items())


@pytest.mark.parametrize(("hours", "last"), [(4, True), (1000, True), (None, False)], ids=["4 h", "any age", "opening"])
def test_latest_and_opening_quotes_equal_a_naive_loop_on_ten_thousand_games(hours: int | None, last: bool) -> None:
    rng, done, answers = np.random.default_rng(12), 0, 0
    while done < CASES:
        odds, entities = random_quotes(rng, games=100)
        odds["price"] = np.arange(len(odds), dtype=float) + 100  # each quote can be told from every other
        log = QuoteLog(odds)
        taken = log.latest(entities, pd.Timedelta(hours=hours)) if last else log.opening(entities)
        expected = naive_quotes(odds, entities, hours, last=last)
        got = zip(*(taken[name].tolist() for name in KEY), (taken["price"] - 100).astype(int).tolist(), strict=True)
        assert list(got) == expected
        done += len(entities)
        answers += len(expected)
    assert answers > CASES


def naive_movements(odds: pd.DataFrame, entities: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Per game (moves, the last change or first quote) of its series in time order, as known at as_of."""
    as_of = dict(zip(entities.index, entities["as_of"].astype("int64").tolist(), strict=True))
    times, before, found = odds["recorded_at"].astype("int64").tolist(), {}, {}
    offers = list(zip(odds["line"].fillna(-1).tolist(), odds["price"].tolist(), strict=True))
    keys = list(zip(*(odds[name].tolist() for name in KEY), strict=True))
    for position in sorted(range(len(odds)), key=lambda each: times[each]):
        game = keys[position][0]
        if game not in as_of or times[position] > as_of[game]:
            continue
        known = before.get(keys[position])
        moves, latest = found.get(game, (0, 0))
        if known is None or known != offers[position]:
            found[game] = (moves + (known is not None), max(latest, times[position]))
        before[keys[position]] = offers[position]
    return found


def test_movements_equal_a_naive_loop_on_ten_thousand_games() -> None:
    rng, done, moved = np.random.default_rng(13), 0, 0
    while done < CASES:
        odds, entities = random_quotes(rng, games=100)
        told = QuoteLog(odds).movements(entities)
        expected = naive_movements(odds, entities)
        assert told.index.equals(entities.index)
        quoted = told.loc[told["moves"].fillna(0).gt(0) | told["moved_at"].notna()]
        got = zip(quoted["moves"].astype(int).tolist(), quoted["moved_at"].astype("int64").tolist(), strict=True)
        assert dict(zip(quoted.index, got, strict=True)) == expected
        done += len(entities)
        moved += sum(moves for moves, _ in expected.values())
    assert moved > CASES
