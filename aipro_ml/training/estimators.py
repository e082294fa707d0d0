"""The scikit-learn family's estimators by name, and what stands in where LightGBM cannot load."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from aipro_ml.errors import UsageError
from aipro_ml.training.estimator import EstimatorKind
from aipro_ml.training.linear import LinearEstimator
from aipro_ml.training.named import NamedKind, is_named
from aipro_ml.training.noise import NoiseEstimator
from aipro_ml.training.trees import HistogramEstimator, LightGbmEstimator

_LOGGER = logging.getLogger(__name__)

ESTIMATORS: Mapping[str, EstimatorKind] = {
    LinearEstimator.name: LinearEstimator,
    HistogramEstimator.name: HistogramEstimator,
    LightGbmEstimator.name: LightGbmEstimator,
    NoiseEstimator.name: NoiseEstimator,
}
"""Estimator classes by the name used in training configurations."""

_AS_HISTOGRAM = {
    "n_estimators": "max_iter",
    "learning_rate": "learning_rate",
    "num_leaves": "max_leaf_nodes",
    "max_depth": "max_depth",
    "min_child_samples": "min_samples_leaf",
    "reg_lambda": "l2_regularization",
    "colsample_bytree": "max_features",
}


def kind_of(name: str) -> EstimatorKind:
    """Return what makes the estimator called `name`, one of ESTIMATORS or a dotted name; UsageError where unknown."""
    if name in ESTIMATORS:
        return ESTIMATORS[name]
    if is_named(name):
        return NamedKind(name)
    raise UsageError(
        f"estimator {name!r}: unknown; there are: {', '.join(sorted(ESTIMATORS))}, and every classifier of "
        "scikit-learn or LightGBM by its dotted name, e.g. sklearn.ensemble.RandomForestClassifier"
    )


def usable(name: str, params: Mapping[str, Any]) -> tuple[EstimatorKind, Mapping[str, Any]]:
    """Return what makes the estimator `name`, and its parameters; UsageError where unknown.

    LightGBM takes libgomp from the system: where that is missing, HistGradientBoosting with the corresponding
    parameters stands in, and a warning says so.
    """
    kind = kind_of(name)
    if name != LightGbmEstimator.name or lightgbm_loads():
        return kind, params
    say_stand_in()
    return HistogramEstimator, {_AS_HISTOGRAM[key]: params[key] for key in _AS_HISTOGRAM if key in params}


@cache
def say_stand_in() -> None:
    """Warn, once a process and not once a fold, that LightGBM is missing."""
    _LOGGER.warning("LightGBM cannot load (install libgomp1); hist_gradient_boosting stands in")


def lightgbm_loads() -> bool:
    """Return whether LightGBM and the system library it needs are there."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError):
        return False
    return True
