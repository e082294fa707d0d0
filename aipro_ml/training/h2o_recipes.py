"""What H2O can fit: an algorithm with its parameters, and the numbers a validation on later games gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from aipro_ml.errors import UsageError

_TREES = {
    "ntrees",
    "max_depth",
    "min_rows",
    "sample_rate",
    "col_sample_rate_per_tree",
    "min_split_improvement",
    "stopping_rounds",
    "stopping_tolerance",
    "score_tree_interval",
}
_HISTOGRAMS = {"nbins", "nbins_top_level", "histogram_type", "col_sample_rate_change_per_level"}

PARAMETERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "glm": frozenset(
            {
                *("alpha", "lambda", "lambda_search", "nlambdas", "lambda_min_ratio", "standardize", "solver"),
                *("max_iterations", "remove_collinear_columns", "non_negative"),
            }
        ),
        "gbm": frozenset(
            {*_TREES, *_HISTOGRAMS, "learn_rate", "learn_rate_annealing", "col_sample_rate", "max_abs_leafnode_pred"}
        ),
        "drf": frozenset({*_TREES, *_HISTOGRAMS, "mtries", "binomial_double_trees"}),
        "xgboost": frozenset(
            {
                *_TREES,
                *("learn_rate", "col_sample_rate", "colsample_bynode", "max_delta_step", "max_bins", "max_leaves"),
                *("tree_method", "grow_policy", "booster", "reg_lambda", "reg_alpha", "max_abs_leafnode_pred"),
            }
        ),
    }
)
"""The parameters a configuration may set, by algorithm; class balancing, clocks and cross-validation are no part."""

_SMALL_TREES = {
    "ntrees": 150,
    "max_depth": 2,
    "learn_rate": 0.03,
    "min_rows": 100,
    "sample_rate": 0.8,
    "col_sample_rate": 0.5,
}

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "glm": {"alpha": 0.0, "lambda_search": True},
        "gbm": _SMALL_TREES,
        "xgboost": {**_SMALL_TREES, "reg_lambda": 20.0},
        "drf": {"ntrees": 100, "max_depth": 5, "min_rows": 50},
    }
)
"""What stands where the configuration says nothing: strong regularisation beats model class (methods §8)."""

_CLASSES = {
    "glm": "H2OGeneralizedLinearEstimator",
    "gbm": "H2OGradientBoostingEstimator",
    "drf": "H2ORandomForestEstimator",
    "xgboost": "H2OXGBoostEstimator",
}
_REFUSED = {
    "balance_classes": "changes the prior and breaks calibration",
    "class_sampling_factors": "changes the prior and breaks calibration",
    "scale_pos_weight": "changes the prior and breaks calibration",
    "max_runtime_secs": "a model cut by the clock is neither repeatable nor what its figures say",
    "max_runtime_secs_per_model": "a model cut by the clock is neither repeatable nor what its figures say",
    "nfolds": "random cross-validation mixes later games into the training of earlier ones",
    "fold_column": "H2O trains on later folds too; the platform's own forward folds are used",
}


@dataclass(frozen=True)
class Recipe:
    """An algorithm and its parameters in H2O's words; `name` tells it from the others of a choice."""

    name: str
    algorithm: str
    params: Mapping[str, Any]

    @property
    def unsettled(self) -> bool:
        """Return whether a validation has still to give numbers: a penalty searched, trees stopped early."""
        searches = self.algorithm == "glm" and bool(self.params.get("lambda_search")) and "lambda" not in self.params
        return searches or bool(self.params.get("stopping_rounds"))


def recipe(algorithm: str, params: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a configured single algorithm; UsageError where a parameter cannot be set."""
    refuse_unknown(algorithm, params, PARAMETERS[algorithm])
    defaults = dict(DEFAULTS[algorithm])
    if "lambda" in params:
        del defaults["lambda_search"]
    return Recipe(algorithm, algorithm, {**defaults, **params})


def refuse_unknown(what: str, params: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise UsageError for the first parameter of `params` that is not `known`, with the reason where there is one."""
    for name in params:
        if name in _REFUSED:
            raise UsageError(f"h2o {what}: {name}: {_REFUSED[name]}; leave it out")
        if name not in known:
            raise UsageError(f"h2o {what}: parameter {name!r} cannot be set; there are: {', '.join(sorted(known))}")


def estimator(of: Recipe, seed: int, *, classes: int, weighted: bool, key: str) -> Any:
    """Return H2O's unfitted estimator of a recipe; `key` names the model in the cluster."""
    import h2o.estimators as library

    _refuse_absent(of.algorithm, library)
    params = {**of.params, "seed": seed, "model_id": key}
    if "lambda" in params:
        params["Lambda"] = params.pop("lambda")
    if of.algorithm == "glm":
        params["family"] = "binomial" if classes == 2 else "multinomial"
    if weighted:
        params["weights_column"] = "weight"
    return getattr(library, _CLASSES[of.algorithm])(**params)


def settled(of: Recipe, model: Any) -> Recipe:
    """Return the recipe with the numbers a validated fit found, so that a fit without validation repeats it."""
    if of.algorithm == "glm":
        found = model._model_json["output"]  # the client has no other way to them
        kept = {name: value for name, value in of.params.items() if name not in {"lambda_search", "nlambdas"}}
        return replace(of, params={**kept, "alpha": found["alpha_best"], "lambda": found["lambda_best"]})
    kept = {name: value for name, value in of.params.items() if not name.startswith("stopping_")}
    return replace(of, params={**kept, "ntrees": model.actual_params["ntrees"]})


def recipe_of(name: str, model: Any) -> Recipe:
    """Return the recipe that repeats a model H2O chose itself."""
    actual = model.actual_params
    chosen = {key: actual[key] for key in sorted(PARAMETERS[model.algo] - {"lambda", "alpha"}) if key in actual}
    return settled(Recipe(name, model.algo, {key: value for key, value in chosen.items() if value is not None}), model)


def _refuse_absent(algorithm: str, library: Any) -> None:
    if algorithm == "xgboost" and not library.H2OXGBoostEstimator.available():
        raise UsageError("h2o xgboost: not part of H2O on this platform; use gbm")
