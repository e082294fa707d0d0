"""The scikit-learn family's estimators by name; each fits, predicts, explains and stores itself."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, cast

import numpy as np
import numpy.typing as npt

from aipro_ml.errors import UsageError

Array = npt.NDArray[np.float64]

_LOGGER = logging.getLogger(__name__)
_OURS = {"random_state", "objective", "importance_type", "verbose", "early_stopping", "warm_start"}
_PRIOR_CHANGING = {"class_weight"}


class Estimator(Protocol):
    """A fitted binary classifier on floats (n, d), NaN for unknown; class 1 is the reference outcome."""

    name: ClassVar[str]
    library: ClassVar[str]

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int) -> Self:
        """Fit on X (n, d) and 0/1 labels y (n,); equal inputs and seed give equal bits."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the estimator saved in `folder`."""
        ...

    def save(self, folder: Path) -> None:
        """Write the estimator into the existing `folder`."""
        ...

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, shape (n,)."""
        ...

    def importance(self) -> Array:
        """Return a non-negative importance of each feature, shape (d,)."""
        ...

    def contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return log-odds contributions (n, d) and base (n,), or None where there is no exact form."""
        ...


@dataclass(frozen=True)
class LinearEstimator:
    """Median imputation, standardisation and L2 logistic regression."""

    name: ClassVar[str] = "logistic_regression"
    library: ClassVar[str] = "scikit-learn"
    pipeline: Any

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int) -> Self:
        """Fit the pipeline; `params` are LogisticRegression's. A column without any value counts as 0."""
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        options = checked(cls.name, params, LogisticRegression().get_params())
        classifier = LogisticRegression(**{"max_iter": 1000, **options}, random_state=seed)
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        return cls(make_pipeline(imputer, StandardScaler(), classifier).fit(X, y))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the pipeline saved in `folder`."""
        return cls(_load_joblib(folder))

    def save(self, folder: Path) -> None:
        """Write the pipeline with joblib."""
        _save_joblib(self.pipeline, folder)

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row."""
        return np.asarray(self.pipeline.predict_proba(X)[:, 1], dtype=np.float64)

    def importance(self) -> Array:
        """Return the absolute coefficients on the standardised features."""
        return np.asarray(np.abs(self.pipeline[-1].coef_[0]), dtype=np.float64)

    def contributions(self, X: Array) -> tuple[Array, Array]:
        """Return coef · (x - training mean) / sd and the intercept: exact for a linear model."""
        standardised = self.pipeline[:-1].transform(X)
        base = np.full(len(X), float(self.pipeline[-1].intercept_[0]))
        return np.asarray(standardised * self.pipeline[-1].coef_[0], dtype=np.float64), base


@dataclass(frozen=True)
class HistogramEstimator:
    """HistGradientBoosting; its importance is the log loss lost by permuting a column of a fixed sample."""

    name: ClassVar[str] = "hist_gradient_boosting"
    library: ClassVar[str] = "scikit-learn"
    classifier: Any
    permuted: tuple[float, ...]

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int) -> Self:
        """Fit the classifier; `params` are HistGradientBoostingClassifier's. No early stopping."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        options = checked(cls.name, params, HistGradientBoostingClassifier().get_params())
        classifier = HistGradientBoostingClassifier(**options, early_stopping=False, random_state=seed)
        # its binning fails on a column without any value; a constant one is never split on
        X = np.where(np.isnan(X).all(axis=0), 0.0, X)
        with _one_thread():
            classifier.fit(X, y)
            return cls(classifier, _permutation_importance(classifier, X, y, seed))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the classifier saved in `folder`."""
        return cls(*_load_joblib(folder))

    def save(self, folder: Path) -> None:
        """Write classifier and importance with joblib."""
        _save_joblib((self.classifier, self.permuted), folder)

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row."""
        with _one_thread():
            return np.asarray(self.classifier.predict_proba(X)[:, 1], dtype=np.float64)

    def importance(self) -> Array:
        """Return the permutation importance taken at fit time, never negative."""
        return np.asarray(self.permuted, dtype=np.float64)

    def contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: the library has no contributions of its own; shap's TreeExplainer is exact for it."""
        return


@dataclass(frozen=True)
class LightGbmEstimator:
    """LightGBM's native booster, deterministic; contributions are its own (exact TreeSHAP)."""

    name: ClassVar[str] = "lightgbm"
    library: ClassVar[str] = "lightgbm"
    booster: Any

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int) -> Self:
        """Fit the booster; `params` are LGBMClassifier's (`n_jobs`, default 1, is the number of threads)."""
        import lightgbm

        options = {"n_jobs": 1, **checked(cls.name, params, lightgbm.LGBMClassifier().get_params())}
        rounds = int(options.pop("n_estimators", 100))
        fixed = {
            "objective": "binary",
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
        }
        return cls(lightgbm.train({**options, **fixed}, lightgbm.Dataset(X, label=y), rounds))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the booster saved in `folder`."""
        import lightgbm

        return cls(lightgbm.Booster(model_str=(folder / "booster.txt").read_text(encoding="utf-8")))

    def save(self, folder: Path) -> None:
        """Write the booster in LightGBM's own text format."""
        (folder / "booster.txt").write_text(self.booster.model_to_string(), encoding="utf-8")

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row."""
        return np.asarray(self.booster.predict(X), dtype=np.float64)

    def importance(self) -> Array:
        """Return the total gain of each feature's splits."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def contributions(self, X: Array) -> tuple[Array, Array]:
        """Return LightGBM's own contributions and its expected value."""
        found = np.asarray(self.booster.predict(X, pred_contrib=True), dtype=np.float64)
        return found[:, :-1], found[:, -1]


ESTIMATORS: Mapping[str, type[Estimator]] = {
    kind.name: kind for kind in (LinearEstimator, HistogramEstimator, LightGbmEstimator)
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


def usable(name: str, params: Mapping[str, Any]) -> tuple[type[Estimator], Mapping[str, Any]]:
    """Return estimator class and parameters for `name`; UsageError where unknown.

    LightGBM takes libgomp from the system: where that is missing, HistGradientBoosting with the corresponding
    parameters stands in, and a warning says so.
    """
    if name not in ESTIMATORS:
        raise UsageError(f"estimator {name!r}: unknown; there are: {', '.join(sorted(ESTIMATORS))}")
    if name != LightGbmEstimator.name or lightgbm_loads():
        return ESTIMATORS[name], params
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


def checked(estimator: str, params: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params`, each one that a configuration of `estimator` may set; else UsageError."""
    for name in params:
        if name in _PRIOR_CHANGING:
            raise UsageError(f"{estimator}: {name} changes the prior and breaks calibration; leave it out")
        if name in _OURS or name not in known:
            raise UsageError(
                f"{estimator}: parameter {name!r} cannot be set; there are: "
                f"{', '.join(sorted(known.keys() - _OURS - _PRIOR_CHANGING))}"
            )
    return dict(params)


def _one_thread() -> AbstractContextManager[Any]:
    """Keep scikit-learn's OpenMP to one thread: on a few thousand games a team costs more than it brings."""
    from threadpoolctl import threadpool_limits

    return cast(AbstractContextManager[Any], threadpool_limits(1, "openmp"))


def _permutation_importance(classifier: Any, X: Array, y: Array, seed: int) -> tuple[float, ...]:
    from sklearn.inspection import permutation_importance

    rows = np.random.default_rng(seed).permutation(len(X))[:300]
    found = permutation_importance(
        classifier, X[rows], y[rows], scoring=_mean_log_likelihood, n_repeats=2, random_state=seed
    )
    return tuple(float(value) for value in np.maximum(found.importances_mean, 0.0))


def _mean_log_likelihood(classifier: Any, X: Array, y: Array) -> float:
    # scikit-learn's own scorer fails where the sample holds one class only
    p = classifier.predict_proba(X)[:, 1]
    return float(np.mean(np.log(np.where(y == 1, p, 1 - p))))


def _save_joblib(value: Any, folder: Path) -> None:
    import joblib

    joblib.dump(value, folder / "estimator.joblib")


def _load_joblib(folder: Path) -> Any:
    import joblib

    return joblib.load(folder / "estimator.joblib")
