"""Every way a bet can end, written out, and the symmetries that must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.betting.settlement import (
    MarketRule,
    outcomes_of,
    profit_per_unit,
    results_of,
    settle,
    settle_reference,
    settle_scores,
)
from aipro_ml.enums import BetResult, BetType, Selection

GRADED = """
moneyline home -     24 20 win
moneyline away -     24 20 loss
moneyline home -     20 24 loss
moneyline away -     20 24 win
moneyline home -     20 20 push
moneyline away -     20 20 push
moneyline home -     0  0  push
moneyline home -     1  0  win
spread    home -3    23 20 push
spread    away +3    23 20 push
spread    home -3.5  23 20 loss
spread    away +3.5  23 20 win
spread    home -2.5  23 20 win
spread    away +2.5  23 20 loss
spread    home +7    10 17 push
spread    away -7    10 17 push
spread    home +7.5  10 17 win
spread    away -7.5  10 17 loss
spread    home +6.5  10 17 loss
spread    away -6.5  10 17 win
spread    home 0     17 17 push
spread    away 0     17 17 push
spread    home 0     18 17 win
spread    away 0     18 17 loss
spread    home -0.5  17 17 loss
spread    away +0.5  17 17 win
spread    home +0.5  17 17 win
spread    home -14   45 0  win
spread    away +14   45 0  loss
spread    home -2.75 23 20 half_win
spread    away +2.75 23 20 half_loss
spread    home -3.25 23 20 half_loss
spread    away +3.25 23 20 half_win
spread    home -0.25 1  1  half_loss
spread    away +0.25 1  1  half_win
spread    home +0.25 1  1  half_win
spread    home -0.75 2  1  half_win
spread    away +0.75 2  1  half_loss
spread    home -1.25 2  1  half_loss
spread    home -0.75 3  1  win
spread    home -0.75 1  1  loss
spread    home -0.25 2  1  win
total     over  44    24 20 push
total     under 44    24 20 push
total     over  43.5  24 20 win
total     under 43.5  24 20 loss
total     over  44.5  24 20 loss
total     under 44.5  24 20 win
total     over  221.5 110 111 loss
total     under 221.5 110 111 win
total     over  2.25  1  1  half_loss
total     under 2.25  1  1  half_win
total     over  2.75  2  1  half_win
total     under 2.75  2  1  half_loss
total     over  2.25  2  1  win
total     under 2.75  1  1  win
total     over  0.5   0  0  loss
total     under 0.5   0  0  win
"""
THREE_WAY = [
    ("home", 2, 1, "win"),
    ("home", 1, 1, "loss"),
    ("home", 0, 1, "loss"),
    ("away", 2, 1, "loss"),
    ("away", 1, 1, "loss"),
    ("away", 0, 1, "win"),
    ("draw", 2, 1, "loss"),
    ("draw", 0, 0, "win"),
    ("draw", 0, 1, "loss"),
]
CASES = [tuple(row.split()) for row in GRADED.strip().splitlines()]


@pytest.mark.parametrize(("bet_type", "side", "line", "home", "away", "result"), CASES)
def test_a_bet_is_graded_as_written(bet_type, side, line, home, away, result):
    points = None if line == "-" else float(line)
    assert settle(BetType(bet_type), Selection(side), points, int(home), int(away)) is BetResult(result)


@pytest.mark.parametrize(("side", "home", "away", "result"), THREE_WAY)
def test_a_draw_loses_for_home_and_away_on_a_three_way_moneyline(side, home, away, result):
    assert settle(BetType.MONEYLINE, Selection(side), None, home, away, MarketRule.THREE_WAY) is BetResult(result)


def test_a_tie_is_a_push_on_a_two_way_moneyline():
    assert settle(BetType.MONEYLINE, Selection.HOME, None, 20, 20) is BetResult.PUSH


MIRROR = {
    BetResult.WIN: BetResult.LOSS,
    BetResult.LOSS: BetResult.WIN,
    BetResult.PUSH: BetResult.PUSH,
    BetResult.HALF_WIN: BetResult.HALF_LOSS,
    BetResult.HALF_LOSS: BetResult.HALF_WIN,
}
SCORE = st.integers(0, 80)
QUARTERS = st.integers(-120, 120).map(lambda quarters: quarters / 4)


@given(SCORE, SCORE, QUARTERS)
def test_what_home_wins_away_loses_at_the_negated_line(home, away, line):
    result = settle(BetType.SPREAD, Selection.HOME, line, home, away)
    assert settle(BetType.SPREAD, Selection.AWAY, -line, home, away) is MIRROR[result]
    assert settle(BetType.SPREAD, Selection.AWAY, line, away, home) is result


@given(SCORE, SCORE, QUARTERS)
def test_what_over_wins_under_loses_at_the_same_line(home, away, line):
    result = settle(BetType.TOTAL, Selection.OVER, line, home, away)
    assert settle(BetType.TOTAL, Selection.UNDER, line, home, away) is MIRROR[result]


@given(SCORE, SCORE, st.integers(-60, 60).map(lambda halves: halves / 2))
def test_on_half_and_whole_points_there_is_exactly_one_of_win_loss_and_push(home, away, line):
    result = settle(BetType.SPREAD, Selection.HOME, line, home, away)
    margin = home - away + line
    expected = BetResult.WIN if margin > 0 else BetResult.LOSS if margin < 0 else BetResult.PUSH
    assert result is expected


@given(SCORE, SCORE, QUARTERS.filter(lambda line: (line * 4) % 2 == 1))
def test_a_quarter_line_pays_the_mean_of_its_two_neighbours(home, away, line):
    def profit(at):
        return float(profit_per_unit(settle(BetType.SPREAD, Selection.HOME, at, home, away), -110))

    assert profit(line) == pytest.approx((profit(line - 0.25) + profit(line + 0.25)) / 2)


@given(st.lists(st.tuples(SCORE, SCORE, QUARTERS), min_size=1, max_size=8), st.sampled_from(list(BetType)))
def test_labels_and_grades_never_disagree(games, bet_type):
    home, away, line = (np.array(column, dtype=float) for column in zip(*games, strict=True))
    labels = settle_reference(bet_type, line, home, away)
    side = Selection.OVER if bet_type is BetType.TOTAL else Selection.HOME
    for row, label in enumerate(labels):
        result = settle(bet_type, side, line[row], home[row], away[row])
        won = {BetResult.WIN: 1.0, BetResult.HALF_WIN: 1.0, BetResult.PUSH: None}.get(result, 0.0)
        assert (None if np.isnan(label) else label) == won


def test_labels_are_unknown_without_scores_or_line_and_a_zero_line_is_a_line():
    home, away = np.array([24.0, np.nan, 24.0, 24.0]), np.array([20.0, 20.0, 20.0, 24.0])
    labels = settle_reference(BetType.SPREAD, [0.0, 0.0, np.nan, 0.0], home, away)
    assert labels[0] == 1.0
    assert np.isnan(labels[1:]).all()
    assert np.isnan(settle_reference(BetType.TOTAL, None, 3, 4))
    assert settle_reference(BetType.MONEYLINE, None, [1.0, 1.0], [1.0, 2.0], MarketRule.THREE_WAY).tolist() == [0, 0]


def test_sides_may_differ_from_row_to_row():
    scores = settle_scores(BetType.SPREAD, ["home", "away", Selection.AWAY], [-3.5, 3.5, 2.75], 23.0, 20.0)
    assert scores.tolist() == [-1.0, 1.0, -0.5]
    assert results_of([*scores, np.nan]).tolist() == ["loss", "win", "half_loss", "pending"]


@pytest.mark.parametrize(
    ("bet_type", "side", "line", "home"),
    [
        (BetType.SPREAD, Selection.OVER, 3.0, 1),
        (BetType.TOTAL, Selection.HOME, 3.0, 1),
        (BetType.MONEYLINE, Selection.DRAW, None, 1),
        (BetType.SPREAD, Selection.HOME, None, 1),
        (BetType.TOTAL, Selection.OVER, float("nan"), 1),
        (BetType.MONEYLINE, Selection.HOME, None, float("nan")),
    ],
)
def test_what_cannot_be_graded_is_refused(bet_type, side, line, home):
    no_side = rf"^a two_way {bet_type} market has no side {side}$"
    unknown = rf"^a {bet_type} bet needs both final scores and its line to be settled, line={line}$"
    with pytest.raises(ValueError, match=f"{no_side}|{unknown}"):
        settle(bet_type, side, line, home, 0)


@pytest.mark.parametrize(
    ("result", "price", "profit"),
    [
        ("win", -110, 100 / 110),
        ("win", 150, 1.5),
        ("loss", -110, -1),
        ("push", -110, 0),
        ("void", 150, 0),
        ("half_win", 150, 0.75),
        ("half_loss", 150, -0.5),
    ],
)
def test_profit_of_one_unit(result, price, profit):
    assert float(profit_per_unit(BetResult(result), price)) == pytest.approx(profit)


def test_profit_of_many_bets_at_once_and_a_pending_one_has_none():
    profits = profit_per_unit(["win", "loss", "pending"], [100, -200, 120])
    assert profits[:2].tolist() == [1.0, -1.0]
    assert np.isnan(profits[2])


def test_the_reference_side_is_the_first_outcome_and_a_draw_stands_between_home_and_away():
    assert outcomes_of(BetType.TOTAL) == (Selection.OVER, Selection.UNDER)
    assert outcomes_of(BetType.SPREAD, MarketRule.THREE_WAY) == (Selection.HOME, Selection.AWAY)
    assert outcomes_of(BetType.MONEYLINE) == (Selection.HOME, Selection.AWAY)
    three = (Selection.HOME, Selection.DRAW, Selection.AWAY)
    assert outcomes_of(BetType.MONEYLINE, MarketRule.THREE_WAY) == three
