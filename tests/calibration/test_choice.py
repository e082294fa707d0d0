"""The choice of a calibrator goes by rows and by what time order shows."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.calibration.choice import choose, walk_forward_calibrated
from aipro_ml.calibration.logits import expit, logit
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.metrics import log_loss

NONE, PLATT, ISOTONIC = CalibrationMethod.NONE, CalibrationMethod.PLATT, CalibrationMethod.ISOTONIC


def oof(n, seasons=4, seed=1, truth=lambda z: z):
    """Out-of-fold rows whose true log-odds are `truth` of the scores' log-odds."""
    random = np.random.default_rng(seed)
    z = random.normal(scale=1.2, size=n)
    return pd.DataFrame(
        {
            "season": np.sort(np.resize(np.arange(2000, 2000 + seasons), n)),
            "week": 1.0,
            "p": expit(z),
            "y": (random.random(n) < expit(truth(z))).astype("float64"),
            "market_prob": expit(truth(z)),
        },
        index=[f"g{i}" for i in range(n)],
    )


def overconfident(z):
    return 0.4 * z


def stepped(z):
    return np.where(z > 0.5, 2.0, np.where(z > -1.5, -0.2, -0.3))


@pytest.mark.parametrize(("n", "method"), [(199, NONE), (200, PLATT), (1999, PLATT)], ids=["199", "200", "1999"])
def test_the_number_of_rows_decides_below_two_thousand(n, method):
    assert choose(oof(n)).method == method


def test_a_calibrated_model_is_left_alone():
    choice = choose(oof(4000))
    assert choice.method == NONE
    assert choice.calibrator is None
    assert set(choice.log_losses) == {NONE, PLATT, ISOTONIC}
    assert choice.compared == 3000


def test_an_overconfident_model_gets_platt():
    choice = choose(oof(4000, truth=overconfident))
    assert choice.method == PLATT
    assert choice.calibrator.calibrator_type == CalibratorType.PLATT
    assert choice.calibrator.n == 4000
    assert choice.calibrator.slope == pytest.approx(0.4, abs=0.1)


def test_a_crooked_model_gets_isotonic():
    choice = choose(oof(8000, truth=stepped))
    assert choice.method == ISOTONIC
    assert "best" in choice.reason


def test_one_season_only_cannot_be_compared():
    choice = choose(oof(2500, seasons=1))
    assert choice.method == PLATT
    assert choice.log_losses == {}
    assert choice.compared == 0


@pytest.mark.parametrize("method", [method for method in CalibrationMethod if method != "auto"])
def test_a_requested_method_is_taken(method):
    choice = choose(oof(500), method)
    assert choice.method == method
    assert (choice.calibrator is None) == (method == NONE)
    assert choice.reason == "as requested"
    assert set(choice.log_losses) == {NONE, PLATT, ISOTONIC, method}


def test_each_season_is_calibrated_by_earlier_seasons_only():
    rows = oof(1200, truth=overconfident)
    found = walk_forward_calibrated(rows, PLATT)
    assert found[rows["season"] == 2000].isna().all()
    earlier, now = rows[rows["season"] < 2002], rows[rows["season"] == 2002]
    fit = PlattCalibrator().fit(earlier["p"].to_numpy(), earlier["y"].to_numpy())
    np.testing.assert_array_equal(found[now.index], fit.calibrate(now["p"].to_numpy()))


def test_later_outcomes_change_no_earlier_probability():
    rows = oof(1200, truth=overconfident)
    changed = rows.assign(y=rows["y"].where(rows["season"] < 2002, 1 - rows["y"]))
    until = rows["season"] <= 2002
    pd.testing.assert_series_equal(
        walk_forward_calibrated(rows, PLATT)[until], walk_forward_calibrated(changed, PLATT)[until]
    )


def test_methods_are_compared_on_one_set_of_rows():
    rows = oof(1200)
    known = [walk_forward_calibrated(rows, method).notna() for method in (NONE, PLATT, ISOTONIC)]
    pd.testing.assert_series_equal(known[0], known[1])
    pd.testing.assert_series_equal(known[0], known[2])
    losses = choose(rows).log_losses
    later = rows[known[0]]
    assert losses[NONE] == pytest.approx(log_loss(later["p"], later["y"]))


def test_the_order_of_rows_is_irrelevant():
    rows = oof(1200, truth=overconfident)
    shuffled = rows.sample(frac=1, random_state=3)
    np.testing.assert_allclose(
        walk_forward_calibrated(shuffled, PLATT)[rows.index], walk_forward_calibrated(rows, PLATT), atol=1e-9
    )
    assert choose(shuffled).calibrator.slope == pytest.approx(choose(rows).calibrator.slope)


def test_scores_of_exactly_zero_and_one_are_no_accident():
    rows = oof(400)
    rows.iloc[:4, rows.columns.get_loc("p")] = [0.0, 1.0, 0.0, 1.0]
    assert np.isfinite(choose(rows).calibrator.calibrate(np.array([0.0, 1.0]))).all()
    assert np.isfinite(logit([0.0, 1.0])).all()
