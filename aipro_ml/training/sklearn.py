"""The scikit-learn framework: its trainer and its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import ArtifactError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.arrays import model_columns, outcome_classes, row_weights
from aipro_ml.training.base import OutcomeContributions, Probabilities
from aipro_ml.training.estimator import Estimator
from aipro_ml.training.estimators import kind_of, usable
from aipro_ml.training.header import ModelHeader, read_header, write_header
from aipro_ml.training.named import is_named, why_unrepeatable


@dataclass(frozen=True)
class SklearnModel:
    """A fitted estimator with the names it goes by: `outcomes` (k = 2 or 3) and `feature_names`."""

    outcomes: tuple[Selection, ...]
    feature_names: tuple[str, ...]
    estimator: Estimator

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) for rows of X; columns are matched by name, in any order."""
        if not len(X):
            return np.empty((0, len(self.outcomes)))
        p = self.estimator.probability(self._array(X))
        return p if p.ndim == 2 else np.column_stack([p, 1 - p])

    def feature_importance(self) -> pd.Series:
        """Return a non-negative importance for every feature name."""
        return pd.Series(self.estimator.importance(), index=list(self.feature_names), name="importance")

    def contributions(self, X: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float64]] | None:
        """Return exact log-odds contributions of outcome 0 and the base a row, or None."""
        found = self.estimator.contributions(self._array(X))
        if found is None:
            return None
        return pd.DataFrame(found[0], index=X.index, columns=list(self.feature_names)), found[1]

    def outcome_contributions(self, X: pd.DataFrame) -> OutcomeContributions | None:
        """Return the estimator's own contributions to each of three outcomes or more, or None."""
        return self.estimator.outcome_contributions(self._array(X))

    def save(self, path: Path) -> None:
        """Write the model into the folder `path` (created if absent)."""
        kind = self.estimator
        write_header(
            path, ModelHeader(Framework.SKLEARN, kind.name, kind.library, self.outcomes, self.feature_names, {})
        )
        self.estimator.save(path)

    def _array(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        # one memory layout whatever the frame's: BLAS sums rows and columns in another order, and the last bit differs
        return np.asfortranarray(model_columns(X, self.feature_names).to_numpy("float64"))


@dataclass(frozen=True)
class SklearnTrainer:
    """Fits and loads scikit-learn's and LightGBM's estimators; `name` is the estimator to fit."""

    framework: ClassVar[Framework] = Framework.SKLEARN
    name: str = ""

    def fit(
        self, matrix: FeatureMatrix, outcomes: tuple[Selection, ...], params: Mapping[str, Any], seed: int
    ) -> SklearnModel:
        """Fit on every row of `matrix`; UsageError where rows, labels or parameters do not allow it."""
        kind, options = usable(self.name, params)
        columns = outcome_classes(matrix, outcomes)
        y = (1 - columns if len(outcomes) == 2 else columns).astype("float64")
        fitted = kind.fit(matrix.X.to_numpy("float64"), y, options, seed, row_weights(matrix))
        return SklearnModel(outcomes, matrix.feature_names, fitted)

    def repeatable(self, params: Mapping[str, Any]) -> str | None:
        """Return None, one seed gives equal bits, save for a named classifier on several threads."""
        return why_unrepeatable(params) if is_named(self.name) else None

    def load(self, path: Path) -> SklearnModel:
        """Return the model in folder `path`; ArtifactError where missing, damaged or of another version."""
        header = read_header(path)
        try:
            estimator = kind_of(header.estimator).load(path)
        except Exception as error:  # what unpickling a damaged file raises is open
            raise ArtifactError(f"{path}: damaged model ({error}); train it again") from error
        return SklearnModel(header.outcomes, header.feature_names, estimator)
