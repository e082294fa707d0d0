"""Every developer vector of ../shared/vectors/betting.json, at 1e-6."""

import json

import numpy as np
import pytest

from aipro_ml import metrics
from aipro_ml.betting.clv import Close, TakenBets, closing_line_value
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.edge import edge, expected_value
from aipro_ml.betting.kelly import full_kelly, kelly_fraction, kelly_shrink
from aipro_ml.betting.margin import devig, devig_implied
from aipro_ml.betting.odds import american_to_decimal, decimal_to_american, implied_probability
from aipro_ml.betting.settlement import profit_per_unit, settle
from aipro_ml.betting.tiers import probability_tier, signal_tier
from aipro_ml.config import TierThreshold
from aipro_ml.enums import BetResult, BetType, DevigMethod, Selection

pytestmark = pytest.mark.real_data
METHODS = (DevigMethod.MULTIPLICATIVE, DevigMethod.ADDITIVE, DevigMethod.POWER, DevigMethod.SHIN)


def near(value):
    return pytest.approx(value, abs=1e-6)


@pytest.fixture(scope="module")
def vectors(shared_data):
    file = shared_data.parent / "vectors" / "betting.json"
    if not file.is_file():
        pytest.skip("real data: ../shared/vectors/betting.json is absent on this machine")
    return json.loads(file.read_text("utf-8"))


def test_odds(vectors):
    for row in vectors["odds"]:
        assert float(american_to_decimal(row["american"])) == near(row["decimal"])
        assert float(implied_probability(row["american"])) == near(row["implied"])
        back = float(decimal_to_american(row["decimal"]))
        assert back == row["american"] or (row["american"], back) == (-100, 100)


def test_devig(vectors):
    for row in vectors["devig"]:
        for method in METHODS:
            devigged = devig([row["american"]], method)
            assert devigged.probabilities[0] == near(row[method.value]), (row["american"], method)
            assert devigged.overround[0] == near(row["overround"])
            assert not devigged.fell_back[0]


def test_devig_edge_cases(vectors):
    zero_margin, under_round, long_shot, one_sided, invalid = vectors["devig_edge_cases"]
    for wrong, said in ((one_sided, "at least two sides"), (invalid, "American odds")):
        with pytest.raises(ValueError, match=said):
            devig([wrong["american"]])
    for method in DevigMethod:
        assert devig([zero_margin["american"]], method).probabilities[0] == near(zero_margin["expected"])
    for method in (DevigMethod.MULTIPLICATIVE, DevigMethod.POWER):
        assert devig([under_round["american"]], method).probabilities[0] == near(under_round[method.value])
    shin = devig([under_round["american"]], DevigMethod.SHIN)
    assert shin.probabilities[0] == near(under_round["multiplicative"])
    assert shin.fell_back[0]
    additive = devig_implied([1 / np.array(long_shot["decimal"])], DevigMethod.ADDITIVE)
    assert additive.probabilities[0] == near(long_shot["power"])
    assert additive.fell_back[0]


def test_kelly(vectors):
    for row in vectors["kelly"]:
        p, price = row["p_cond"], row["american"]
        ev = expected_value(p, american_to_decimal(price), row["p_push"])
        assert float(ev) == near(row["ev_per_unit"])
        assert float(full_kelly(p, price)) == near(row["full_kelly"])
        assert float(kelly_fraction(p, price, 0.25, 0.05)) == near(row["quarter_kelly_cap_0.05"])
        assert float(kelly_fraction(p, price, 0.5, 0.05)) == near(row["half_kelly_cap_0.05"])


def test_kelly_shrunk_for_uncertainty(vectors):
    for row in vectors["kelly_uncertainty_baker_mchale"]["rows"]:
        p, price = row["p_hat"], row["american"]
        shrink = kelly_shrink(p, price, row["sd_p"])
        assert float(full_kelly(p, price)) == near(row["kelly_plugin"])
        assert float(shrink) == near(row["shrink_backofenvelope"])
        assert float(kelly_fraction(p, price, 1.0, 1.0, shrink)) == near(row["stake"])


def test_closing_line_value(vectors):
    for row in vectors["clv"]:
        bet_type, side = BetType(row["bet_type"]), Selection(row["side"])
        mirrored = side in (Selection.AWAY, Selection.UNDER)
        fair_bet, fair_close = devig(
            [[row["price"], row["other_price"]], [row["close_price"], row["close_other"]]]
        ).probabilities[:, 0]
        line, close_line = row.get("line", np.nan), row.get("close_line", np.nan)
        home_spread = -close_line if side is Selection.AWAY else close_line
        close = Close(home_spread, 1 - fair_close if mirrored else fair_close)
        distribution = MarginDistribution(bet_type, row["sd"]) if "sd" in row else None
        value = closing_line_value(TakenBets(bet_type, side, line, row["price"], fair_bet), close, distribution)
        assert float(value.ev) == near(row["clv_ev"]), row
        assert float(value.probability) == near(row["clv_prob"]), row
        if distribution is not None:
            assert float(value.points) == near(row["clv_points"])
            _check_model(row, distribution, close)


def _check_model(row, distribution, close):
    """The matched mean (given for the side that was bet) and the chances at the line that was bet."""
    away = row["side"] == "away"
    mean = float(distribution.match_mean(close.line, close.fair))
    assert (-mean if away and row["mu_close"] * mean < 0 else mean) == near(row["mu_close"])
    chances = distribution.win_push_lose(mean, -row["line"] if away else row["line"])
    mine = (chances.win, chances.push, chances.lose)
    mine = mine[::-1] if row["side"] in ("away", "under") else mine
    expected = [row[f"p_{outcome}_at_bet_line"] for outcome in ("win", "push", "lose")]
    assert [float(chance) for chance in mine] == near(expected)


def test_grades(vectors):
    for row in vectors["grade"]:
        result = settle(
            BetType(row["bet_type"]), Selection(row["side"]), row["line"], row["home_score"], row["away_score"]
        )
        assert result is BetResult(row["result"]), row
        assert float(profit_per_unit(result, row["price"])) == near(row["profit_per_unit"])


def test_bets_of_one_slate_are_staked_less_than_alone_and_ours_never_more(vectors):
    # a slate's bets are capped together, not optimised together: the optimum bounds what may be staked
    for row in vectors["kelly_simultaneous"]:
        alone = [float(full_kelly(bet["p"], bet["american"])) for bet in row["bets"]]
        assert alone == near(row["single_kelly"])
        quarter = [float(kelly_fraction(bet["p"], bet["american"])) for bet in row["bets"]]
        assert all(mine < most for mine, most in zip(quarter, row["simultaneous"], strict=True))


def test_every_group_of_vectors_has_its_test(vectors):
    elsewhere = {
        "meta",
        "grade_notes",
        "tier_config",
        "elo_538_nfl",
    }  # words, a setting, and tests/features/test_elo.py
    here = {"devig", "devig_edge_cases", "odds", "kelly", "kelly_uncertainty_baker_mchale", "kelly_simultaneous"}
    assert set(vectors) == elsewhere | here | {"clv", "grade", "metrics", "edge"}


def test_metrics(vectors):
    for row in vectors["metrics"]:
        p, y = row["p"], row["y"]
        assert metrics.ece(p, y, 10, "width") == near(row["ece_10_equal_width"])
        assert metrics.ece(p, y, 5, "width") == near(row["ece_5_equal_width"])
        assert metrics.brier(p, y) == near(row["brier"])
        assert metrics.log_loss(p, y) == near(row["log_loss"])
        assert metrics.auc(p, y) == near(row["auc"])
        assert metrics.accuracy(p, y) == near(row["accuracy_0.5"])


def test_edge_and_tiers(vectors):
    thresholds = {tier: TierThreshold(**least) for tier, least in vectors["tier_config"].items()}
    for row in vectors["edge"]:
        p, price = row["p_cal"], row["price"]
        sides = [[price, row["other_price"]]]
        fair = float(devig(sides).probabilities[0, 0])
        assert fair == near(row["p_fair_power"])
        assert devig(sides, DevigMethod.MULTIPLICATIVE).probabilities[0, 0] == near(row["p_fair_mult"])
        assert float(implied_probability(price)) == near(row["p_implied_vigged"])
        ev = float(expected_value(p, american_to_decimal(price)))
        assert ev == near(row["ev"])
        assert float(edge(p, fair)) == near(row["edge"])
        assert float(full_kelly(p, price)) == near(row["kelly_full"])
        assert signal_tier(ev, float(edge(p, fair)), thresholds) == row["tier_ev_default"]
        published = probability_tier(p, {"A": 0.65, "B": 0.60, "C": 0.55})
        assert published == row["tier_published_probability_rule"]
