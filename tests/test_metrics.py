"""Scores of forecasts against other implementations and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from aipro_ml import metrics

FORECAST = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=2, max_size=60).map(
    lambda rows: tuple(np.array(column, dtype=float) for column in zip(*rows, strict=True))
)


def calibrated(n, seed=1, spread=0.18):
    random = np.random.default_rng(seed)
    p = np.clip(random.normal(0.55, spread, n), 0.03, 0.97)
    return p, (random.random(n) < p).astype(float)


def test_scores_equal_those_of_scikit_learn():
    p, y = calibrated(500)
    p = p.round(2)  # ties
    assert metrics.log_loss(p, y) == pytest.approx(sklearn_log_loss(y, p))
    assert metrics.brier(p, y) == pytest.approx(brier_score_loss(y, p))
    assert metrics.auc(p, y) == pytest.approx(roc_auc_score(y, p))


def test_a_certain_and_wrong_forecast_costs_a_finite_log_loss():
    assert metrics.log_loss([0.0, 1.0], [1, 0]) == pytest.approx(-np.log(1e-12), rel=1e-4)
    assert metrics.log_loss([0.0, 1.0], [0, 1]) == pytest.approx(0, abs=1e-11)


@given(FORECAST)
def test_auc_is_the_share_of_pairs_in_the_right_order(forecast):
    p, y = forecast
    won, lost = p[y == 1], p[y == 0]
    if len(won) == 0 or len(lost) == 0:
        assert np.isnan(metrics.auc(p, y))
        return
    pairs = np.sign(won[:, None] - lost[None, :])
    assert metrics.auc(p, y) == pytest.approx(np.mean((pairs + 1) / 2))


def test_the_noise_of_the_auc_shrinks_with_the_root_of_n():
    assert metrics.auc_null_sd(267) == pytest.approx(0.577 / np.sqrt(267), rel=1e-3)
    random = np.random.default_rng(5)
    aucs = [metrics.auc(random.random(200), random.integers(0, 2, 200)) for _ in range(400)]
    assert np.std(aucs) == pytest.approx(metrics.auc_null_sd(200), rel=0.15)


def test_accuracy_counts_half_as_a_forecast_of_one():
    assert metrics.accuracy([0.5, 0.4, 0.9, 0.6], [1, 0, 0, 1]) == 0.75


@given(FORECAST, st.integers(1, 12), st.sampled_from(["mass", "width"]), st.randoms())
def test_ece_does_not_depend_on_the_order_of_the_rows(forecast, bins, binning, shuffler):
    p, y = forecast
    order = list(range(len(p)))
    shuffler.shuffle(order)
    assert metrics.ece(p[order], y[order], bins, binning) == pytest.approx(metrics.ece(p, y, bins, binning), abs=1e-12)


def test_equal_mass_bins_hold_equally_many_rows_and_never_split_a_tie():
    p = np.linspace(0.01, 0.99, 100)
    assert np.bincount(metrics.bin_index(p, 10)).tolist() == [10] * 10
    assert np.array_equal(metrics.bin_index(p, 10), np.arange(100) // 10)
    assert len(set(metrics.bin_index(np.full(50, 0.6), 10).tolist())) == 1


def test_a_lower_edge_belongs_to_its_equal_width_bin_and_one_to_the_last():
    assert metrics.bin_index([0.0, 0.05, 0.15, 0.3, 1.0], 20, "width").tolist() == [0, 1, 3, 6, 19]


def test_ece_of_a_constant_forecast_is_its_distance_from_the_base_rate():
    assert metrics.ece(np.full(10, 0.7), [1, 0] * 5) == pytest.approx(0.2)


@pytest.mark.parametrize(("n", "expected"), [(15, 0.24), (267, 0.062), (1000, 0.032)])
def test_a_perfectly_calibrated_model_shows_the_published_ece_in_equal_width_bins(n, expected):
    p, _ = calibrated(n, seed=7)
    assert metrics.ece_null(p, seed=0, binning="width").mean == pytest.approx(expected, rel=0.12)


def test_the_null_of_equal_mass_bins_is_the_mean_size_of_their_binomial_noise():
    p, _ = calibrated(1000, seed=7)
    by_bin = np.sort(p).reshape(10, 100)
    noise = np.sqrt(2 / np.pi * (by_bin * (1 - by_bin)).sum(axis=1)) / 100
    null = metrics.ece_null(p, seed=0)
    assert null.mean == pytest.approx(noise.mean(), rel=0.03)
    assert null.mean < null.q95 < 2 * null.mean
    assert null == metrics.ece_null(p, seed=0)
    assert null != metrics.ece_null(p, seed=1)


def test_slope_and_intercept_equal_an_unpenalised_logistic_regression():
    p, y = calibrated(800)
    fit = metrics.calibration_slope_intercept(p, y)
    score = np.log(p / (1 - p))[:, None]
    other = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(score, y)
    assert fit.slope == pytest.approx(other.coef_[0, 0], abs=1e-4)
    assert fit.intercept == pytest.approx(other.intercept_[0], abs=1e-4)


def test_scores_a_hair_around_one_half_still_have_a_slope():
    p, y = calibrated(400)
    narrow = 0.5 + (p - 0.5) * 1e-5
    wide, fit = (metrics.calibration_slope_intercept(q, y) for q in (0.5 + (p - 0.5) * 0.1, narrow))
    assert fit.slope == pytest.approx(wide.slope * 1e4, rel=0.01)
    assert fit.slope / fit.slope_se == pytest.approx(wide.slope / wide.slope_se, rel=0.01)


def test_slope_standard_errors_match_the_spread_over_repeated_samples():
    fits = [metrics.calibration_slope_intercept(*calibrated(500, seed)) for seed in range(150)]
    assert np.mean([fit.slope for fit in fits]) == pytest.approx(1, abs=0.06)
    assert np.std([fit.slope for fit in fits]) == pytest.approx(fits[0].slope_se, rel=0.25)
    assert np.std([fit.intercept for fit in fits]) == pytest.approx(fits[0].intercept_se, rel=0.25)


def test_an_overconfident_model_has_a_slope_below_one():
    p, y = calibrated(4000)
    odds = (p / (1 - p)) ** 2
    fit = metrics.calibration_slope_intercept(odds / (1 + odds), y)
    assert fit.slope == pytest.approx(0.5, abs=3 * fit.slope_se)


@pytest.mark.parametrize(
    ("p", "y"),
    [([0.6] * 4, [1, 0, 1, 0]), ([0.2, 0.4, 0.6], [1, 1, 1]), ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])],
)
def test_slope_is_unknown_where_no_finite_fit_exists(p, y):
    assert np.isnan(metrics.calibration_slope_intercept(p, y).slope)


def test_spiegelhalter_is_standard_normal_for_a_calibrated_model_and_large_for_another():
    z = [metrics.spiegelhalter_z(*calibrated(300, seed)) for seed in range(300)]
    assert np.mean(z) == pytest.approx(0, abs=0.2)
    assert np.std(z) == pytest.approx(1, abs=0.12)
    p, y = calibrated(3000)
    odds = (p / (1 - p)) ** 3
    assert abs(metrics.spiegelhalter_z(odds / (1 + odds), y)) > 5
    assert np.isnan(metrics.spiegelhalter_z([0.5, 0.5], [0, 1]))


@given(FORECAST, st.integers(1, 10))
def test_the_parts_of_the_brier_score_add_up(forecast, bins):
    p, y = forecast
    parts = metrics.brier_decomposition(p, y, bins)
    assert parts.reliability - parts.resolution + parts.uncertainty + parts.within == pytest.approx(metrics.brier(p, y))
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_with_one_probability_a_bin_nothing_varies_within():
    parts = metrics.brier_decomposition(np.repeat([0.2, 0.8], 10), [0, 0, 0, 0, 1] * 2 + [1, 1, 1, 1, 0] * 2, 2)
    assert parts.within == pytest.approx(0, abs=1e-12)
    assert parts.reliability == pytest.approx(0, abs=1e-12)
    assert parts.resolution == pytest.approx(0.09)


def test_reliability_bins_cover_all_rows_and_hold_the_least_number_each():
    p, y = calibrated(100)
    bins = metrics.reliability_bins(p, y)
    assert len(bins) == 3
    assert sum(b.n for b in bins) == 100
    assert min(b.n for b in bins) >= 30
    for b in bins:
        assert b.low <= b.mean_probability <= b.high
        assert b.wilson_low <= b.observed <= b.wilson_high
        assert b.consistency_low <= b.mean_probability <= b.consistency_high
    assert len(metrics.reliability_bins(p[:5], y[:5])) == 1


def test_a_calibrated_model_stays_inside_the_consistency_bands_about_19_times_in_20():
    bins = [b for seed in range(40) for b in metrics.reliability_bins(*calibrated(1000, seed))]
    inside = np.mean([b.consistency_low <= b.observed <= b.consistency_high for b in bins])
    assert inside == pytest.approx(0.95, abs=0.03)


def test_wilson_equals_the_published_example_and_never_leaves_the_unit_interval():
    assert metrics.wilson_interval(15, 20) == pytest.approx((0.5313, 0.8881), abs=1e-4)
    assert metrics.wilson_interval(0, 10)[0] == 0
    assert metrics.wilson_interval(10, 10)[1] == 1


def test_a_paired_difference_has_the_interval_of_its_mean():
    a, b = np.array([0.7, 0.6, 0.9, 0.4]), np.array([0.5, 0.6, 0.8, 0.6])
    paired = metrics.paired_difference(a, b)
    assert paired.mean == pytest.approx(0.025)
    assert paired.se == pytest.approx(np.std(a - b, ddof=1) / 2)
    assert (paired.ci_low, paired.ci_high) == pytest.approx(
        (0.025 - 1.959964 * paired.se, 0.025 + 1.959964 * paired.se)
    )
    assert paired.n == 4
    assert np.isnan(metrics.paired_difference([0.7], [0.5]).se)


def test_blocks_that_move_together_widen_the_interval():
    random = np.random.default_rng(2)
    blocks = np.repeat(np.arange(40), 10)
    values = np.repeat(random.normal(size=40), 10)
    low, high = metrics.block_bootstrap_interval(values, blocks, seed=0)
    alone_low, alone_high = metrics.block_bootstrap_interval(values, np.arange(400), seed=0)
    assert low < values.mean() < high
    assert (high - low) / (alone_high - alone_low) == pytest.approx(np.sqrt(10), rel=0.15)
    assert (low, high) == metrics.block_bootstrap_interval(values, blocks, seed=0)
    named = metrics.block_bootstrap_interval(values, [f"week {b:02d}" for b in blocks], seed=0)
    assert named == (low, high)


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([], [], "non-empty"),
        ([0.5, np.nan], [0, 1], "without NaN"),
        ([1.2], [1], r"\[0, 1\]"),
        ([0.5], [0.5], "pushes are not scored"),
        ([0.5, 0.5], [1], "shape"),
        ([[0.5]], [[1]], "shape"),
        ([1.0, 0.0], [0.6, 0.4], "p comes before y"),
    ],
)
def test_what_is_not_a_forecast_is_refused(p, y, message):
    with pytest.raises(ValueError, match=message):
        metrics.log_loss(p, y)
