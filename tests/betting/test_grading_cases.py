"""Four hundred bets whose end was written out by hand, graded by each sport's own rules."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.settlement import MarketRule, SettlementRules, results_of, settle_scores
from aipro_ml.config import sport_config
from aipro_ml.enums import BetType, DevigMethod, GameStatus, Selection
from aipro_ml.evaluation.grading import grade
from aipro_ml.features.records import CLOSING_COLUMNS, no_rows

KICKOFF = pd.Timestamp("2025-10-05T17:00Z")
FILE = Path(__file__).with_name("grading_cases.csv")
DISTRIBUTIONS = {each: MarginDistribution(each, 10.0) for each in (BetType.SPREAD, BetType.TOTAL)}
LEAST = {
    "win": 100,
    "loss": 100,
    "push": 40,
    "half_win": 20,
    "half_loss": 20,
    "void": 20,
    "pending": 7,
    "ungradeable": 10,
}


def rules_of(code: str) -> SettlementRules:
    if code != "NHL60":
        return SettlementRules.of(sport_config(code))
    hockey = {"moneyline": MarketRule.THREE_WAY.value, "regulation": tuple(BetType)}
    return SettlementRules.of(sport_config("NHL").model_copy(update=hockey))


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    text = dict.fromkeys(("sport", "bet", "side", "ot", "status", "result"), "string")
    found = pd.read_csv(FILE, comment="#", dtype=text)
    found["case"] = [f"{number}: {','.join(map(str, row))}" for number, row in enumerate(found.to_numpy(), start=1)]
    return found


def ended(cases: pd.DataFrame, code: str) -> pd.DataFrame:
    """Return result and profit of each case (index) of a sport: the grade, or where it stands without one."""
    games = pd.DataFrame(
        {
            "status": cases["status"].fillna(GameStatus.FINAL.value).astype(object).to_numpy(),
            "home_score": cases["home"].to_numpy("float64"),
            "away_score": cases["away"].to_numpy("float64"),
            "overtime": cases["ot"].eq("x").fillna(value=False).to_numpy(bool),
            "kickoff": KICKOFF,
        },
        index=pd.Index(cases["case"], name="game_id"),
    )
    bets = pd.DataFrame(
        {
            "prediction_id": cases["case"],
            "game_id": cases["case"],
            "bet_type": cases["bet"].astype(object),
            "predicted_side": cases["side"].astype(object),
            "line_at_prediction": cases["line"],
            "odds_at_prediction": cases["price"],
            "fair_probability": np.nan,
            "kickoff_known": KICKOFF - pd.to_timedelta(cases["moved"].fillna(0), unit="h"),
        }
    )
    known = games.loc[games["status"] != "unknown"]
    found = grade(bets, known, no_rows(CLOSING_COLUMNS), DISTRIBUTIONS, DevigMethod.POWER, rules=rules_of(code))
    assert found.accounting.total == len(cases)
    grades = found.grades.set_index("prediction_id")
    result = grades["actual_result"].reindex(cases["case"]).fillna(found.standing)
    return pd.DataFrame({"result": result, "profit": grades["profit_loss"].reindex(cases["case"])})


def test_there_are_four_hundred_different_cases_of_every_kind_of_end(cases):
    assert len(cases) >= 400
    assert not cases.drop(columns="case").duplicated().any()
    counts = cases["result"].value_counts().to_dict()
    assert counts.keys() == LEAST.keys()
    assert {name for name, least in LEAST.items() if counts[name] < least} == set()
    assert set(cases["sport"]) == {
        "NFL", "NBA", "WNBA", "NCAAB", "NCAAF", "MLB", "NHL", "NHL60", "EPL", "LALIGA", "BUNDES",
    }  # fmt: skip


def test_every_case_ends_as_it_is_written(cases):
    parts = [ended(part, str(code)) for code, part in cases.groupby("sport")]
    found = pd.concat(parts).loc[cases["case"]]
    wrong = found.loc[found["result"].to_numpy() != cases["result"].to_numpy()]
    assert wrong.empty, wrong["result"].to_string()
    paid = np.isclose(found["profit"].to_numpy(float), cases["profit"].to_numpy(float), atol=5.1e-5, equal_nan=True)
    assert paid.all(), found.loc[~paid, "profit"].to_string()


@pytest.mark.parametrize(
    ("bet_type", "counted"),
    [(BetType.MONEYLINE, (2.0, 2.0)), (BetType.SPREAD, (2.0, 2.0)), (BetType.TOTAL, (2.0, 2.0))],
)
def test_under_sudden_death_a_game_stood_as_its_loser_ended(bet_type, counted):
    home, away = rules_of("NHL60").counted(bet_type, [3.0, 4.0, np.nan], [2.0, 1.0, np.nan], [True, False, True])
    assert (home[0], away[0]) == counted
    assert (home[1], away[1]) == (4.0, 1.0)
    assert np.isnan([home[2], away[2]]).all()


def test_a_game_whose_overtime_is_not_sudden_death_was_level_at_nobody_knows_what():
    rules = rules_of("EPL")
    assert [each.tolist() for each in rules.counted(BetType.SPREAD, [3.0], [1.0], [True])] == [[0.0], [0.0]]
    assert np.isnan(rules.counted(BetType.TOTAL, [3.0], [1.0], [True])).all()
    assert np.isnan(rules.counted(BetType.MONEYLINE, [np.nan], [np.nan], [True])).all()
    scores = rules.counted(BetType.MONEYLINE, [3.0], [1.0], [True])
    draw = settle_scores(BetType.MONEYLINE, Selection.DRAW, None, *scores, rules.moneyline)
    assert results_of(draw).tolist() == ["win"]


def test_overtime_counts_where_a_sport_says_nothing_of_it():
    scores = rules_of("NFL").counted(BetType.TOTAL, [26.0], [20.0], [True])
    assert [each.tolist() for each in scores] == [[26.0], [20.0]]
    assert rules_of("NFL").void_after_hours == 168
