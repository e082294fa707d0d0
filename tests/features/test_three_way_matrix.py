"""Three-way moneylines and quarter lines in the matrix: labels, weights and the market's view of the draw."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.margin import devig
from aipro_ml.betting.settlement import MarketRule, SettlementRules, profit_per_unit, settle
from aipro_ml.enums import BetType, DevigMethod, Selection
from aipro_ml.features.build import MatrixRequest, build_matrices, build_matrix
from aipro_ml.features.history import History
from aipro_ml.features.labels import labels
from aipro_ml.features.records import ODDS_COLUMNS, Records, frame_of
from aipro_ml.features.sport import sport
from tests.features.random_league import random_league

EPL = sport("EPL")
ELO = ("elo_diff",)


@pytest.fixture(scope="module")
def records() -> Records:
    """A league of draws: every third game ends level, and one book prices home, draw and away a day before."""
    found = random_league(2)
    games = found.games
    level = games["home_score"].notna() & (games["home_score"] % 3 == 0)
    games = games.assign(away_score=games["away_score"].where(~level, games["home_score"]), overtime=False)
    last = games.drop_duplicates("game_id", keep="last")
    quotes = [
        last.assign(market="moneyline", selection=side, price=price, line=np.nan)
        for side, price in (("home", 120.0), ("draw", 240.0), ("away", 230.0))
    ]
    odds = pd.concat(quotes).assign(
        book="Exchange", is_sharp=False, recorded_at=lambda rows: rows["kickoff"] - pd.Timedelta(hours=20)
    )
    return replace(found, games=games, odds=frame_of(odds, ODDS_COLUMNS))


def final_scores(records: Records) -> pd.DataFrame:
    return History(records).results().set_index("game_id")[["home_score", "away_score"]]


def test_a_draw_is_an_outcome_of_its_own_and_no_push(records: Records) -> None:
    matrix = build_matrix(records, EPL, BetType.MONEYLINE, MatrixRequest(columns=ELO))
    assert matrix.outcomes == (Selection.HOME, Selection.DRAW, Selection.AWAY)
    scores = final_scores(records).reindex(matrix.X.index)
    margin = np.sign(scores["home_score"] - scores["away_score"])
    pd.testing.assert_series_equal(matrix.y, (margin + 1) / 2, check_names=False)
    assert (matrix.y == 0.5).sum() > 10
    assert matrix.weight is None


def test_the_market_speaks_of_home_and_draw(records: Records) -> None:
    meta = build_matrix(records, EPL, BetType.MONEYLINE, MatrixRequest(columns=ELO)).meta
    fair = devig([[120.0, 240.0, 230.0]], DevigMethod.POWER).probabilities[0]
    known = meta["market_draw"].notna()
    assert known.mean() > 0.9
    np.testing.assert_allclose(meta.loc[known, "market_prob"], fair[0], atol=1e-8)
    np.testing.assert_allclose(meta.loc[known, "market_draw"], fair[1], atol=1e-8)


def test_without_the_draw_nobody_knows_the_market(records: Records) -> None:
    two_sided = replace(records, odds=records.odds.loc[records.odds["selection"] != "draw"])
    meta = build_matrix(two_sided, EPL, BetType.MONEYLINE, MatrixRequest(columns=ELO)).meta
    assert meta[["market_prob", "market_draw"]].isna().all(axis=None)


def test_a_two_way_sport_pushes_the_same_games(records: Records) -> None:
    matrix = build_matrix(records, sport("NFL"), BetType.MONEYLINE, MatrixRequest(columns=ELO))
    assert matrix.outcomes == (Selection.HOME, Selection.AWAY)
    assert "market_draw" not in matrix.meta.columns
    scores = final_scores(records).reindex(matrix.X.index)
    level = scores["home_score"] == scores["away_score"]
    assert matrix.y[level].isna().all()


def test_matrices_of_one_request_differ_by_market_only(records: Records) -> None:
    found = build_matrices(records, EPL, list(BetType), MatrixRequest(columns=ELO))
    assert [len(found[bet_type].outcomes) for bet_type in BetType] == [2, 3, 2]
    assert found[BetType.MONEYLINE].X.equals(found[BetType.TOTAL].X)


@pytest.mark.parametrize("bet_type", [BetType.SPREAD, BetType.TOTAL])
def test_labels_and_weights_pay_what_the_bet_pays_at_every_quarter_line(records: Records, bet_type: BetType) -> None:
    history, side = History(records), Selection.OVER if bet_type is BetType.TOTAL else Selection.HOME
    scores = final_scores(records)
    centre = (scores["home_score"] - scores["away_score"]) * -1 if side is Selection.HOME else scores.sum(axis=1)
    lines = (centre + np.resize(np.arange(-6, 7) / 4, len(scores))).rename("line")
    found = labels(lines, history, bet_type)
    price = -110
    for game, row in found.iterrows():
        home, away = scores.loc[game]
        paid = float(profit_per_unit(settle(bet_type, side, lines[game], home, away), price))
        if np.isnan(row["y"]):
            assert paid == 0
            continue
        whole = 100 / 110 if row["y"] == 1 else -1.0
        assert paid == pytest.approx(row["weight"] * whole)
    assert set(found["weight"]) == {0.5, 1.0}


def test_weights_stand_in_the_matrix_and_its_hash_only_where_a_stake_was_split(records: Records) -> None:
    matrix = build_matrix(records, EPL, BetType.MONEYLINE, MatrixRequest(columns=ELO))
    ones = replace(matrix, weight=pd.Series(1.0, index=matrix.X.index))
    assert ones.sha256 != matrix.sha256
    assert ones.take(np.arange(3)).weight is not None
    rules = SettlementRules(MarketRule.THREE_WAY)
    found = labels(matrix.meta["line"], History(records), BetType.MONEYLINE, rules=rules)
    assert found["weight"].eq(1.0).all()


def test_a_cup_game_that_went_on_after_ninety_minutes_is_labelled_as_it_stood_then(records: Records) -> None:
    longer = replace(records, games=records.games.assign(overtime=records.games["status"] == "final"))
    moneyline = build_matrix(longer, EPL, BetType.MONEYLINE, MatrixRequest(columns=ELO))
    assert moneyline.y.dropna().eq(0.5).all()
    total = labels(pd.Series(2.5, index=moneyline.X.index), History(longer), BetType.TOTAL, rules=soccer_rules())
    assert total["y"].isna().all()  # nobody stored how many goals there were by then


def soccer_rules() -> SettlementRules:
    return SettlementRules.of(EPL.config)
