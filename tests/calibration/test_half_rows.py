"""Rows of which half of the stake came back: they count half, everywhere, and rows that all count one as ever."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.calibration.blend import fit_blend, free_blend, with_published
from aipro_ml.calibration.choice import choose, with_calibrated
from aipro_ml.calibration.load import new_calibrator
from aipro_ml.calibration.logits import expit, logit
from aipro_ml.calibration.reliability import reliability
from aipro_ml.calibration.venn_abers import VennAbers
from aipro_ml.enums import CalibrationMethod
from aipro_ml.evaluation.expected import surprise

METHODS = [method for method in CalibrationMethod if method not in (CalibrationMethod.AUTO, CalibrationMethod.NONE)]
every_method = pytest.mark.parametrize("method", METHODS)

SCORES = {
    "log loss": metrics.log_loss,
    "Brier": metrics.brier,
    "accuracy": metrics.accuracy,
    "AUC": metrics.auc,
    "ECE": lambda p, y, weights: metrics.ece(p, y, weights=weights),
    "z": metrics.spiegelhalter_z,
    "slope": lambda p, y, weights: metrics.calibration_slope_intercept(p, y, weights).slope,
    "intercept": lambda p, y, weights: metrics.calibration_slope_intercept(p, y, weights).intercept,
    "resolution": lambda p, y, weights: metrics.brier_decomposition(p, y, weights=weights).resolution,
    "bins": lambda p, y, weights: metrics.reliability_bins(p, y, weights=weights)[3].observed,
}


QUARTERS, HALVES = (-0.75, -0.25, 0.25, 0.75), (-0.5, 0.5)


def handicaps(n, seed, lines=QUARTERS, seasons=6):
    """Games at handicaps of quarter lines: season, p (right of the stake that is decided), market_prob, y, weight."""
    random = np.random.default_rng(seed)
    margins = np.arange(-6, 7)
    line = random.choice(lines, size=n)
    centre = -line + random.normal(scale=0.6, size=n)
    chance = np.exp(-((margins[None, :] - centre[:, None]) ** 2) / (2 * 1.5**2))
    chance /= chance.sum(axis=1, keepdims=True)
    ahead = margins[None, :] + line[:, None]
    split = np.where(np.mod(line * 4, 2) == 1, 0.25, 0.0)[:, None]
    share = (np.sign(ahead - split) + np.sign(ahead + split)) / 2
    won, decided = (chance * share.clip(0)).sum(axis=1), (chance * np.abs(share)).sum(axis=1)
    drawn = (chance.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1).clip(0, len(margins) - 1)
    settled = share[np.arange(n), drawn]
    return pd.DataFrame(
        {
            "season": np.sort(random.integers(2016 - seasons, 2016, n)),
            "p": won / decided,
            "market_prob": expit(logit(won / decided) + random.normal(scale=0.1, size=n)),
            "y": (settled > 0).astype("float64"),
            "weight": np.abs(settled),
        }
    )


def columns(frame):
    return tuple(frame[name].to_numpy("float64") for name in ("p", "y", "weight"))


@every_method
def test_rows_that_all_count_one_give_the_calibrator_of_rows_without_weights_to_the_bit(method):
    p, y, _ = columns(handicaps(900, 1, HALVES))
    assert new_calibrator(method).fit(p, y, np.ones(900)) == new_calibrator(method).fit(p, y)


def test_rows_that_all_count_one_give_the_same_blend_interval_and_report_to_the_bit():
    rows = handicaps(900, 2, HALVES)
    p, y, weight = columns(rows)
    plain = rows.drop(columns="weight")
    assert (weight == 1.0).all()
    market = rows["market_prob"].to_numpy()
    for fit in (fit_blend, free_blend):
        assert fit(p, market, y, weight) == fit(p, market, y)
    assert VennAbers().fit(p, y, weight) == VennAbers().fit(p, y)
    methods = partial(with_calibrated, method=CalibrationMethod.PLATT)
    first, second = with_published(methods(rows)), with_published(methods(plain))
    pd.testing.assert_frame_equal(first.drop(columns="weight"), second, check_exact=True)
    assert choose(rows).log_losses == choose(plain).log_losses


@every_method
def test_a_row_in_two_halves_is_one_row(method):
    p, y, _ = columns(handicaps(600, 3))
    whole = new_calibrator(method).fit(p, y)
    halves = new_calibrator(method).fit(np.tile(p, 2), np.tile(y, 2), np.full(1200, 0.5))
    asked = np.linspace(0.2, 0.8, 50)
    np.testing.assert_allclose(halves.calibrate(asked), whole.calibrate(asked), atol=1e-9)


def test_an_interval_and_a_blend_of_rows_in_two_halves_are_those_of_the_rows():
    rows = handicaps(600, 4)
    p, y, _ = columns(rows)
    twice, half, market = np.tile(p, 2), np.full(1200, 0.5), rows["market_prob"].to_numpy()
    steps = VennAbers().fit(twice, np.tile(y, 2), half)
    assert (steps.lower, steps.upper) == (VennAbers().fit(p, y).lower, VennAbers().fit(p, y).upper)
    blend, halved = fit_blend(p, market, y), fit_blend(twice, np.tile(market, 2), np.tile(y, 2), half)
    assert (halved.model_coef, halved.market_coef) == pytest.approx((blend.model_coef, blend.market_coef))
    assert (halved.model_se, halved.n) == (pytest.approx(blend.model_se), 1200)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_of_weighted_rows_is_that_of_rows_repeated_as_often(name):
    p, y, weight = columns(handicaps(2000, 5))
    if name in {"ECE", "resolution", "bins", "z"}:  # bins are cut, and noise counted, by rows: all have the same weight
        weight = np.full(len(p), 0.5)
    again = np.repeat(np.arange(len(p)), (2 * weight).astype(int))
    assert SCORES[name](p, y, weight) == pytest.approx(SCORES[name](p[again], y[again], None))


def test_weights_of_one_leave_every_score_as_it_was():
    p, y, _ = columns(handicaps(1500, 6))
    for name, score in SCORES.items():
        assert score(p, y, np.ones(1500)) == pytest.approx(score(p, y, None), rel=1e-12), name
    losses = metrics.log_losses(p, y), metrics.log_losses(np.full(1500, 0.5), y)
    weighted, plain = metrics.paired_difference(*losses, np.ones(1500)), metrics.paired_difference(*losses)
    assert (weighted.mean, weighted.se) == pytest.approx((plain.mean, plain.se))
    assert metrics.ece_null(p, seed=1, weights=np.ones(1500)) == metrics.ece_null(p, seed=1)


def test_what_is_right_of_the_decided_stake_is_calibrated_and_would_not_be_if_halves_counted_whole():
    rows = handicaps(12_000, 7, lines=(-0.25, 0.75), seasons=1)  # a draw, and a defeat by one, lose half
    report = reliability(rows, seed=1)
    assert abs(report.spiegelhalter_z) < 3
    assert abs(report.fit.slope - 1) < 3 * report.fit.slope_se
    assert report.ece < report.ece_null.q95
    whole = reliability(rows.drop(columns="weight"), seed=1)
    assert whole.ece > 2 * whole.ece_null.q95


def test_standard_errors_are_as_wide_as_what_they_speak_of_varies():
    found = {"z": [], "slope": [], "difference": []}
    for seed in range(120):
        p, y, weight = columns(handicaps(500, seed))
        fit = metrics.calibration_slope_intercept(p, y, weight)
        paired = metrics.paired_difference(metrics.log_losses(p, y), surprise(p)[0], weight)
        found["z"].append(metrics.spiegelhalter_z(p, y, weight))
        found["slope"].append((fit.slope - 1) / fit.slope_se)
        found["difference"].append(paired.mean / paired.se)
    for name, values in found.items():
        assert abs(np.mean(values)) < 0.25, name
        assert 0.85 < np.std(values) < 1.15, name


def test_each_season_is_calibrated_and_blended_by_earlier_seasons_with_their_weights():
    rows = handicaps(3000, 8)
    published = with_published(with_calibrated(rows, CalibrationMethod.PLATT))
    now, before = (rows["season"] == 2015).to_numpy(), (rows["season"] < 2015).to_numpy()
    p, y, weight = columns(rows[before])
    fitted = new_calibrator(CalibrationMethod.PLATT).fit(p, y, weight)
    np.testing.assert_array_equal(published.loc[now, "calibrated"], fitted.calibrate(rows.loc[now, "p"].to_numpy()))
    known = published[before & published["calibrated"].notna()]
    blend = fit_blend(known["calibrated"], known["market_prob"], known["y"], known["weight"])
    expected = blend.blend(published.loc[now, "calibrated"], rows.loc[now, "market_prob"])
    np.testing.assert_array_equal(published.loc[now, "published"], expected)
    without = fit_blend(known["calibrated"], known["market_prob"], known["y"])
    assert abs(without.model_coef - blend.model_coef) > 1e-3  # the weights are really asked
