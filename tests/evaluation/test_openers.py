"""Opening to closing: paired sharpening, and closing line value by the size of the edge."""

import numpy as np
import pytest

from aipro_ml import metrics
from aipro_ml.evaluation.openers import sharpening, value_by_edge, value_slope


def test_the_close_that_knows_more_is_sharper_by_the_paired_difference():
    random = np.random.default_rng(1)
    truth = random.uniform(0.2, 0.8, 4000)
    y = (random.random(4000) < truth).astype(float)
    opener = np.clip(truth + random.normal(scale=0.1, size=4000), 0.05, 0.95)
    found = sharpening(opener, truth, y, np.arange(4000) // 16, seed=1)
    before, after = metrics.log_losses(opener, y), metrics.log_losses(truth, y)
    assert found.n == 4000
    assert found.difference == pytest.approx(before.mean() - after.mean())
    assert found.opening - found.closing == pytest.approx(found.difference)
    assert found.se == pytest.approx((before - after).std(ddof=1) / np.sqrt(4000))
    assert 0 < found.ci_low < found.difference < found.ci_high


def test_an_opener_that_is_the_close_gains_nothing():
    p, y = np.full(100, 0.6), np.tile([1.0, 0.0], 50)
    found = sharpening(p, p, y, np.arange(100), seed=1)
    assert (found.difference, found.ci_low, found.ci_high) == (0.0, 0.0, 0.0)


def test_bets_fall_into_the_bin_of_their_edge_whatever_its_sign():
    edge = np.array([0.0, -0.019, 0.02, -0.049, 0.05, 0.3, np.nan, 0.01])
    value = np.array([-0.04, -0.02, 0.0, 0.02, 0.05, 0.07, 9.0, np.nan])
    bins = value_by_edge(edge, value, np.arange(8), seed=1)
    assert [one.n for one in bins] == [2, 2, 1, 1]
    assert [one.value for one in bins] == pytest.approx([-0.03, 0.01, 0.05, 0.07])
    assert [one.edge for one in bins] == pytest.approx([0.0095, 0.0345, 0.05, 0.3])
    assert np.isnan(bins[2].se)  # one bet is no spread


def test_an_empty_bin_is_unknown_not_zero():
    bins = value_by_edge([0.01, 0.01], [0.1, 0.3], [1, 2], seed=1)
    assert (bins[0].n, bins[0].value) == (2, pytest.approx(0.2))
    assert bins[-1].n == 0
    assert np.isnan([bins[-1].value, bins[-1].ci_low]).all()


def test_the_standard_error_counts_blocks_and_not_bets():
    # every bet of a week moves together: 50 weeks of 20 bets are 50 facts
    random = np.random.default_rng(4)
    week = np.repeat(np.arange(50), 20)
    value = random.normal(scale=0.1, size=50)[week]
    clustered = value_by_edge(np.full(1000, 0.01), value, week, seed=1)[0]
    assert clustered.se == pytest.approx(0.1 / np.sqrt(50), rel=0.3)
    assert clustered.se > 3 * value.std() / np.sqrt(1000)


def test_the_slope_is_that_of_least_squares_on_the_size_of_the_edge():
    random = np.random.default_rng(2)
    edge = random.uniform(-0.2, 0.2, 2000)
    value = -0.04 + 0.5 * np.abs(edge) + random.normal(scale=0.05, size=2000)
    found = value_slope(edge, value, np.arange(2000) // 16, seed=1)
    assert found.slope == pytest.approx(np.polyfit(np.abs(edge), value, 1)[0])
    assert found.ci_low < 0.5 < found.ci_high
    assert found.n == 2000


def test_a_model_that_knows_nothing_has_no_slope():
    random = np.random.default_rng(3)
    found = value_slope(random.uniform(0, 0.2, 3000), random.normal(-0.045, 0.1, 3000), np.arange(3000) // 16, seed=1)
    assert found.ci_low < 0 < found.ci_high
