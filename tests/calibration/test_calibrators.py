"""The contract every calibrator fulfils, and what each form promises."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from aipro_ml.calibration.beta import BetaCalibrator
from aipro_ml.calibration.isotonic import IsotonicCalibrator
from aipro_ml.calibration.load import load_calibrator, new_calibrator
from aipro_ml.calibration.logits import expit, fit_logistic, logit
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.calibration.temperature import TemperatureCalibrator
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.metrics import calibration_slope_intercept, log_loss

METHODS = (
    CalibrationMethod.PLATT,
    CalibrationMethod.TEMPERATURE,
    CalibrationMethod.BETA,
    CalibrationMethod.ISOTONIC,
)
every_calibrator = pytest.mark.parametrize("method", METHODS)


def miscalibrated(n=3000, seed=1, slope=0.5, intercept=0.3):
    """Scores whose true log-odds are intercept + slope · logit(score)."""
    random = np.random.default_rng(seed)
    scores = expit(random.normal(scale=1.5, size=n))
    y = (random.random(n) < expit(intercept + slope * logit(scores))).astype("float64")
    return scores, y


@every_calibrator
@settings(max_examples=40, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60),
    asked=st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_calibrated_probabilities_never_decrease_and_lie_strictly_inside(method, pairs, asked):
    scores, y = np.array(pairs, dtype="float64").T
    calibrator = new_calibrator(method).fit(scores, y)
    p = calibrator.calibrate(np.sort(asked))
    assert ((p > 0) & (p < 1)).all()
    assert (np.diff(p) >= -1e-15).all()
    assert calibrator.n == len(scores)


@every_calibrator
def test_fresh_games_are_better_calibrated_than_before(method):
    calibrator = new_calibrator(method).fit(*miscalibrated(seed=1))
    scores, y = miscalibrated(seed=2)
    assert log_loss(calibrator.calibrate(scores), y) < log_loss(scores, y) - 0.02


@every_calibrator
def test_a_saved_calibrator_loads_equal(method, tmp_path):
    calibrator = new_calibrator(method).fit(*miscalibrated(n=400))
    calibrator.save(tmp_path / "new" / "calibrator.json")
    loaded = load_calibrator(tmp_path / "new" / "calibrator.json")
    assert loaded == calibrator
    assert loaded.version == calibrator.version
    scores = np.linspace(0, 1, 50)
    np.testing.assert_array_equal(loaded.calibrate(scores), calibrator.calibrate(scores))


@every_calibrator
def test_the_version_names_the_content(method):
    first = new_calibrator(method).fit(*miscalibrated(n=400))
    assert first.version == new_calibrator(method).fit(*miscalibrated(n=400)).version
    assert first.version != new_calibrator(method).fit(*miscalibrated(n=401)).version
    assert len(first.version) == 64


@every_calibrator
def test_inputs_stay_untouched(method):
    scores, y = miscalibrated(n=300)
    before = scores.copy(), y.copy()
    new_calibrator(method).fit(scores, y).calibrate(scores)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"calibrator": "oracle"}',
        '{"calibrator": "platt", "slope": 1}',
        '{"calibrator": "platt", "form": "oracle", "slope": 1, "intercept": 0, "n": 3}',
        '{"calibrator": "platt", "form": "isotonic", "slope": 1, "intercept": 0, "n": 3}',
    ],
)
def test_a_damaged_calibrator_is_one_clear_error(text, tmp_path):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"c\.json"):
        load_calibrator(tmp_path / "c.json")


def test_an_absent_calibrator_is_one_clear_error(tmp_path):
    with pytest.raises(ArtifactError, match="no such calibrator"):
        load_calibrator(tmp_path / "c.json")


@pytest.mark.parametrize("method", [CalibrationMethod.AUTO, CalibrationMethod.NONE])
def test_auto_and_none_are_no_calibrators(method):
    with pytest.raises(UsageError, match=str(method)):
        new_calibrator(method)


def test_platt_recovers_a_known_slope_and_intercept():
    fitted = PlattCalibrator().fit(*miscalibrated(n=40_000))
    assert fitted.slope == pytest.approx(0.5, abs=0.03)
    assert fitted.intercept == pytest.approx(0.3, abs=0.03)


def test_platt_leaves_its_own_output_alone():
    scores, y = miscalibrated()
    after = calibration_slope_intercept(PlattCalibrator().fit(scores, y).calibrate(scores), y)
    assert after.slope == pytest.approx(1.0, abs=1e-4)
    assert after.intercept == pytest.approx(0.0, abs=1e-4)


def test_platt_turns_backward_scores_into_the_mean_never_around():
    scores, y = miscalibrated(slope=-0.5)
    fitted = PlattCalibrator().fit(scores, y)
    assert fitted.slope == 0
    np.testing.assert_allclose(fitted.calibrate(np.array([0.1, 0.9])), y.mean(), atol=1e-4)


def test_temperature_recovers_a_known_slope_and_leaves_even_chances_even():
    fitted = TemperatureCalibrator().fit(*miscalibrated(n=40_000, intercept=0.0))
    assert fitted.slope == pytest.approx(0.5, abs=0.03)
    assert fitted.calibrate(np.array([0.5]))[0] == 0.5


def test_temperature_turns_backward_scores_into_one_half():
    fitted = TemperatureCalibrator().fit(*miscalibrated(slope=-0.5))
    np.testing.assert_array_equal(fitted.calibrate(np.array([0.1, 0.9])), 0.5)


@pytest.mark.parametrize("slope", [-0.5, 0.5], ids=["backward", "forward"])
@pytest.mark.parametrize("bend", [-0.8, 0.0, 0.8])
def test_beta_is_the_best_without_a_negative_slope(slope, bend):
    scores, _ = miscalibrated(n=2000)
    random = np.random.default_rng(7)
    y = (random.random(2000) < expit(0.2 + slope * logit(scores) + bend * np.log(scores))).astype("float64")

    def loss(c):
        z = c[2] + c[0] * np.log(scores) - c[1] * np.log1p(-scores)
        return np.sum(np.logaddexp(0, z) - y * z)

    best = minimize(loss, [0.1, 0.1, 0.0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B", tol=1e-12)
    fitted = BetaCalibrator().fit(scores, y)
    assert loss([fitted.a, fitted.b, fitted.intercept]) == pytest.approx(best.fun, abs=1e-3)
    np.testing.assert_allclose([fitted.a, fitted.b, fitted.intercept], best.x, atol=5e-3)


def test_beta_with_equal_slopes_is_platt():
    scores = np.linspace(0.01, 0.99, 30)
    np.testing.assert_allclose(
        BetaCalibrator(0.6, 0.6, 0.2).calibrate(scores), PlattCalibrator(0.6, 0.2).calibrate(scores)
    )


def test_forms_of_platt_are_stored_as_platt_and_told_apart_by_their_document():
    fitted = [new_calibrator(method).fit(*miscalibrated(n=400)) for method in METHODS[:3]]
    assert {one.calibrator_type for one in fitted} == {CalibratorType.PLATT}
    assert [one.document.get("form") for one in fitted] == [None, "temperature", "beta"]
    assert len({one.version for one in fitted}) == 3


def test_the_default_platt_is_the_identity():
    scores = np.linspace(0.01, 0.99, 30)
    np.testing.assert_allclose(PlattCalibrator().calibrate(scores), scores, atol=1e-12)


def test_isotonic_never_says_always_or_never():
    scores, y = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    fitted = IsotonicCalibrator().fit(scores, y)
    np.testing.assert_allclose(fitted.calibrate(np.array([0.0, 1.0])), [1 / 6, 5 / 6])


def test_isotonic_pools_adjacent_violators():
    fitted = IsotonicCalibrator().fit(
        np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    )
    np.testing.assert_allclose(fitted.calibrate(np.array([0.2, 0.3, 0.4, 0.5])), 0.5)


def test_isotonic_on_one_small_season_is_worse_than_pooled_platt():
    scores, y = miscalibrated(n=20_000, seed=99)
    behind = []
    for seed in range(10):
        isotonic = IsotonicCalibrator().fit(*miscalibrated(n=260, seed=seed)).calibrate(scores)
        platt = PlattCalibrator().fit(*miscalibrated(n=3000, seed=50 + seed)).calibrate(scores)
        behind.append(log_loss(isotonic, y) - log_loss(platt, y))
    assert min(behind) > 0
    assert np.mean(behind) > 0.01


def test_a_stored_calibrator_is_plain_json(tmp_path):
    PlattCalibrator(0.5, 0.25, 300).save(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text()) == {
        "calibrator": "platt",
        "format": 1,
        "slope": 0.5,
        "intercept": 0.25,
        "n": 300,
    }


def test_logistic_fit_agrees_with_a_numeric_optimum():
    random = np.random.default_rng(3)
    Z = random.normal(size=(500, 2)) * [1.0, 4.0]
    y = (random.random(500) < expit(Z @ [0.7, -0.2])).astype("float64")

    def loss(b):
        return np.sum(np.logaddexp(0, Z @ b) - y * (Z @ b))

    best, fit = minimize(loss, np.zeros(2), tol=1e-12).x, fit_logistic(Z, y)
    np.testing.assert_allclose(fit.coef, best, atol=1e-4)
    step = 1e-3 * np.eye(2)
    hessian = [
        [(loss(best + a + b) - loss(best + a - b) - loss(best - a + b) + loss(best - a - b)) / 4e-6 for a in step]
        for b in step
    ]
    np.testing.assert_allclose(fit.se, np.sqrt(np.diag(np.linalg.inv(hessian))), rtol=1e-3)


def test_separable_rows_stay_finite():
    z = np.linspace(-10, 10, 50)
    fit = fit_logistic(np.column_stack([z, np.ones(50)]), (z > 0).astype("float64"))
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.se).all()
