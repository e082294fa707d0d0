"""What a training configuration may say about AutoGluon, and the strongly regularised models it fits by default."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aipro_ml.errors import UsageError

ENSEMBLE = "ensemble"
"""The estimator that weighs all its models by their forward-only out-of-fold log loss."""

SINGLE: Mapping[str, str] = {"gbm": "GBM", "xgb": "XGB", "cat": "CAT", "linear": "LR"}
"""Estimators of one model alone, by AutoGluon's key of it."""

MODELS: Mapping[str, Mapping[str, Any]] = {
    "GBM": {
        "num_boost_round": 150,
        "learning_rate": 0.03,
        "num_leaves": 4,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 20.0,
        "deterministic": True,
        "force_row_wise": True,
    },
    "XGB": {
        "n_estimators": 150,
        "learning_rate": 0.03,
        "max_depth": 2,
        "min_child_weight": 25,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "reg_lambda": 20.0,
    },
    "CAT": {"iterations": 200, "learning_rate": 0.03, "depth": 3, "l2_leaf_reg": 30.0},
    "LR": {"C": 0.003},
    "RF": {"n_estimators": 200, "min_samples_leaf": 40},
    "XT": {"n_estimators": 200, "min_samples_leaf": 40},
}
"""Our parameters of each of AutoGluon's models: small and strongly regularised (methods §8)."""

DEFAULT = ("GBM", "XGB", "CAT", "LR")

_FURTHER: Mapping[str, tuple[str, ...]] = {
    "GBM": ("max_depth", "max_bin", "lambda_l1", "min_gain_to_split", "extra_trees", "path_smooth"),
    "XGB": ("gamma", "reg_alpha", "max_leaves", "max_bin", "grow_policy", "colsample_bylevel", "colsample_bynode"),
    "CAT": ("rsm", "random_strength", "bagging_temperature", "min_data_in_leaf", "border_count", "grow_policy"),
    "LR": ("max_iter", "tol", "fit_intercept"),
    "RF": ("max_features", "max_depth", "max_leaf_nodes", "criterion"),
    "XT": ("max_features", "max_depth", "max_leaf_nodes", "criterion"),
}
"""What else a configuration may set: the libraries themselves ignore a misspelt name without a word."""

_FIXED: Mapping[str, Mapping[str, Any]] = {
    "LR": {"proc.skew_threshold": None, "n_jobs": None},  # its quantile transform draws rows without our seed
}
_TREES_TO_STOP = ("GBM", "XGB", "CAT")
_PRIOR_CHANGING = {"class_weight", "class_weights", "auto_class_weights", "scale_pos_weight", "is_unbalance"}
_KNOWN = ("models", "inner_folds", "fold_fitting", "num_cpus", "time_limit")


class FoldFitting(StrEnum):
    """Where the models of the inner folds are fitted: in this process, or as tasks of a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True)
class AutoGluonSettings:
    """Checked parameters: AutoGluon's `hyperparameters`, inner folds and where they are fitted, threads, and seconds.

    `time_limit` None: no limit.
    """

    hyperparameters: Mapping[str, Any]
    weighted: bool
    inner_folds: int = 3
    fold_fitting: FoldFitting = FoldFitting.LOCAL
    num_cpus: int = 1
    time_limit: float | None = None


def autogluon_settings(estimator: str, params: Mapping[str, Any]) -> AutoGluonSettings:
    """Return the settings of a configuration; UsageError names what is unknown or would change the prior.

    `params`: `models` maps AutoGluon's model keys to parameters put over ours (estimator `ensemble`; a single model
    takes its parameters directly beside the others), `inner_folds` (≥ 2), `fold_fitting` (`local` or `ray`),
    `num_cpus`, `time_limit` in seconds.
    """
    if estimator != ENSEMBLE and estimator not in SINGLE:
        raise UsageError(f"autogluon has no estimator {estimator!r}; there are: {', '.join((ENSEMBLE, *SINGLE))}")
    given = dict(params)
    options = {name: given.pop(name) for name in _KNOWN if name in given}
    models = options.pop("models", None)
    if estimator in SINGLE:
        _refuse_in(estimator, {} if models is None else {"models": models})
        chosen: Mapping[str, Mapping[str, Any]] = {SINGLE[estimator]: given}
    else:
        _refuse_in(estimator, given)
        chosen = {key: {} for key in DEFAULT} if models is None else _model_parameters(models)
    return AutoGluonSettings(
        hyperparameters={key: _complete(key, changes) for key, changes in chosen.items()},
        weighted=len(chosen) > 1,
        inner_folds=_whole("inner_folds", options, AutoGluonSettings.inner_folds, 2),
        fold_fitting=_fold_fitting(options.get("fold_fitting", FoldFitting.LOCAL)),
        num_cpus=_whole("num_cpus", options, AutoGluonSettings.num_cpus, 1),
        time_limit=_seconds(options.get("time_limit")),
    )


def unrepeatable(settings: AutoGluonSettings) -> str | None:
    """Return why two fits with these settings may differ, or None where they are equal to the bit."""
    if settings.time_limit is not None:
        return f"AutoGluon stops fitting after {settings.time_limit:g} s: what is fitted by then depends on the machine"
    if settings.num_cpus > 1:
        return f"sums over {settings.num_cpus} threads come in any order, which may change the last bit"
    return None


def _complete(key: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    known = {*MODELS[key], *_FURTHER[key], *(("ag.early_stop",) if key in _TREES_TO_STOP else ())}
    for name in changes:
        if name in _PRIOR_CHANGING:
            raise UsageError(f"autogluon {key}: {name} changes the prior and breaks calibration; leave it out")
        if name not in known:
            raise UsageError(
                f"autogluon {key}: parameter {name!r} cannot be set; there are: {', '.join(sorted(known))}"
            )
    whole = {**MODELS[key], **_FIXED.get(key, {}), **changes}
    # a fixed number of small trees: stopping early on one season's games chooses by chance
    return {"ag.early_stop": None, **whole} if key in _TREES_TO_STOP else whole


def _model_parameters(models: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(models, Mapping) or not models:
        raise UsageError(
            "autogluon: `models` maps model keys to their parameters, for example {GBM: {}, LR: {C: 0.01}}"
        )
    found = {}
    for key, changes in models.items():
        if key not in MODELS:
            raise UsageError(f"autogluon has no model {key!r} here; there are: {', '.join(sorted(MODELS))}")
        if changes is not None and not isinstance(changes, Mapping):
            raise UsageError(f"autogluon {key}: parameters are a mapping, not {changes!r}")
        found[str(key)] = changes or {}
    return found


def _refuse_in(estimator: str, unknown: Mapping[str, Any]) -> None:
    for name in unknown:
        raise UsageError(f"autogluon {estimator}: parameter {name!r} cannot be set; there are: {', '.join(_KNOWN)}")


def _whole(name: str, options: Mapping[str, Any], default: int, least: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"autogluon: {name} is a whole number from {least} on, not {value!r}")
    return value


def _fold_fitting(value: Any) -> FoldFitting:
    if value not in list(FoldFitting):
        raise UsageError(f"autogluon: fold_fitting is {' or '.join(FoldFitting)}, not {value!r}")
    return FoldFitting(value)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise UsageError(f"autogluon: time_limit is a number of seconds above 0, not {value!r}")
    return float(value)
