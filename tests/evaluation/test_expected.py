"""What published probabilities expect of themselves, and what became of them over trailing windows."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.evaluation.expected import expected_log_loss, rolling_log_loss, surprise
from aipro_ml.evaluation.windows import WINDOW_COLUMNS, windows

LAST = pd.Timestamp("2022-11-30T18:00Z")


def test_the_expected_log_loss_of_one_probability_is_its_entropy():
    mean, variance = surprise([0.8])
    losses = -np.log([0.8, 0.2])
    assert mean[0] == pytest.approx(0.8 * losses[0] + 0.2 * losses[1])
    assert variance[0] == pytest.approx(0.8 * losses[0] ** 2 + 0.2 * losses[1] ** 2 - mean[0] ** 2)
    assert surprise([0.5])[1][0] == pytest.approx(0.0, abs=1e-12)  # a coin costs ln 2 however it falls
    assert expected_log_loss([0.5] * 9).mean == pytest.approx(np.log(2))
    assert np.isfinite(surprise([0.0, 1.0])).all()


def test_the_band_holds_right_probabilities_nineteen_times_of_twenty_and_not_wrong_ones():
    random = np.random.default_rng(7)
    p = random.uniform(0.2, 0.8, 250)
    band = expected_log_loss(p)
    right = [band.holds(metrics.log_loss(p, random.random(250) < p)) for _ in range(400)]
    assert np.mean(right) == pytest.approx(0.95, abs=0.035)
    overconfident = np.where(p > 0.5, p - 0.2, p + 0.2)
    wrong = [band.holds(metrics.log_loss(p, random.random(250) < overconfident)) for _ in range(50)]
    assert np.mean(wrong) < 0.1


def test_nothing_published_expects_nothing():
    assert expected_log_loss([]).n == 0
    assert np.isnan(expected_log_loss([]).mean)


def test_half_decided_stakes_count_half_in_what_is_expected_and_in_what_came():
    p, weights = [0.6, 0.9], [1.0, 0.5]
    band, (entropy, variance) = expected_log_loss(p, weights), surprise(p)
    assert band.mean == pytest.approx((entropy[0] + entropy[1] / 2) / 1.5)
    assert band.high - band.mean == pytest.approx(1.959964 * np.sqrt(variance[0] + variance[1] / 4) / 1.5, rel=1e-6)
    day = pd.to_datetime(["2022-09-01"] * 2).date
    found = rolling_log_loss(pd.DataFrame({"date": day, "p": p, "y": [1.0, 0.0], "weight": weights}), 30)
    assert found[["expected", "low", "high"]].iloc[0].tolist() == pytest.approx([band.mean, band.low, band.high])
    assert found["realised"].iloc[0] == pytest.approx(metrics.log_loss(p, [1, 0], weights))


def test_a_rolling_window_forgets_what_is_older():
    days = pd.to_datetime(["2022-09-01", "2022-09-01", "2022-09-20", "2022-10-15"]).date
    scored = pd.DataFrame({"date": days, "p": [0.6, 0.7, 0.5, 0.9], "y": [1.0, 0.0, 1.0, 1.0], "weight": 1.0})
    found = rolling_log_loss(scored, 30)
    assert found["n"].tolist() == [2, 3, 2]
    assert found["realised"].iloc[0] == pytest.approx(metrics.log_loss([0.6, 0.7], [1, 0]))
    band = expected_log_loss([0.5, 0.9])
    assert found[["expected", "low", "high"]].iloc[2].tolist() == pytest.approx([band.mean, band.low, band.high])


def bets(n=120):
    """One bet a day up to the last; p .6 of home, which wins three of five."""
    kickoffs = [LAST - pd.Timedelta(days=n - 1 - i) for i in range(n)]
    return pd.DataFrame(
        {
            "model_id": "m",
            "bet_type": "moneyline",
            "game_id": [f"g{i}" for i in range(n)],
            "season": [2021 if i < 20 else 2022 for i in range(n)],
            "predicted_side": "home",
            "probability": 0.6,
            "actual_result": ["win" if i % 5 < 3 else "loss" for i in range(n)],
            "kickoff": kickoffs,
            "profit_loss": [0.7 if i % 5 < 3 else -1.0 for i in range(n)],
            "clv": [0.01 if i % 2 else np.nan for i in range(n)],
        }
    )


def test_windows_end_with_the_last_day_and_hold_what_lies_in_them():
    found = windows(bets(), LAST, seed=1)
    assert list(found.columns) == list(WINDOW_COLUMNS)
    assert found["window"].tolist() == ["7 days", "30 days", "90 days", "season"]
    assert found["n"].tolist() == [7, 30, 90, 100]
    month = found.set_index("window").loc["30 days"]
    assert month["log_loss"] == pytest.approx(metrics.log_loss([0.6] * 5, [1, 1, 1, 0, 0]))
    assert month["expected"] == pytest.approx(surprise([0.6])[0][0])
    assert month["as_expected"]
    assert month["roi"] == pytest.approx(0.02)
    assert (month["mean_clv"], month["clv_coverage"]) == (pytest.approx(0.01), 0.5)
    assert np.isnan(found["ece"]).all()  # fewer than two hundred


def test_a_window_before_the_last_bets_leaves_them_out_and_an_empty_one_has_no_row():
    found = windows(bets(), LAST - pd.Timedelta(days=200), seed=1)
    assert found.empty
    assert windows(bets(), LAST + pd.Timedelta(days=20), seed=1)["window"].tolist() == ["30 days", "90 days", "season"]
    pushed = bets(3).assign(actual_result="push", profit_loss=0.0)
    row = windows(pushed, LAST, seed=1).iloc[0]
    assert (row["scored"], row["as_expected"]) == (0, None)
