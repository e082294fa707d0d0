"""Daily scores and money by tier, against numbers worked out by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from aipro_ml.evaluation.performance import (
    DAILY_COLUMNS,
    SUMMARY_COLUMNS,
    daily_performance,
    last_before_kickoff,
    summary,
    week_blocks,
)

DAY = pd.Timestamp("2022-09-11T17:00:00Z")


def row(game, side, p, result, kickoff=DAY, **more):
    return {
        "model_id": "m",
        "game_id": game,
        "bet_type": "moneyline",
        "predicted_side": side,
        "probability": p,
        "actual_result": result,
        "kickoff": kickoff,
    } | more


def test_a_days_scores_are_those_of_the_reference_side():
    day = [
        row("g1", "home", 0.6, "win"),  # home .6 won
        row("g2", "away", 0.7, "win"),  # home .3 lost
        row("g3", "away", 0.4, "loss"),  # home .6 won
        row("g4", "home", 0.8, "loss"),  # home .8 lost
        row("g5", "home", 0.9, "push"),  # not scored
    ]
    (found,) = daily_performance(pd.DataFrame(day)).to_dict("records")
    assert found["date"] == date(2022, 9, 11)
    assert found["predictions_count"] == 4
    assert found["accuracy"] == 0.75
    assert found["brier_score"] == pytest.approx((0.16 + 0.09 + 0.16 + 0.64) / 4)
    assert found["log_loss"] == pytest.approx(-(2 * np.log(0.6) + np.log(0.7) + np.log(0.2)) / 4)
    assert found["auc"] == 0.5  # winners .6 .6 against losers .3 .8
    assert np.isnan(found["calibration_error"])


def test_a_stake_of_which_half_came_back_counts_half():
    day = [
        row("g1", "home", 0.6, "win"),  # home .6 won
        row("g2", "home", 0.8, "half_loss"),  # home .8 lost, half of the stake
        row("g3", "away", 0.7, "half_win"),  # home .3 lost, half of the stake
    ]
    (found,) = daily_performance(pd.DataFrame(day)).to_dict("records")
    assert found["predictions_count"] == 3
    assert found["accuracy"] == pytest.approx((1 + 0 + 0.5) / 2)
    assert found["brier_score"] == pytest.approx((0.16 + 0.64 / 2 + 0.09 / 2) / 2)
    assert found["log_loss"] == pytest.approx(-(np.log(0.6) + np.log(0.2) / 2 + np.log(0.7) / 2) / 2)
    assert found["auc"] == pytest.approx(0.5)  # of the losers half stood above .6, half below


def test_a_night_game_belongs_to_its_utc_date():
    late = pd.Timestamp("2022-09-11T20:20:00", tz="America/New_York")
    found = daily_performance(pd.DataFrame([row("g1", "home", 0.6, "win", late)]))
    assert found["date"].tolist() == [date(2022, 9, 12)]
    assert np.isnan(found["auc"].iloc[0])  # one outcome only


def test_calibration_error_looks_back_over_a_window_and_waits_for_200():
    n, p = 600, 0.6
    kickoffs = DAY + pd.to_timedelta(np.arange(n), unit="D")
    outcomes = ["loss"] * 100 + ["win"] * 500
    rows = [row(f"g{i}", "home", p, outcomes[i], kickoffs[i]) for i in range(n)]
    error = daily_performance(pd.DataFrame(rows))["calibration_error"]
    assert error.iloc[:199].isna().all()
    assert error.iloc[199] == pytest.approx(abs(0.6 - 100 / 200))
    assert error.iloc[599] == pytest.approx(abs(0.6 - 500 / 500))  # the 100 losses have left the window


def test_models_are_scored_apart():
    rows = [row("g1", "home", 0.6, "win"), row("g1", "home", 0.7, "win") | {"model_id": "n"}]
    found = daily_performance(pd.DataFrame(rows))
    assert found["model_id"].tolist() == ["m", "n"]
    assert list(found.columns) == list(DAILY_COLUMNS)


def test_live_and_back_filled_predictions_are_never_added_up():
    next_day = DAY + pd.Timedelta(days=1)
    rows = [
        row("g1", "home", 0.6, "win", mode="live"),
        row("g2", "home", 0.7, "loss", mode="backfilled"),  # on a day with a live one: that day is the live one's
        row("g3", "home", 0.8, "win", next_day, mode="backfilled"),
    ]
    found = daily_performance(pd.DataFrame(rows)).set_index("date")
    assert found["predictions_count"].tolist() == [1, 1]
    assert found["log_loss"].tolist() == pytest.approx([-np.log(0.6), -np.log(0.8)])
    many = [row(f"b{i}", "home", 0.6, "loss", DAY - pd.Timedelta(days=400 - i), mode="backfilled") for i in range(300)]
    live = [row(f"l{i}", "home", 0.6, "win", DAY + pd.Timedelta(days=i), mode="live") for i in range(150)]
    assert daily_performance(pd.DataFrame(many + live))["calibration_error"].iloc[300:].isna().all()


def test_only_pushes_give_no_row():
    assert daily_performance(pd.DataFrame([row("g1", "home", 0.6, "push")])).empty


def test_the_last_prediction_before_kickoff_counts():
    hours = [-5, -1, -1, 0, 1]
    frame = pd.DataFrame(
        {
            "model_id": "m",
            "game_id": "g1",
            "as_of": [DAY + pd.Timedelta(hours=h) for h in hours],
            "kickoff": DAY,
            "seq": [1, 4, 3, 5, 6],
        }
    )
    assert last_before_kickoff(frame)["seq"].tolist() == [4]


WEEK = pd.Timedelta(days=7)


def test_the_summary_adds_up_by_hand():
    tiers = [
        row("g1", "home", 0.6, "win", signal_tier="A", profit_loss=1.0, clv=0.02),
        row("g2", "home", 0.6, "loss", DAY + WEEK, signal_tier="A", profit_loss=-1.0, clv=0.04),
        row("g3", "home", 0.6, "half_win", DAY + WEEK, signal_tier="A", profit_loss=0.5, clv=np.nan),
        row("g4", "home", 0.6, "push", DAY + 2 * WEEK, signal_tier="A", profit_loss=0.0, clv=0.0),
        row("g5", "home", 0.6, "win", signal_tier="D", profit_loss=np.nan, clv=np.nan),
    ]
    found = summary(pd.DataFrame(tiers), ["bet_type", "signal_tier"], seed=1)
    assert list(found.columns) == ["bet_type", "signal_tier", *SUMMARY_COLUMNS]
    a, d = found.to_dict("records")
    assert (a["n"], a["win"], a["loss"], a["push"], a["units"], a["roi"]) == (4, 2, 1, 1, 0.5, 0.125)
    assert a["hit_rate"] == pytest.approx(1.5 / 2.5)  # a win, half a win and a loss: two and a half stakes decided
    assert a["mean_clv"] == pytest.approx(0.02)
    assert (a["clv_coverage"], a["weeks"]) == (0.75, 3)
    assert a["roi_low"] <= a["roi"] <= a["roi_high"]
    assert (d["n"], d["units"], d["clv_coverage"], d["weeks"], d["hit_rate"]) == (1, 0.0, 0.0, 1, 1.0)
    assert np.isnan([d["roi"], d["mean_clv"], d["hit_low"]]).all()  # one week says nothing of how weeks differ


def test_the_interval_is_wider_where_bets_hang_together():
    random = np.random.default_rng(3)
    profit = np.repeat(random.choice([-1.0, 0.9], 60), 3)
    frame = pd.DataFrame([row(f"g{i}", "home", 0.5, "win", profit_loss=x, clv=0.0) for i, x in enumerate(profit)])
    apart = summary(frame.assign(kickoff=DAY + WEEK * frame.index), ["bet_type"], seed=1).iloc[0]
    together = summary(frame.assign(kickoff=DAY + WEEK * (frame.index // 3)), ["bet_type"], seed=1).iloc[0]
    assert together["roi_high"] - together["roi_low"] > 1.3 * (apart["roi_high"] - apart["roi_low"])
    assert summary(frame.assign(kickoff=DAY + WEEK * frame.index), ["bet_type"], seed=1).iloc[0].equals(apart)


def test_weeks_are_the_sports_own_where_it_counts_them():
    monday_night = pd.Timestamp("2022-09-13T00:15Z")  # Tuesday in UTC, and of another ISO week than Sunday
    rows = pd.DataFrame([row("g1", "home", 0.5, "win"), row("g2", "home", 0.5, "win", monday_night)])
    assert week_blocks(rows).tolist() == ["2022-W36", "2022-W37"]
    counted = rows.assign(season=2022, week=[1.0, 1.0])
    assert week_blocks(counted).nunique() == 1
    assert week_blocks(counted.assign(week=[1.0, np.nan])).tolist() == ["2022 week 1.0", "2022-W37"]


def test_no_grades_give_an_empty_summary():
    frame = pd.DataFrame([row("g1", "home", 0.5, "win", profit_loss=0.0, clv=0.0)]).iloc[:0]
    assert summary(frame, ["bet_type", "model_id"], seed=1).empty
