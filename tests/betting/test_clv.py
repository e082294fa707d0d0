"""Closing line value: signs, symmetry and what is unknown."""

import numpy as np
import pytest

from aipro_ml.betting.clv import Close, TakenBets, closing_line_value
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.enums import BetType, Selection

SPREAD = MarginDistribution(BetType.SPREAD, 13.2)
TOTAL = MarginDistribution(BetType.TOTAL, 13.3)


def taken(bet_type, side, line, price=-110, fair=0.5):
    return TakenBets(bet_type, side, line, price, fair)


def test_a_moneyline_is_worth_its_closing_probability_at_the_price_taken():
    home = closing_line_value(taken(BetType.MONEYLINE, Selection.HOME, np.nan, 120, 0.45), Close(np.nan, 0.5))
    assert float(home.ev) == pytest.approx(0.5 * 2.2 - 1)
    assert float(home.probability) == pytest.approx(0.05)
    assert np.isnan(home.points)
    away = closing_line_value(taken(BetType.MONEYLINE, Selection.AWAY, np.nan, 120, 0.55), Close(np.nan, 0.6))
    assert float(away.ev) == pytest.approx(0.4 * 2.2 - 1)
    assert float(away.probability) == pytest.approx(-0.15)


@pytest.mark.parametrize(
    ("bet_type", "side", "line", "close_line", "points"),
    [
        (BetType.SPREAD, Selection.HOME, -2.5, -3.5, 1.0),
        (BetType.SPREAD, Selection.HOME, 3.0, 2.5, 0.5),
        (BetType.SPREAD, Selection.AWAY, 7.0, -6.5, 0.5),
        (BetType.SPREAD, Selection.AWAY, 6.5, -7.0, -0.5),
        (BetType.TOTAL, Selection.OVER, 44.0, 46.5, 2.5),
        (BetType.TOTAL, Selection.UNDER, 44.0, 46.5, -2.5),
        (BetType.SPREAD, Selection.HOME, 0.0, 0.0, 0.0),
    ],
)
def test_points_are_signed_for_the_side_and_the_probability_follows_them(bet_type, side, line, close_line, points):
    distribution = SPREAD if bet_type is BetType.SPREAD else TOTAL
    value = closing_line_value(taken(bet_type, side, line), Close(close_line, 0.5), distribution)
    assert float(value.points) == points
    assert np.sign(round(float(value.probability), 9)) == np.sign(points)


def test_at_the_closing_line_the_closing_probability_is_taken_as_it_is():
    value = closing_line_value(taken(BetType.SPREAD, Selection.AWAY, 3.0), Close(-3.0, 0.47), SPREAD)
    assert float(value.probability) == pytest.approx(0.03, abs=1e-9)
    push = float(SPREAD.win_push_lose(SPREAD.match_mean(-3.0, 0.47), -3.0).push)
    assert float(value.ev) == pytest.approx((1 - push) * (0.53 * 21 / 11 - 1), abs=1e-9)


def test_many_bets_at_once_equal_one_at_a_time_and_unknown_closes_stay_unknown():
    sides = [Selection.HOME, Selection.AWAY, Selection.HOME, Selection.HOME]
    lines, prices = [-2.5, 7.0, -3.0, -3.0], [-110, -105, -110, -110]
    fair, close = [0.5, np.nan, 0.5, 0.5], Close([-3.5, -6.5, -3.5, np.nan], [0.5, 0.5, np.nan, np.nan])
    many = closing_line_value(TakenBets(BetType.SPREAD, sides, lines, prices, fair), close, SPREAD)
    for row in range(4):
        one = closing_line_value(
            TakenBets(BetType.SPREAD, sides[row], lines[row], prices[row], fair[row]),
            Close(close.line[row], close.fair[row]),
            SPREAD,
        )
        for field in ("ev", "probability", "points"):
            assert getattr(many, field)[row] == pytest.approx(float(getattr(one, field)), abs=1e-12, nan_ok=True)
    assert np.isnan(many.ev).tolist() == [False, False, True, True]
    assert np.isnan(many.probability).tolist() == [False, True, True, True]
    assert np.isnan(many.points).tolist() == [False, False, False, True]


def test_home_draw_and_away_each_have_their_own_share_of_the_close():
    two_way, three_way = Close(np.nan, 0.62), Close(np.nan, 0.5, 0.3)
    expected = {Selection.HOME: (0.62, 0.5), Selection.AWAY: (0.38, 0.2)}
    for side, shares in expected.items():
        for close, share in zip((two_way, three_way), shares, strict=True):
            value = closing_line_value(taken(BetType.MONEYLINE, side, np.nan, 150, 0.4), close)
            assert float(value.probability) == pytest.approx(share - 0.4)
            assert float(value.ev) == pytest.approx(share * 2.5 - 1)
    draw = closing_line_value(taken(BetType.MONEYLINE, Selection.DRAW, np.nan, 240, 0.28), three_way)
    assert float(draw.probability) == pytest.approx(0.02)
    unpriced = closing_line_value(taken(BetType.MONEYLINE, Selection.DRAW, np.nan, 240, 0.28), two_way)
    assert np.isnan(unpriced.ev)
    assert np.isnan(draw.points)


def test_the_under_is_worth_what_the_over_is_not():
    under = closing_line_value(taken(BetType.TOTAL, Selection.UNDER, 44.5, 100, 0.5), Close(46.5, 0.5), TOTAL)
    chances = TOTAL.win_push_lose(TOTAL.match_mean(46.5, 0.5), 44.5)
    assert float(under.probability) == pytest.approx(1 - float(chances.win_given_no_push) - 0.5)
    assert float(under.ev) == pytest.approx((1 - float(chances.win_given_no_push)) * 2 - 1)
    assert float(under.ev) < -0.05


def test_a_spread_needs_its_own_distribution():
    for distribution in (None, TOTAL):
        message = r"^the closing line value of a spread needs that market's distribution$"
        with pytest.raises(ValueError, match=message):
            closing_line_value(taken(BetType.SPREAD, Selection.HOME, -3.0), Close(-3.0, 0.5), distribution)
