"""The kernel of quotes against a naive loop, over rows in any order and words in any form."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting import threads
from aipro_ml.features.quotes import QuoteLog
from aipro_ml.features.records import ODDS_COLUMNS, frame_of

KEYS = ["game_id", "book", "market", "selection"]
START = pd.Timestamp("2020-01-01", tz="UTC")
DAY = pd.Timedelta(hours=24)


def random_quotes(seed: int, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Quotes with repeated moments, missing lines and games nobody asks for; entities with games nobody quotes."""
    rng = np.random.default_rng(seed)
    minutes = rng.integers(0, 60 * 48, rows)
    data = {
        "game_id": [f"g{n}" for n in rng.integers(0, 12, rows)],
        "book": rng.choice(["Zeta", "Alpha", "beta"], rows),
        "is_sharp": rng.random(rows) < 0.5,
        "market": rng.choice(["total", "moneyline"], rows),
        "selection": rng.choice(["over", "away", "home"], rows),
        "line": np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 2, rows)),
        "price": rng.choice([-110.0, 100.0], rows),
        "recorded_at": START + pd.to_timedelta(minutes, unit="min"),
    }
    ids = pd.Index([f"g{n}" for n in range(3, 15)], name="game_id", dtype=object)
    decided = START + pd.to_timedelta(rng.integers(0, 60 * 60, len(ids)), unit="min")
    return frame_of(pd.DataFrame(data), ODDS_COLUMNS), pd.DataFrame({"as_of": decided}, index=ids)


def naive(odds: pd.DataFrame, entities: pd.DataFrame, age: pd.Timedelta | None, *, last: bool) -> list[tuple]:
    found: dict[tuple, tuple] = {}
    for position, row in enumerate(odds.itertuples(index=False)):
        if row.game_id not in entities.index:
            continue
        as_of = entities.loc[row.game_id, "as_of"]
        if row.recorded_at > as_of or (age is not None and row.recorded_at <= as_of - age):
            continue
        key, rank = tuple(getattr(row, name) for name in KEYS), (row.recorded_at, position)
        if key not in found or (rank > found[key][0]) == last:
            found[key] = (rank, position)
    return [found[key][1] for key in sorted(found)]


def naive_moves(odds: pd.DataFrame, entities: pd.DataFrame) -> dict[str, tuple[int, pd.Timestamp]]:
    moves: dict[str, tuple[int, pd.Timestamp]] = {}
    known = odds[odds["game_id"].isin(entities.index)]
    known = known[known["recorded_at"] <= known["game_id"].map(entities["as_of"])]
    for (game, *_), series in known.sort_values("recorded_at", kind="stable").groupby(KEYS):
        before = None
        for row in series.itertuples():
            offer = (None if np.isnan(row.line) else row.line, row.price)
            count, at = moves.get(game, (0, row.recorded_at))
            if before is None or offer != before:
                moves[game] = (count + (before is not None), max(at, row.recorded_at))
            before = offer
    return moves


def as_categories(odds: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same rows with words as categories in an order of their own, some never used."""
    rng = np.random.default_rng(seed)
    words = {name: rng.permutation([*odds[name].unique(), "another", "ZZ"]) for name in KEYS}
    return odds.astype({name: pd.CategoricalDtype(list(listed)) for name, listed in words.items()})


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("in_order", [True, False], ids=["in time order", "in no order"])
def test_latest_opening_and_movements_equal_a_naive_loop(seed: int, in_order: bool) -> None:
    odds, entities = random_quotes(seed, 400)
    if in_order:
        odds = odds.sort_values("recorded_at", kind="stable", ignore_index=True)
    for given in (odds, as_categories(odds, seed)):
        log = QuoteLog(given)
        for taken, age, last in ((log.latest(entities, DAY), DAY, True), (log.opening(entities), None, False)):
            expected = odds.iloc[naive(odds, entities, age, last=last)].reset_index(drop=True)
            pd.testing.assert_frame_equal(taken.astype(expected.dtypes), expected)
        moves, expected_moves = log.movements(entities), naive_moves(odds, entities)
        assert list(moves.index) == list(entities.index)
        for game, count, at in moves.itertuples():
            if game in expected_moves:
                assert (count, at) == expected_moves[game]
            else:
                assert np.isnan(count)
                assert at is pd.NaT


def test_no_quotes_and_no_games_give_no_rows() -> None:
    odds, entities = random_quotes(0, 50)
    for some_odds, some_games in (
        (odds.iloc[:0], entities),
        (odds, entities.iloc[:0]),
        (odds.iloc[:0], entities.iloc[:0]),
    ):
        log = QuoteLog(some_odds)
        assert log.latest(some_games, DAY).empty
        assert log.opening(some_games).empty
        assert log.movements(some_games)["moves"].isna().all()


@pytest.mark.parametrize("step", [1, 7, 400])
def test_answers_do_not_depend_on_how_many_rows_a_pass_takes_at_once(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    odds, entities = random_quotes(3, 400)
    odds = odds.sort_values("recorded_at", kind="stable", ignore_index=True)
    whole = QuoteLog(odds)
    monkeypatch.setattr("aipro_ml.features.quotes.BLOCK", step)
    parts = QuoteLog(odds)
    pd.testing.assert_frame_equal(parts.latest(entities, DAY), whole.latest(entities, DAY))
    pd.testing.assert_frame_equal(parts.opening(entities), whole.opening(entities))
    pd.testing.assert_frame_equal(parts.movements(entities), whole.movements(entities))


@pytest.mark.parametrize("ordered", [True, False])
def test_threads_answer_with_the_rows_of_one_alone(ordered, monkeypatch):
    for seed in range(20):
        odds, entities = random_quotes(seed, 500)
        if ordered:
            odds = odds.sort_values("recorded_at", kind="stable", ignore_index=True)
        answers = []
        for enough in (threads.ENOUGH, 1):
            monkeypatch.setattr(threads, "ENOUGH", enough)
            monkeypatch.setattr(threads, "available", lambda: 3)
            log = QuoteLog(odds)
            answers.append((log.latest(entities, DAY), log.opening(entities), log.movements(entities)))
            monkeypatch.undo()
        for alone, shared in zip(*answers, strict=True):
            pd.testing.assert_frame_equal(alone, shared)
