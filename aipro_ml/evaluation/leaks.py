"""Structural signs of a leak: features named after outcomes, and single features that know too much."""

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml import metrics

_OUTCOME_WORDS = frozenset(
    {"actual", "final", "graded", "label", "loser", "outcome", "profit", "result", "results"}
    | {"score", "scores", "settled", "target", "winner", "won", "y"}
)
"""Words of a name that speak of what happened in the game itself."""

_MINIMUM_ROWS = 200


def outcome_named(names: Iterable[str]) -> list[str]:
    """Return the features whose names speak of the outcome they should predict (`home_score`, `result`)."""
    return [name for name in names if _OUTCOME_WORDS & set(re.split(r"[^a-z]+", name.lower()))]


def feature_aucs(
    features: pd.DataFrame, y: npt.NDArray[np.float64], weights: npt.NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Return the AUC of each feature as a score of y (n,) over the rows where it is known, at least 200."""
    aucs = {}
    for name in features.columns:
        values = features[name].to_numpy("float64")
        known = np.isfinite(values)
        if known.sum() < _MINIMUM_ROWS:
            continue
        # ranks are a score's order, squeezed into [0, 1] as metrics.auc asks
        ranks = pd.Series(values[known]).rank(pct=True).to_numpy("float64")
        auc = metrics.auc(ranks, y[known], None if weights is None else weights[known])
        if np.isfinite(auc):
            aucs[str(name)] = auc
    return aucs
