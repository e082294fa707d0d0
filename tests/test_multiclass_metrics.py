"""Scores of three outcomes against values computed by hand and against a second implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as reference_log_loss

from aipro_ml import metrics
from aipro_ml.metrics import multiclass

HOME, DRAW, AWAY = 0, 1, 2
SAID = [[0.5, 0.3, 0.2]]


@pytest.mark.parametrize(
    ("outcome", "log_loss", "brier", "rps"),
    [
        # rps: home ((.5-1)² + (.8-1)²)/2, draw ((.5)² + (.8-1)²)/2, away ((.5)² + (.8)²)/2
        (HOME, 0.693147, 0.25 + 0.09 + 0.04, 0.145),
        (DRAW, 1.203973, 0.25 + 0.49 + 0.04, 0.145),
        (AWAY, 1.609438, 0.25 + 0.09 + 0.64, 0.445),
    ],
)
def test_the_scores_of_one_game_are_those_of_the_hand(outcome, log_loss, brier, rps):
    assert multiclass.log_losses(SAID, [outcome])[0] == pytest.approx(log_loss, abs=1e-6)
    assert multiclass.brier_scores(SAID, [outcome])[0] == pytest.approx(brier)
    assert multiclass.ranked_probability_scores(SAID, [outcome])[0] == pytest.approx(rps)
    assert multiclass.hits(SAID, [outcome])[0] == float(outcome == HOME)


def test_the_ranked_score_is_0_for_the_truth_and_1_for_the_far_end():
    certain = np.eye(3)
    assert multiclass.ranked_probability_scores(certain, [0, 1, 2]).tolist() == [0, 0, 0]
    assert multiclass.ranked_probability_scores(certain, [2, 0, 0]).tolist() == [1, 0.5, 1]


@given(st.integers(0, 10**6), st.integers(2, 40))
def test_log_loss_agrees_with_scikit_learn(seed, n):
    random = np.random.default_rng(seed)
    p = random.dirichlet([1.0, 1.0, 1.0], n)
    outcome = random.integers(0, 3, n)
    expected = reference_log_loss(outcome, p, labels=[0, 1, 2])
    assert multiclass.log_losses(p, outcome).mean() == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_two_outcomes_give_the_two_way_scores(seed, n):
    random = np.random.default_rng(seed)
    p, y = random.uniform(0.01, 0.99, n), random.integers(0, 2, n)
    both, outcome = np.column_stack([p, 1 - p]), 1 - y
    np.testing.assert_allclose(multiclass.log_losses(both, outcome), metrics.log_losses(p, y))
    np.testing.assert_allclose(multiclass.ranked_probability_scores(both, outcome), (p - y) ** 2, atol=1e-12)
    assert multiclass.brier_scores(both, outcome).mean() == pytest.approx(2 * metrics.brier(p, y))


def test_the_truth_scores_best_on_average():
    # a proper score is least, in expectation, for the probabilities the outcomes are drawn from
    random = np.random.default_rng(3)
    truth = random.dirichlet([4.0, 3.0, 3.0], 40_000)
    outcome = (random.random((40_000, 1)) > np.cumsum(truth, axis=1)).sum(axis=1)
    shifted = (truth + 0.5 / 3) / 1.5
    for score in (multiclass.log_losses, multiclass.brier_scores, multiclass.ranked_probability_scores):
        assert score(truth, outcome).mean() < score(shifted, outcome).mean()


@pytest.mark.parametrize(
    ("p", "outcome", "words"),
    [
        ([0.5, 0.5], [0], "shape"),
        ([[0.5, 0.3, 0.3]], [0], "sum to one"),
        ([[np.nan, 0.5, 0.5]], [0], "NaN"),
        ([[0.2, 0.3, 0.5]], [3], "columns 0 to 2"),
        ([[0.2, 0.3, 0.5]], [0.5], "columns 0 to 2"),
        ([[0.2, 0.3, 0.5]], [0, 1], "one a row"),
    ],
)
def test_what_is_no_forecast_is_refused(p, outcome, words):
    with pytest.raises(ValueError, match=words):
        multiclass.log_losses(p, outcome)


def test_half_weights_count_half_in_the_calibration_error_and_the_bootstrap():
    p, y = np.full(300, 0.5), np.tile([1.0, 0.0, 0.0], 100)
    w = np.tile([1.0, 0.5, 0.5], 100)
    assert metrics.ece(p, y) == pytest.approx(1 / 6)
    assert metrics.ece(p, y, weights=w) == pytest.approx(0.0, abs=1e-12)
    low, high = metrics.block_bootstrap_interval(y, np.arange(300), seed=1, weights=w)
    assert low < 0.5 < high
