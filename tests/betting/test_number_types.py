"""Money code takes numbers as files and databases hand them over: whole ones, decimals, None for what is missing."""

from decimal import Decimal

import numpy as np
import pytest

from aipro_ml.betting.clv import Close, TakenBets, closing_line_value
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.kelly import apply_caps, full_kelly, kelly_fraction, kelly_shrink
from aipro_ml.betting.margin import devig, devig_implied
from aipro_ml.betting.odds import american_to_decimal, decimal_to_american, net_odds, valid_american
from aipro_ml.betting.settlement import (
    MarketRule,
    SettlementRules,
    profit_per_unit,
    results_of,
    settle_reference,
    settle_scores,
)
from aipro_ml.enums import BetType, DevigMethod, Selection

SPREAD = MarginDistribution(BetType.SPREAD, 13.2)
PRICES = [Decimal(-110), Decimal(250), None]


def same(found, expected):
    found = np.asarray(found)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_odds():
    same(american_to_decimal(PRICES), american_to_decimal([-110.0, 250.0, np.nan]))
    same(net_odds(PRICES), [100 / 110 + 1 - 1, 2.5, np.nan])
    assert valid_american([Decimal(-110), None, 99]).tolist() == [True, False, False]
    same(decimal_to_american([Decimal("2.5"), None, 2]), [150.0, np.nan, 100.0])
    same(decimal_to_american([Decimal("1.5"), Decimal(2)]), [-200.0, 100.0])


@pytest.mark.parametrize("method", list(DevigMethod))
def test_margins(method):
    prices = [[Decimal(-110), Decimal(-105)], [Decimal(150), None]]
    found = devig(prices, method)
    same(found.probabilities[0], devig([[-110.0, -105.0]], method).probabilities[0])
    assert np.isnan(found.probabilities[1]).all()
    assert np.isnan(found.overround[1])
    implied = [[Decimal("0.55"), Decimal("0.5")]]
    same(devig_implied(implied, method).probabilities, devig_implied([[0.55, 0.5]], method).probabilities)


def test_stakes():
    p = [Decimal("0.55"), None]
    same(full_kelly(p, [Decimal(-110), Decimal(-110)]), full_kelly([0.55, np.nan], [-110.0, -110.0]))
    same(
        kelly_fraction(p, [-110, -110], shrink=[Decimal("0.5"), None]),
        kelly_fraction([0.55, np.nan], [-110.0, -110.0], shrink=[0.5, np.nan]),
    )
    same(kelly_shrink(p, [-110, -110], [Decimal("0.02"), None])[0], kelly_shrink(0.55, -110, 0.02))
    same(apply_caps([Decimal("0.02"), Decimal("0.02")], ["a", "a"], 0.02, 0.15), [0.01, 0.01])
    same(apply_caps([1, 1], ["a", "b"], 0.5, 0.5), [0.25, 0.25])
    same(expected_value(Decimal("0.55"), Decimal(2), Decimal("0.1")), 0.9 * (0.55 * 2.0 - 1))


def test_settlement():
    same(settle_scores(BetType.SPREAD, "home", [Decimal("-3.25"), None], [23, 23], [20, 20]), [-0.5, np.nan])
    same(settle_scores(BetType.TOTAL, "over", [Decimal("43.5"), 44], [24, None], [20, 20]), [1.0, np.nan])
    same(settle_scores(BetType.MONEYLINE, "home", None, [24, None], [20, 20]), [1.0, np.nan])
    same(settle_scores(BetType.MONEYLINE, "home", None, [24, 24], [Decimal(20), None]), [1.0, np.nan])
    same(settle_reference(BetType.MONEYLINE, None, [24, None], [20, 20]), [1.0, np.nan])
    assert results_of([Decimal(1), Decimal("-0.5"), None]).tolist() == ["win", "half_loss", "pending"]
    assert results_of([1, 0, -1]).tolist() == ["win", "push", "loss"]
    square = results_of([[1.0, 0.5], [0.0, -1.0]])
    assert square.dtype == object
    assert square.tolist() == [["win", "half_win"], ["push", "loss"]]
    same(profit_per_unit(square, 250), [[2.5, 1.25], [0.0, -1.0]])
    same(profit_per_unit(["push", "void", "loss", "win"], [None] * 4), [0.0, 0.0, -1.0, np.nan])
    for rule in MarketRule:
        same(settle_scores(BetType.MONEYLINE, "home", None, [None, 2, 1], [1, 1, 2], rule), [np.nan, 1.0, -1.0])
    same(profit_per_unit(["win", "push"], [Decimal(250), Decimal(250)]), [2.5, 0.0])
    rules = SettlementRules(regulation=frozenset(BetType), sudden_death=True)
    home, away = rules.counted(BetType.TOTAL, [3, None], [Decimal(2), None], [1, 0])
    same(home, [2.0, np.nan])
    same(away, [2.0, np.nan])


def test_closing_line_value():
    bets = TakenBets(
        BetType.SPREAD, ["home", "away"], [Decimal("-2.5"), None], [Decimal(-110), None], [Decimal("0.5"), None]
    )
    found = closing_line_value(bets, Close([Decimal("-3.5"), None], [Decimal("0.5"), None]), SPREAD)
    plain = closing_line_value(TakenBets(BetType.SPREAD, Selection.HOME, -2.5, -110.0, 0.5), Close(-3.5, 0.5), SPREAD)
    for name in ("ev", "probability", "points"):
        value = getattr(found, name)
        assert float(value[0]) == float(getattr(plain, name))
        assert np.isnan(value[1])
    moneyline = closing_line_value(
        TakenBets(BetType.MONEYLINE, ["home", "draw", "away"], None, [100, 240, 300], [Decimal("0.4"), None, 0.3]),
        Close(None, [Decimal("0.45")] * 3, [Decimal("0.25")] * 3),
    )
    np.testing.assert_allclose(moneyline.ev, [0.45 * 2 - 1, 0.25 * 3.4 - 1, 0.3 * 4 - 1], atol=1e-12)
    np.testing.assert_allclose(moneyline.probability, [0.05, np.nan, 0.0], atol=1e-12)
