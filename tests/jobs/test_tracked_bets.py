"""The whole way of a bet: published, placed, played, graded, settled, in the warehouse; corrected, and all again."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.bank import Request, open_bank, show, verify
from aipro_ml.jobs.bets import Wish, list_bets, place
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.settling import settle
from aipro_ml.jobs.warehouse import refresh
from tests.fixtures_platform import LATER, NOW, SPORT, load, played, with_score
from tests.jobs.people import add_user

BY = Actor(login="tests")
ANN = Request("ann@example.com", BY, NOW)


@pytest.fixture
def placed(published):
    """Three bets on the open week's best predictions, one of them at a price of its own."""
    with published.engine.begin() as connection:
        add_user(connection, ANN.user, NOW)
        connection.exec_driver_sql(
            "INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), 'bet.tiers', 'A,B,C,D')"
        )
    open_bank(published.engine, ANN, Decimal(1000))
    best = published.rows(
        "SELECT p.id, p.odds_at_prediction AS odds FROM predictions p "
        "JOIN fact_predictions f ON f.prediction_id = p.id JOIN games g ON g.id = p.game_id "
        "WHERE g.status = 'scheduled' AND f.ev > 0 ORDER BY f.ev DESC LIMIT 3"
    )
    for number, each in enumerate(best):
        odds = None if number else max(each["odds"], 100) + 15
        place(published.engine, ANN, Wish(str(each["id"]), Decimal(20), odds))
    return published


def rows(platform):
    return platform.rows("SELECT * FROM fact_bets WHERE bet_id IS NOT NULL ORDER BY placed_at")


def test_a_bet_goes_its_whole_way_and_a_corrected_score_corrects_it(placed, league):
    assert settle(placed.engine, BY, NOW).settlements == ()
    load(placed, played(league), b"played")
    grade_sport(placed.engine, SPORT, LATER)
    report = settle(placed.engine, BY, LATER)
    assert len(report.settlements) == 3
    refresh(placed.engine, LATER)
    check(placed)

    wrong = placed.rows("SELECT g.external_id FROM bets b JOIN predictions p ON p.id = b.prediction_id "
                        "JOIN games g ON g.id = p.game_id ORDER BY b.placed_at LIMIT 1")  # fmt: skip
    load(placed, with_score(played(league), wrong[0]["external_id"], 0, 60), b"corrected", LATER)
    after = LATER + timedelta(hours=1)
    grade_sport(placed.engine, SPORT, after)
    before = {each["id"]: each["result"] for each in list_bets(placed.engine, ANN.user, 9)}
    changed = settle(placed.engine, BY, after).settlements
    assert {each.bet_id for each in changed} == {
        each["id"] for each in list_bets(placed.engine, ANN.user, 9) if before[each["id"]] != each["result"]
    }
    refresh(placed.engine, after)
    check(placed)

    stored = placed.snapshot()
    assert settle(placed.engine, BY, after).settlements == ()
    assert refresh(placed.engine, after).fact_bets == 0
    assert placed.snapshot() == stored
    kept = rows(placed)
    refresh(placed.engine, after, rebuild=True)
    assert rows(placed) == kept


def check(platform):
    """Hold bets and their rows in the warehouse against the grades of their predictions."""
    assert verify(platform.engine) == (1, [])
    bets = platform.rows(
        "SELECT b.*, r.actual_result, r.profit_loss AS unit_profit, r.clv, p.odds_at_prediction FROM bets b "
        "JOIN predictions p ON p.id = b.prediction_id JOIN prediction_results r ON r.prediction_id = p.id "
        "ORDER BY b.placed_at"
    )
    facts = rows(platform)
    assert [each["id"] for each in bets] == [each["bet_id"] for each in facts]
    for bet, fact in zip(bets, facts, strict=True):
        assert bet["result"] == fact["result"] == bet["actual_result"]
        assert fact["profit_units"] / fact["stake_units"] == pytest.approx(float(bet["profit_loss"]) / 20, abs=1e-5)
        same = bet["odds"] == bet["odds_at_prediction"]
        assert (fact["clv_ev"] == pytest.approx(bet["clv"], abs=1e-9)) == same
        if same:
            assert float(bet["profit_loss"]) == pytest.approx(20 * bet["unit_profit"], abs=0.005)
        else:  # a better price is worth more at the close, by the odds gained times the chance to win
            gained = float(american_to_decimal(bet["odds"]) - american_to_decimal(bet["odds_at_prediction"]))
            assert 0 < fact["clv_ev"] - bet["clv"] < gained
        assert fact["clv_probability"] is not None
    assert facts[0]["stake_units"] == pytest.approx(2.0)  # 20 of 1,000
    assert facts[1]["stake_units"] == pytest.approx(100 * 20 / 980)
    assert show(platform.engine, ANN.user, 1)[0].bets.profit == sum(bet["profit_loss"] for bet in bets)


def test_a_bet_is_refused_once_its_game_has_kicked_off(placed):
    first = placed.one("SELECT prediction_id FROM bets ORDER BY placed_at LIMIT 1")
    with pytest.raises(Exception, match="has begun"):
        place(placed.engine, replace(ANN, now=LATER), Wish(str(first), Decimal(5), again=True))
