"""Boosted trees: scikit-learn's histograms and LightGBM, each two-way and multiclass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.training.estimator import Array, checked, load_joblib, of_classes, one_openmp_thread, save_joblib
from aipro_ml.training.importance import permutation_importance


@dataclass(frozen=True)
class HistogramEstimator:
    """HistGradientBoosting; its importance is the log loss lost by permuting a column of a fixed sample."""

    name: ClassVar[str] = "hist_gradient_boosting"
    library: ClassVar[str] = "scikit-learn"
    classifier: Any
    permuted: tuple[float, ...]

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None) -> Self:
        """Fit the classifier; `params` are HistGradientBoostingClassifier's. No early stopping."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        options = checked(cls.name, params, HistGradientBoostingClassifier().get_params())
        classifier = HistGradientBoostingClassifier(**options, early_stopping=False, random_state=seed)
        # its binning fails on a column without any value; a constant one is never split on
        X = np.where(np.isnan(X).all(axis=0), 0.0, X)
        with one_openmp_thread():
            classifier.fit(X, y, sample_weight=weight)
            return cls(classifier, permutation_importance(classifier, X, y, seed))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the classifier saved in `folder`."""
        return cls(*load_joblib(folder))

    def save(self, folder: Path) -> None:
        """Write classifier and importance with joblib."""
        save_joblib((self.classifier, self.permuted), folder)

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, or all classes' (n, k)."""
        with one_openmp_thread():
            return of_classes(self.classifier.predict_proba(X))

    def importance(self) -> Array:
        """Return the permutation importance taken at fit time, never negative."""
        return np.asarray(self.permuted, dtype=np.float64)

    def contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: the library has no contributions of its own; shap's TreeExplainer is exact for it."""
        return

    def outcome_contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None, likewise."""
        return


@dataclass(frozen=True)
class LightGbmEstimator:
    """LightGBM's native booster, deterministic; contributions are its own (exact TreeSHAP)."""

    name: ClassVar[str] = "lightgbm"
    library: ClassVar[str] = "lightgbm"
    booster: Any

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None) -> Self:
        """Fit the booster; `params` are LGBMClassifier's (`n_jobs`, default 1, is the number of threads)."""
        import lightgbm

        options = {"n_jobs": 1, **checked(cls.name, params, lightgbm.LGBMClassifier().get_params())}
        rounds = int(options.pop("n_estimators", 100))
        classes = int(y.max()) + 1
        kind = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
        fixed = {
            **kind,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
        }
        return cls(lightgbm.train({**options, **fixed}, lightgbm.Dataset(X, label=y, weight=weight), rounds))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the booster saved in `folder`."""
        import lightgbm

        return cls(lightgbm.Booster(model_str=(folder / "booster.txt").read_text(encoding="utf-8")))

    def save(self, folder: Path) -> None:
        """Write the booster in LightGBM's own text format."""
        (folder / "booster.txt").write_text(self.booster.model_to_string(), encoding="utf-8")

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, or all classes' (n, k)."""
        return np.asarray(self.booster.predict(X), dtype=np.float64)

    def importance(self) -> Array:
        """Return the total gain of each feature's splits."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return LightGBM's own contributions and its expected value; None for more than two classes."""
        if self.booster.num_model_per_iteration() > 1:
            return None
        found = np.asarray(self.booster.predict(X, pred_contrib=True), dtype=np.float64)
        return found[:, :-1], found[:, -1]

    def outcome_contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return LightGBM's own contributions to each class's score; None of two classes."""
        k = self.booster.num_model_per_iteration()
        if k < 3:
            return None
        found = np.asarray(self.booster.predict(X, pred_contrib=True), dtype=np.float64).reshape(len(X), k, -1)
        return found[:, :, :-1], found[:, :, -1]
