"""Calibration and blend of three outcomes: of two they are what they always were, of three they find the truth."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.calibration.blend import fit_blend, with_published
from aipro_ml.calibration.choice import choose, with_calibrated
from aipro_ml.calibration.load import load_calibrator, new_calibrator
from aipro_ml.calibration.outcomes import MultinomialPlatt, OneVsRest, scores_of
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.calibration.venn_abers import OutcomeIntervals, VennAbers, load_venn_abers
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.metrics import multiclass

PLATT, TEMPERATURE, ISOTONIC = CalibrationMethod.PLATT, CalibrationMethod.TEMPERATURE, CalibrationMethod.ISOTONIC
BETA, NONE = CalibrationMethod.BETA, CalibrationMethod.NONE


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def drawn(p, random):
    return (random.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, p.shape[1] - 1)


def rows(n=6000, slope=1.0, biases=(0.0, 0.0, 0.0), seed=1, seasons=4):
    """Out-of-fold rows of a model whose truth is softmax(slope · ln p + biases), and a market that knows it."""
    random = np.random.default_rng(seed)
    said = softmax(random.normal(scale=0.9, size=(n, 3)) + np.array([0.4, -0.2, 0.0]))
    truth = softmax(slope * np.log(said) + np.array(biases))
    seen = drawn(truth, random)
    columns = {"p": said[:, 0], "p_draw": said[:, 1], "market_prob": truth[:, 0], "market_draw": truth[:, 1]}
    season = np.sort(np.resize(np.arange(2000, 2000 + seasons), n))
    return pd.DataFrame({"season": season, "week": 1.0, "y": 1 - seen / 2, **columns})


def loss(frame, column):
    return multiclass.log_losses(scores_of(frame, column), np.rint(2 - 2 * frame["y"])).mean()


def test_of_two_outcomes_it_is_platt_scaling():
    random = np.random.default_rng(5)
    p = 1 / (1 + np.exp(-random.normal(size=3000)))
    y = (random.random(3000) < p**0.5).astype("float64")
    two = MultinomialPlatt(biases=(0.0, 0.0)).fit(np.column_stack([p, 1 - p]), 1 - y)
    known = PlattCalibrator().fit(p, y)
    assert two.slope == pytest.approx(known.slope, abs=1e-3)  # the faint prior is told of other coefficients
    np.testing.assert_allclose(two.calibrate(np.column_stack([p, 1 - p]))[:, 0], known.calibrate(p), atol=1e-5)


def test_of_two_outcomes_the_blend_is_benters():
    random = np.random.default_rng(6)
    z = random.normal(size=2000)
    p, q = (1 / (1 + np.exp(-(z + random.normal(scale=s, size=2000)))) for s in (0.5, 0.2))
    y = (random.random(2000) < 1 / (1 + np.exp(-z))).astype("float64")
    one, both = fit_blend(p, q, y), fit_blend(np.column_stack([p, 1 - p]), np.column_stack([q, 1 - q]), 1 - y)
    assert (both.model_coef, both.market_coef) == pytest.approx((one.model_coef, one.market_coef), abs=1e-8)
    assert (both.model_se, both.market_se) == pytest.approx((one.model_se, one.market_se), abs=1e-8)
    mixed = both.blend(np.column_stack([p, 1 - p]), np.column_stack([q, 1 - q]))
    np.testing.assert_allclose(mixed[:, 0], one.blend(p, q), atol=1e-12)


def test_slope_and_biases_are_recovered():
    frame = rows(20_000, slope=0.6, biases=(0.0, 0.5, -0.3))
    choice = choose(frame, PLATT)
    assert choice.calibrator.slope == pytest.approx(0.6, abs=0.05)
    assert choice.calibrator.biases == pytest.approx((0.0, 0.5, -0.3), abs=0.08)
    np.testing.assert_allclose(
        choice.calibrator.calibrate(scores_of(frame)), scores_of(frame, "market_prob"), atol=0.03
    )


def test_an_overconfident_model_gets_platt_and_a_calibrated_one_nothing():
    assert choose(rows(slope=0.5)).method == PLATT
    honest = choose(rows())
    assert (honest.method, honest.calibrator) == (NONE, None)
    assert honest.compared == 4500
    assert set(honest.log_losses) == {NONE, PLATT, ISOTONIC}
    assert choose(rows(199)).method == NONE
    assert choose(rows(1999)).method == PLATT


def test_scores_that_rank_backwards_get_the_frequencies():
    frame = rows(4000, slope=-0.7)
    calibrator = choose(frame, PLATT).calibrator
    assert calibrator.slope == 0.0
    shares = np.bincount(np.rint(2 - 2 * frame["y"]).astype(int)) / len(frame)
    np.testing.assert_allclose(calibrator.calibrate(scores_of(frame))[:2], [shares, shares], atol=1e-3)
    even = choose(frame, TEMPERATURE).calibrator
    np.testing.assert_allclose(even.calibrate(scores_of(frame))[0], [1 / 3] * 3)


@pytest.mark.parametrize("method", [PLATT, TEMPERATURE, BETA, ISOTONIC])
def test_a_calibrator_of_three_outcomes_is_stored_and_read_again(method, tmp_path):
    frame = rows(1500, slope=0.7)
    calibrator = choose(frame, method).calibrator
    calibrator.save(tmp_path / "c.json")
    again = load_calibrator(tmp_path / "c.json")
    assert again == calibrator
    assert again.version == calibrator.version
    p = again.calibrate(scores_of(frame))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)
    assert (p > 0).all()
    assert again.calibrator_type == (CalibratorType.ISOTONIC if method == ISOTONIC else CalibratorType.PLATT)
    assert isinstance(again, OneVsRest) == (method in (ISOTONIC, BETA))
    assert again.n == 1500


def test_each_season_is_calibrated_and_blended_by_earlier_ones_only():
    frame = rows(slope=0.5)
    published = with_published(with_calibrated(frame, PLATT))
    first, last = frame["season"] == 2000, frame["season"] == 2003
    names = ["calibrated", "calibrated_draw", "published", "published_draw"]
    assert published.loc[first, names].isna().all(axis=None)
    assert published.loc[~first, names].notna().all(axis=None)
    changed = frame.assign(y=frame["y"].where(~last, 0.5))
    again = with_published(with_calibrated(changed, PLATT))
    pd.testing.assert_frame_equal(again[names], published[names])
    tested = published[~first]
    assert loss(tested, "published") < loss(tested, "calibrated") < loss(tested, "p")


def test_a_game_without_a_market_is_published_as_calibrated():
    frame = rows()
    frame.loc[5000, ["market_prob", "market_draw"]] = np.nan
    row = with_published(with_calibrated(frame, PLATT)).loc[5000]
    assert (row["published"], row["published_draw"]) == (row["calibrated"], row["calibrated_draw"])


def test_the_interval_of_an_outcome_is_that_of_it_against_the_others(tmp_path):
    frame = rows(900)
    seen = np.rint(2 - 2 * frame["y"]).to_numpy()
    found = OutcomeIntervals().fit(scores_of(frame), seen)
    low, high = found.interval(scores_of(frame))
    alone = VennAbers().fit(frame["p_draw"].to_numpy(), (seen == 1).astype(float)).interval(frame["p_draw"].to_numpy())
    np.testing.assert_array_equal(low[:, 1], alone[0])
    np.testing.assert_array_equal(high[:, 1], alone[1])
    found.save(tmp_path / "i.json")
    assert load_venn_abers(tmp_path / "i.json") == found


def test_the_slope_of_what_is_calibrated_is_one():
    frame = rows(20_000, slope=0.5, biases=(0.0, 0.4, 0.0))
    seen = np.rint(2 - 2 * frame["y"])
    slope, error = multiclass.calibration_slope(scores_of(frame), seen)
    assert abs(slope - 0.5) < 3 * error
    slope, error = multiclass.calibration_slope(scores_of(frame, "market_prob"), seen)
    assert abs(slope - 1.0) < 3 * error
    assert 0 < error < 0.1


def test_a_new_calibrator_knows_how_many_outcomes_it_is_for():
    assert isinstance(new_calibrator(PLATT, 3), MultinomialPlatt)
    assert isinstance(new_calibrator(PLATT), PlattCalibrator)
