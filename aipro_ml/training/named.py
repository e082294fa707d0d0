"""Any classifier of scikit-learn or LightGBM by its dotted name, made safe for games."""

import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from aipro_ml.errors import UsageError
from aipro_ml.training.estimator import Array, checked, load_joblib, of_classes, save_joblib
from aipro_ml.training.importance import permutation_importance

_LOGGER = logging.getLogger(__name__)

LIBRARIES: Mapping[str, str] = {"sklearn": "scikit-learn", "lightgbm": "lightgbm"}
"""Distributions by the first word of the dotted names that a configuration may use."""

_QUIET: Mapping[str, Mapping[str, Any]] = {
    "lightgbm": {"verbosity": -1, "deterministic": True, "force_row_wise": True},
}
_OPTIONS: Mapping[str, tuple[Any, ...]] = {"impute": ("median", "mean", "none"), "scale": (True, False)}


@dataclass(frozen=True)
class NamedEstimator:
    """A fitted pipeline of the classifier called `name`; its probabilities stay away from 0 and 1.

    No probability is below 1 / (rows + 2): a leaf or a neighbourhood without a loss has not seen more.
    """

    name: str
    pipeline: Any
    importances: tuple[float, ...]
    rows: int

    @property
    def library(self) -> str:
        """Return the distribution the classifier comes from."""
        return LIBRARIES[self.name.partition(".")[0]]

    def save(self, folder: Path) -> None:
        """Write pipeline and importance with joblib."""
        save_joblib((self.pipeline, self.importances, self.rows), folder)

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, or all classes' (n, k)."""
        with _one_thread():
            return of_classes(_uncertain(self.pipeline.predict_proba(X), self.rows))

    def importance(self) -> Array:
        """Return the classifier's own importance, else that of permuting each column of a fixed sample."""
        return np.asarray(self.importances, dtype=np.float64)

    def contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: an unknown classifier has no exact form; shap's permutation explainer takes any."""
        return

    def outcome_contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None, likewise."""
        return


@dataclass(frozen=True)
class NamedKind:
    """Fits and loads the classifier with the dotted `name`, e.g. `sklearn.ensemble.RandomForestClassifier`."""

    name: str

    def fit(
        self, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None
    ) -> NamedEstimator:
        """Fit the classifier; `params` are its constructor's, and `impute` and `scale` for what goes before it.

        Where it takes no unknown values, `impute` (median) and `scale` (true) stand before it unless set
        otherwise. UsageError where it cannot give probabilities, or cannot weigh rows that have weights.
        """
        before, options = _split(self.name, params)
        classifier = _classifier(self.name, options, seed)
        pipeline = _pipeline(self.name, classifier, before)
        weights = (
            {} if weight is None else {f"{pipeline.steps[-1][0]}__sample_weight": _weighable(self, classifier, weight)}
        )
        with _one_thread(), _told_once(self.name):
            try:
                pipeline.fit(X, y, **weights)
            except (TypeError, ValueError) as error:  # scikit-learn checks values of parameters here
                raise UsageError(f"estimator {self.name}: {error}") from error
            if not hasattr(pipeline, "predict_proba"):
                raise UsageError(f"estimator {self.name}: it gives no probabilities with these parameters")
            return NamedEstimator(self.name, pipeline, _importance(pipeline, X, y, seed), len(y))

    def load(self, folder: Path) -> NamedEstimator:
        """Return the estimator saved in `folder`."""
        return NamedEstimator(self.name, *load_joblib(folder))


def is_named(name: str) -> bool:
    """Return whether `name` is a dotted name within one of LIBRARIES."""
    return "." in name and name.partition(".")[0] in LIBRARIES


def why_unrepeatable(params: Mapping[str, Any]) -> str | None:
    """Return why two fits with one seed may differ in the last bit; None where they cannot."""
    if params.get("n_jobs", 1) in (1, None):
        return None
    return f"n_jobs is {params['n_jobs']}: threads add in the order in which they end"


def _split(name: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what stands before the classifier (`impute`, `scale`) and the classifier's own parameters."""
    before = {key: value for key, value in params.items() if key in _OPTIONS}
    for key, value in before.items():
        if value not in _OPTIONS[key]:
            raise UsageError(f"estimator {name}: {key} is {value!r}; it may be {', '.join(map(str, _OPTIONS[key]))}")
    return before, {key: value for key, value in params.items() if key not in _OPTIONS}


def _classifier(name: str, options: Mapping[str, Any], seed: int) -> Any:
    """Return the unfitted classifier: one thread and our seed where it has such parameters."""
    kind = _class(name)
    known = dict.fromkeys(inspect.signature(kind).parameters)
    set_by_us = {each: value for each, value in (("random_state", seed), ("n_jobs", 1)) if each in known}
    fixed = {**set_by_us, **_QUIET.get(name.partition(".")[0], {})}
    try:
        return kind(**{**fixed, **checked(name, options, known)})
    except TypeError as error:  # a required argument that YAML cannot name, such as a list of estimators
        raise UsageError(f"estimator {name}: {error}") from error


def _class(name: str) -> Any:
    module, _, last = name.rpartition(".")
    if not is_named(name) or any(part.startswith("_") for part in name.split(".")):
        raise UsageError(f"estimator {name!r}: only public classes of {', '.join(LIBRARIES)} can be named")
    try:
        found = getattr(import_module(module), last)
    except (ImportError, OSError, AttributeError) as error:
        raise UsageError(f"estimator {name!r}: not found ({error})") from error
    from sklearn.base import ClassifierMixin

    if not inspect.isclass(found) or not issubclass(found, ClassifierMixin):
        raise UsageError(f"estimator {name!r}: no classifier; probabilities of outcomes are needed")
    if not hasattr(found, "predict_proba"):
        raise UsageError(f"estimator {name!r}: it gives no probabilities (it has no predict_proba)")
    return found


def _pipeline(name: str, classifier: Any, before: Mapping[str, Any]) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import get_tags

    takes_unknown = bool(get_tags(classifier).input_tags.allow_nan)
    impute = before.get("impute", "none" if takes_unknown else "median")
    if impute == "none" and not takes_unknown:
        raise UsageError(f"estimator {name}: it takes no unknown values; set impute to median or mean")
    imputer = KnownColumns() if impute == "none" else SimpleImputer(strategy=impute, keep_empty_features=True)
    scaler = [StandardScaler()] if before.get("scale", not takes_unknown) else []
    return make_pipeline(imputer, *scaler, classifier)


class KnownColumns:
    """Makes a column that was never known in training zeros: binning fails on it, a constant is never split on."""

    def fit(self, X: Array, y: Array | None = None) -> "KnownColumns":  # noqa: ARG002 - scikit-learn's signature
        """Note which columns have no value at all."""
        self.never_ = np.isnan(X).all(axis=0)
        return self

    def transform(self, X: Array) -> Array:
        """Return X with those columns as zeros."""
        return np.where(self.never_, 0.0, X)

    def __sklearn_tags__(self) -> Any:
        from sklearn.base import BaseEstimator

        return BaseEstimator().__sklearn_tags__()


def _weighable(kind: NamedKind, classifier: Any, weight: Array) -> Array:
    from sklearn.utils.validation import has_fit_parameter

    if not has_fit_parameter(classifier, "sample_weight"):
        raise UsageError(
            f"estimator {kind.name}: it cannot weigh rows, and half-decided quarter lines count half in this market"
        )
    return weight


def _importance(pipeline: Any, X: Array, y: Array, seed: int) -> tuple[float, ...]:
    classifier = pipeline[-1]
    own = getattr(classifier, "feature_importances_", None)
    if own is None and isinstance(getattr(classifier, "coef_", None), np.ndarray):
        own = np.abs(classifier.coef_).mean(axis=0)
    if own is None:
        return permutation_importance(pipeline, X, y, seed)
    return tuple(float(value) for value in np.ravel(own))


def _uncertain(p: Array, rows: int) -> Array:
    kept = np.clip(np.asarray(p, dtype=np.float64), 1 / (rows + 2), None)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True), dtype=np.float64)


@contextmanager
def _one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@contextmanager
def _told_once(name: str) -> Iterator[None]:
    """Log what the library warns of, each sentence once a process and not once a fold."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in sorted({str(each.message).strip().splitlines()[0] for each in caught}):
        _tell(name, text)


@cache
def _tell(name: str, text: str) -> None:
    _LOGGER.warning("%s: %s", name, text)
