"""Attempts to make the platform stake, count or print money that is not there."""

import json

import numpy as np
import pandas as pd
import pytest

from aipro_ml.cli import output
from aipro_ml.config import policy_config
from aipro_ml.enums import BetType, DevigMethod, RunMode
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.predictor import ModelScores, predict_slate
from aipro_ml.inference.quotes import market_boards
from aipro_ml.jobs.predict import LIVE_WITHIN, PredictionRequest, _slots

KICKOFF = pd.Timestamp("2022-09-11 17:00", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)


def _moneyline(home_price, away_price, p):
    quotes = pd.DataFrame(
        {
            "game_id": "g",
            "book": "b",
            "market": "moneyline",
            "selection": ["home", "away"],
            "line": np.nan,
            "price": [float(home_price), float(away_price)],
        }
    )
    games = pd.DataFrame({"as_of": [KICKOFF - MINUTE], "kickoff": [KICKOFF]}, index=pd.Index(["g"], name="game_id"))
    scores = ModelScores(BetType.MONEYLINE, "m", pd.Series([p], index=["g"]), calibration_rows=1000)
    boards = market_boards(quotes, [BetType.MONEYLINE], DevigMethod.POWER)
    return predict_slate([scores], games, boards, {}, build_policy(policy_config(), "NFL")).predictions[0]


def test_a_value_that_is_zero_as_published_takes_no_stake():
    bet = _moneyline(-300_000, 290_000, 0.999667)
    assert bet.ev == 0.0
    assert bet.kelly_fraction == 0.0


def test_a_value_that_is_published_takes_a_stake():
    bet = _moneyline(-300_000, 290_000, 0.999668)
    assert bet.ev is not None
    assert bet.ev > 0
    assert bet.kelly_fraction > 0


@pytest.mark.parametrize(
    ("behind", "mode"),
    [
        (0 * MINUTE, RunMode.LIVE),
        (LIVE_WITHIN, RunMode.LIVE),
        (LIVE_WITHIN + MINUTE, RunMode.BACKFILLED),
        (3 * 1440 * MINUTE, RunMode.BACKFILLED),
    ],
)
def test_a_slot_picked_in_hindsight_is_back_filled_even_before_the_kick_off(behind, mode):
    now = KICKOFF - pd.Timedelta(hours=1)
    wanted = pd.DataFrame({"kickoff": [KICKOFF], "season": [2022]}, index=["g"])
    request = PredictionRequest("NFL", now.to_pydatetime(), season=2022, as_of=(now - behind).to_pydatetime())
    assert [slot.mode for slot in _slots(wanted, request, 1)] == [mode]


def test_json_listings_never_hold_what_json_has_not(capsys):
    row = {"score": float("nan"), "inner": {"roi": float("inf")}, "list": [1.0, float("nan")], "n": np.int64(3)}
    output.table([row], title="any", as_json=True)
    printed = capsys.readouterr().out
    read = json.loads(printed, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read == {"score": None, "inner": {"roi": None}, "list": [1.0, None], "n": 3}
