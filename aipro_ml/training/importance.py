"""Permutation importance of any model: what the log loss rises by when a column of a fixed sample is shuffled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.training.base import Probabilities
from aipro_ml.training.estimator import Array

SAMPLE_ROWS = 300
"""Rows an importance looks at: enough to order features, few enough to cost a second."""
REPEATS = 2


def permutation_importance(classifier: Any, X: Array, y: Array, seed: int) -> tuple[float, ...]:
    """Return `shuffled_importance` of each column of X (n, d) for a classifier with `predict_proba` of arrays."""
    rows, names = sample_rows(len(X), seed), [str(column) for column in range(X.shape[1])]
    table = pd.DataFrame(X[rows], columns=names)
    found = shuffled_importance(
        lambda part: classifier.predict_proba(part.to_numpy()), table, y[rows].astype(np.int64), seed
    )
    return tuple(float(value) for value in found)


def sample_rows(n: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the positions, at most SAMPLE_ROWS of `n`, that an importance is measured on."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:SAMPLE_ROWS])


def shuffled_importance(
    predict: Callable[[pd.DataFrame], Probabilities], X: pd.DataFrame, classes: npt.NDArray[np.int64], seed: int
) -> pd.Series:
    """Return the mean rise of the log loss, in nats and never negative, as each column of X is shuffled.

    `classes` (n,) are columns of what `predict` gives. Every shuffle is predicted in one call. Equal inputs and seed
    give equal bits. On training rows it speaks of what the model uses, not of what helps on new games.
    """
    random, values, d = np.random.default_rng(seed), X.to_numpy("float64"), X.shape[1]
    blocks = np.tile(values, (d * REPEATS, 1, 1))
    for number, block in enumerate(blocks):
        block[:, number % d] = random.permutation(values[:, number % d])
    shuffled = predict(pd.DataFrame(blocks.reshape(-1, d), columns=X.columns))
    losses = [_mean_log_loss(part, classes) for part in np.split(shuffled, d * REPEATS)]
    rise = np.asarray(losses).reshape(REPEATS, d).mean(axis=0) - _mean_log_loss(predict(X), classes)
    return pd.Series(np.maximum(rise, 0.0), index=list(X.columns), name="importance")


def _mean_log_loss(p: Probabilities, classes: npt.NDArray[np.int64]) -> float:
    # some classifiers say never
    return float(-np.log(np.maximum(p[np.arange(len(classes)), classes], 1e-6)).mean())
