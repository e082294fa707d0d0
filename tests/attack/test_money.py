"""Attempts to make the platform stake, count or print money that is not there."""

import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.cli import output
from aipro_ml.config import policy_config
from aipro_ml.enums import BetType, DevigMethod, RunMode
from aipro_ml.errors import GuardError
from aipro_ml.identity import derive_id
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.predictor import ModelScores, predict_slate
from aipro_ml.inference.quotes import market_boards
from aipro_ml.jobs.facts import refuse_impossible
from aipro_ml.jobs.predict import LIVE_WITHIN, PredictionRequest, _slots, predict
from tests.fixtures_platform import NOW, open_game_ids, open_week_request

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


@pytest.mark.parametrize(("price", "line"), [(0, np.nan), (50, 3.5), (np.nan, 3.5), (np.inf, 3.5), (-110, -np.inf)])
def test_a_quote_nobody_can_have_offered_is_refused_and_named(price, line):
    quotes = pd.DataFrame(
        {"game_id": ["a", "b"], "market": "spread", "selection": "home", "price": [-110, price], "line": [3.5, line]}
    )
    refuse_impossible(quotes[:1].assign(line=np.nan), "NFL")  # a moneyline's
    with pytest.raises(GuardError, match="1 stored quotes of NFL are impossible, the first of game b: spread home"):
        refuse_impossible(quotes, "NFL")


def test_an_infinite_line_behind_the_platforms_back_is_not_published(trained, league):
    game, book = open_game_ids(league)[2], derive_id("sportsbook", league.books[0].name)
    statement = (
        "INSERT INTO odds (id, game_id, sportsbook_id, market_type, selection, price, line, recorded_at) VALUES "
        "(gen_random_uuid(), :game, :book, 'spread', 'home', -110, '-Infinity', :at)"
    )
    with trained.engine.begin() as connection:
        connection.execute(sa.text(statement), {"game": game, "book": book, "at": NOW.replace(tzinfo=None)})
    before = trained.snapshot()
    with pytest.raises(GuardError, match="impossible, the first of game"):
        predict(trained.engine, trained.settings, open_week_request())
    assert trained.snapshot() == before


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
