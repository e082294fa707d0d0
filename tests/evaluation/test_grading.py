"""Bets are graded on the line and price they were published with, and measured against the close."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.settlement import MarketRule, SettlementRules
from aipro_ml.enums import BetType, DevigMethod
from aipro_ml.evaluation.grading import GRADE_COLUMNS, Accounting, grade
from aipro_ml.features.records import CLOSING_COLUMNS, frame_of

CLOSED = pd.Timestamp("2022-09-11T16:59:00Z")
DISTRIBUTIONS = {
    BetType.SPREAD: MarginDistribution(BetType.SPREAD, 13.2),
    BetType.TOTAL: MarginDistribution(BetType.TOTAL, 13.3),
}


def bet(bet_type, side, line=None, price=-110, *, game="g1", fair=0.5, name="p1"):
    return {
        "prediction_id": name,
        "game_id": game,
        "bet_type": bet_type,
        "predicted_side": side,
        "line_at_prediction": line,
        "odds_at_prediction": price,
        "fair_probability": fair,
    }


def game(home=24, away=20, status="final", name="g1"):
    return pd.DataFrame(
        {"status": [status], "home_score": [home], "away_score": [away]}, index=pd.Index([name], name="game_id")
    )


def close(market, first, second, line=np.nan, game="g1"):
    sides = ("over", "under") if market == "total" else ("home", "away")
    lines = (line, -line) if market == "spread" else (line, line)
    rows = [
        (game, "B", market, side, at, price, CLOSED)
        for side, at, price in zip(sides, lines, (first, second), strict=True)
    ]
    return frame_of(pd.DataFrame(rows, columns=list(CLOSING_COLUMNS)), CLOSING_COLUMNS)


THREE_WAY = SettlementRules(MarketRule.THREE_WAY)
NO_CLOSE = frame_of(pd.DataFrame(columns=list(CLOSING_COLUMNS)), CLOSING_COLUMNS)


def graded(bets, games, closing=NO_CLOSE):
    rows = bets if isinstance(bets, list) else [bets]
    return grade(pd.DataFrame(rows), games, closing, DISTRIBUTIONS, DevigMethod.POWER)


def one(bets, games, closing=NO_CLOSE):
    return graded(bets, games, closing).grades.iloc[0]


@pytest.mark.parametrize(
    ("taken", "score", "result", "profit"),
    [
        (("moneyline", "home", None, -150), (24, 20), "win", 2 / 3),
        (("moneyline", "away", None, 130), (24, 20), "loss", -1),
        (("moneyline", "away", None, 130), (20, 24), "win", 1.3),
        (("moneyline", "home", None, -150), (20, 20), "push", 0),
        (("spread", "home", -3.0, -110), (23, 20), "push", 0),
        (("spread", "home", -3.5, -110), (23, 20), "loss", -1),
        (("spread", "away", 3.5, -110), (23, 20), "win", 100 / 110),
        (("spread", "home", 0.0, 100), (21, 20), "win", 1),
        (("spread", "home", 0.0, 100), (20, 20), "push", 0),
        (("spread", "home", -2.75, -110), (23, 20), "half_win", 50 / 110),
        (("total", "over", 43.5, -105), (24, 20), "win", 100 / 105),
        (("total", "under", 44.0, -105), (24, 20), "push", 0),
        (("total", "under", 43.5, -105), (24, 20), "loss", -1),
    ],
)
def test_a_written_out_bet_ends_as_written(taken, score, result, profit):
    found = one(bet(*taken), game(*score))
    assert found["actual_result"] == result
    assert found["profit_loss"] == pytest.approx(profit)


def test_the_line_taken_counts_and_not_the_closing_one():
    closing = close("spread", -110, -110, line=-7.0)
    assert one(bet("spread", "home", -2.5), game(24, 20), closing)["actual_result"] == "win"
    assert one(bet("spread", "home", -7.0), game(24, 20), closing)["actual_result"] == "loss"


def test_a_moneylines_closing_value_is_its_ev_at_the_close():
    found = one(bet("moneyline", "home", price=-110, fair=0.5), game(), close("moneyline", -120, 100))
    assert found["clv"] == pytest.approx(-0.0011081846, abs=1e-6)
    assert found["clv_probability"] == pytest.approx(0.0232290462, abs=1e-6)
    assert found["clv_price"] == pytest.approx(0.041322314, abs=1e-6)
    assert found["closing_price"] == -120
    assert np.isnan(found["closing_line"])
    assert np.isnan(found["clv_points"])


def test_a_spread_at_another_line_is_valued_through_the_margins():
    away = one(bet("spread", "away", 7.0, -105, fair=0.487), game(), close("spread", -110, -110, line=-6.5))
    assert away["clv"] == pytest.approx(0.0063844918, abs=1e-6)
    assert (away["clv_points"], away["closing_line"]) == (0.5, 6.5)
    assert np.isnan(away["clv_price"])  # another line has no comparable price
    home = one(bet("spread", "home", -7.0, -110), game(), close("spread", -110, -110, line=-6.0))
    assert home["clv"] == pytest.approx(-0.1016869008, abs=1e-6)
    assert home["clv_probability"] == pytest.approx(-0.0311097122, abs=1e-6)
    assert (home["clv_points"], home["closing_line"]) == (-1.0, -6.0)


def test_totals_gain_points_downward_for_the_over_and_upward_for_the_under():
    over = one(bet("total", "over", 44.0), game(), close("total", -110, -110, line=46.5))
    assert over["clv"] == pytest.approx(0.0981078649, abs=1e-6)
    assert over["clv_points"] == 2.5
    assert one(bet("total", "under", 47.5), game(), close("total", -105, -115, line=47.0))["clv_points"] == 0.5


def test_a_closing_line_without_price_has_no_value_but_points():
    found = one(bet("spread", "away", 3.5), game(), close("spread", np.nan, np.nan, line=-3.0))
    assert np.isnan(found["clv"])
    assert np.isnan(found["closing_price"])
    assert (found["closing_line"], found["clv_points"]) == (3.0, 0.5)


def test_no_close_is_a_grade_without_closing_value():
    found = one(bet("spread", "away", 3.5), game())
    assert found["actual_result"] == "loss"
    assert found[["clv", "clv_points", "closing_line"]].isna().all()


def test_a_prediction_without_a_price_is_graded_without_profit():
    found = one(bet("moneyline", "home", price=None), game(), close("moneyline", -110, -110))
    assert found["actual_result"] == "win"
    assert np.isnan(found["profit_loss"])
    assert np.isnan(found["clv"])


def test_every_prediction_stands_somewhere():
    games = pd.concat(
        [
            game(name="final"),
            game(None, None, "scheduled", "open"),
            game(3, 0, "in_progress", "playing"),
            game(None, None, "postponed", "moved"),
            game(None, None, "cancelled", "gone"),
            game(None, None, "final", "scoreless"),
        ]
    )
    names = [*games.index, "unknown"]
    bets = [bet("moneyline", "home", game=name, name=f"p-{name}") for name in names]
    bets.append(bet("spread", "home", None, game="final", name="p-lineless"))
    found = graded(bets, games)
    assert found.standing.to_dict() == {
        "p-final": "graded",
        "p-open": "pending",
        "p-playing": "pending",
        "p-moved": "void",
        "p-gone": "void",
        "p-scoreless": "ungradeable",
        "p-unknown": "ungradeable",
        "p-lineless": "ungradeable",
    }
    assert found.accounting == Accounting(graded=1, pending=2, void=2, ungradeable=3)
    assert found.accounting.total == len(bets)
    assert list(found.grades["prediction_id"]) == ["p-final"]


def test_grades_come_in_the_order_of_the_predictions_whatever_their_market():
    bets = [
        bet("total", "over", 40.5, name="p3"),
        bet("moneyline", "home", name="p1"),
        bet("spread", "home", -1.0, name="p2"),
        bet("moneyline", "away", name="p0"),
    ]
    closing = pd.concat([close("moneyline", -120, 100), close("spread", -110, -110, line=-1.5)], ignore_index=True)
    grades = graded(bets, game(), closing).grades
    assert list(grades["prediction_id"]) == ["p3", "p1", "p2", "p0"]
    assert list(grades["actual_result"]) == ["win", "win", "win", "loss"]
    assert list(grades["clv"].isna()) == [True, False, False, False]
    assert list(grades.columns) == list(GRADE_COLUMNS)


def test_nothing_to_grade_is_an_empty_frame():
    found = graded(bet("moneyline", "home"), game(None, None, "scheduled"))
    assert found.grades.empty
    assert list(found.grades.columns) == list(GRADE_COLUMNS)


def test_a_book_that_fell_silent_days_before_is_no_part_of_the_close():
    silent = close("moneyline", 400, -500).assign(book="Silent", closed_at=CLOSED - pd.Timedelta(days=3))
    last = close("moneyline", -110, -110)
    with_silent = one(bet("moneyline", "home", price=120), game(), pd.concat([silent, last], ignore_index=True))
    assert with_silent["clv"] == one(bet("moneyline", "home", price=120), game(), last)["clv"]


def three_way(bets, games, closing=NO_CLOSE):
    frame = pd.DataFrame(bets if isinstance(bets, list) else [bets])
    return grade(frame, games, closing, DISTRIBUTIONS, DevigMethod.MULTIPLICATIVE, rules=THREE_WAY).grades


def three_way_close(home, draw, away):
    rows = [
        ("g1", "B", "moneyline", side, np.nan, price, CLOSED)
        for side, price in zip(("home", "draw", "away"), (home, draw, away), strict=True)
    ]
    return frame_of(pd.DataFrame(rows, columns=list(CLOSING_COLUMNS)), CLOSING_COLUMNS)


@pytest.mark.parametrize(
    ("side", "score", "result", "profit"),
    [
        ("home", (1, 1), "loss", -1),
        ("away", (1, 1), "loss", -1),
        ("draw", (1, 1), "win", 2.4),
        ("draw", (2, 1), "loss", -1),
        ("home", (2, 1), "win", 2.4),
        ("away", (2, 1), "loss", -1),
    ],
)
def test_on_a_three_way_moneyline_the_draw_is_an_outcome_and_nothing_is_a_push(side, score, result, profit):
    (found,) = three_way(bet("moneyline", side, price=240), game(*score)).to_dict("records")
    assert found["actual_result"] == result
    assert found["profit_loss"] == pytest.approx(profit)


@pytest.mark.parametrize(("line", "result", "profit"), [(-0.25, "half_loss", -0.5), (0.25, "half_win", 0.5)])
def test_quarter_handicaps_of_soccer_split_the_stake_on_a_draw(line, result, profit):
    (found,) = three_way(bet("spread", "home", line, 100), game(1, 1)).to_dict("records")
    assert (found["actual_result"], found["profit_loss"]) == (result, pytest.approx(profit))


def test_closing_line_value_of_each_of_three_sides_is_against_its_own_share_of_the_close():
    taken = [bet("moneyline", side, price=200, fair=0.3, name=side) for side in ("home", "draw", "away")]
    closing = three_way_close(100, 300, 300)  # 1/2, 1/4, 1/4: no margin
    found = three_way(taken, game(2, 0), closing).set_index("prediction_id")
    shares = pd.Series({"home": 0.5, "draw": 0.25, "away": 0.25})
    assert found["clv"].to_dict() == pytest.approx((3 * shares - 1).to_dict())
    assert found["clv_probability"].to_dict() == pytest.approx((shares - 0.3).to_dict())
