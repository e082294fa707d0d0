"""Logistic regression, two-way and multinomial: the estimator to beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.training.estimator import Array, checked, load_joblib, of_classes, save_joblib


@dataclass(frozen=True)
class LinearEstimator:
    """Median imputation, standardisation and L2 logistic regression (multinomial for more than two classes)."""

    name: ClassVar[str] = "logistic_regression"
    library: ClassVar[str] = "scikit-learn"
    pipeline: Any

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None) -> Self:
        """Fit the pipeline; `params` are LogisticRegression's. A column without any value counts as 0."""
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        options = checked(cls.name, params, LogisticRegression().get_params())
        classifier = LogisticRegression(**{"max_iter": 1000, **options}, random_state=seed)
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        weights = {} if weight is None else {"logisticregression__sample_weight": weight}
        return cls(make_pipeline(imputer, StandardScaler(), classifier).fit(X, y, **weights))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the pipeline saved in `folder`."""
        return cls(load_joblib(folder))

    def save(self, folder: Path) -> None:
        """Write the pipeline with joblib."""
        save_joblib(self.pipeline, folder)

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, or all classes' (n, k)."""
        return of_classes(self.pipeline.predict_proba(X))

    def importance(self) -> Array:
        """Return the absolute coefficients on the standardised features, averaged over the classes."""
        return np.asarray(np.abs(self.pipeline[-1].coef_).mean(axis=0), dtype=np.float64)

    def contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return coef · (x - training mean) / sd and the intercept: exact for a linear model of two classes."""
        if len(self.pipeline[-1].classes_) > 2:
            return None
        standardised = self.pipeline[:-1].transform(X)
        base = np.full(len(X), float(self.pipeline[-1].intercept_[0]))
        return np.asarray(standardised * self.pipeline[-1].coef_[0], dtype=np.float64), base

    def outcome_contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return the same of each class's own coefficients and intercept; None of two classes."""
        classifier = self.pipeline[-1]
        if len(classifier.classes_) < 3:
            return None
        standardised = np.asarray(self.pipeline[:-1].transform(X), dtype=np.float64)
        return standardised[:, None, :] * classifier.coef_, np.tile(classifier.intercept_, (len(X), 1))
