"""Permutation importance: how much log likelihood is lost where a column of a fixed sample is shuffled."""

from typing import Any

import numpy as np

from aipro_ml.training.estimator import Array

SAMPLE_ROWS = 300
REPEATS = 2


def permutation_importance(classifier: Any, X: Array, y: Array, seed: int) -> tuple[float, ...]:
    """Return a non-negative importance of each column of X (n, d) in nats; equal inputs and seed, equal bits."""
    from sklearn.inspection import permutation_importance as permuted

    rows = np.random.default_rng(seed).permutation(len(X))[:SAMPLE_ROWS]
    found = permuted(classifier, X[rows], y[rows], scoring=_mean_log_likelihood, n_repeats=REPEATS, random_state=seed)
    return tuple(float(value) for value in np.maximum(found.importances_mean, 0.0))


def _mean_log_likelihood(classifier: Any, X: Array, y: Array) -> float:
    # scikit-learn's own scorer fails where the sample holds one class only; some classifiers say never
    p = np.maximum(classifier.predict_proba(X), 1e-6)
    return float(np.mean(np.log(p[np.arange(len(y)), y.astype(np.int64)])))
