"""The scikit-learn framework: its trainer, its model and the header that guards what is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns
from aipro_ml.training.base import HEADER, Probabilities
from aipro_ml.training.estimator import Estimator
from aipro_ml.training.estimators import ESTIMATORS, usable


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

    def save(self, path: Path) -> None:
        """Write the model into the folder `path` (created if absent)."""
        path.mkdir(parents=True, exist_ok=True)
        header = {
            "framework": str(Framework.SKLEARN),
            "estimator": self.estimator.name,
            "library": self.estimator.library,
            "library_version": version(self.estimator.library),
            "outcomes": list(self.outcomes),
            "feature_names": list(self.feature_names),
        }
        (path / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
        self.estimator.save(path)

    def _array(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        missing = [name for name in self.feature_names if name not in X.columns]
        if missing:
            raise UsageError(
                f"features {', '.join(missing)}: the model needs them and the rows lack them; "
                "build the features with the model's feature set"
            )
        return np.asarray(X[list(self.feature_names)].to_numpy("float64"), dtype=np.float64)


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
        X, y = matrix.X.to_numpy("float64"), _labels(matrix, outcomes)
        weight = None if matrix.weight is None else matrix.weight.to_numpy("float64")
        return SklearnModel(outcomes, matrix.feature_names, kind.fit(X, y, options, seed, weight))

    def load(self, path: Path) -> SklearnModel:
        """Return the model in folder `path`; ArtifactError where missing, damaged or of another version."""
        header = _header(path)
        try:
            estimator = ESTIMATORS[header["estimator"]].load(path)
            outcomes = tuple(Selection(name) for name in header["outcomes"])
            return SklearnModel(outcomes, tuple(header["feature_names"]), estimator)
        except Exception as error:  # what unpickling a damaged file raises is open
            raise ArtifactError(f"{path}: damaged model ({error}); train it again") from error


def _labels(matrix: FeatureMatrix, outcomes: tuple[Selection, ...]) -> npt.NDArray[np.float64]:
    """Return the classes an Estimator learns: 1 the reference outcome of two, or the column of the outcome."""
    if matrix.y is None or matrix.y.isna().any():
        raise UsageError("training rows without a label: take only rows whose result is known and no push")
    y = np.asarray(matrix.y.to_numpy("float64"), dtype=np.float64)
    k = len(outcomes)
    columns = outcome_columns(y, k)
    if len(np.unique(columns)) != k or len(np.unique(y)) != k:
        raise UsageError(f"{len(y)} training rows with {len(np.unique(y))} kinds of outcome: all {k} are needed")
    return y if k == 2 else columns.astype(np.float64)


def _header(path: Path) -> dict[str, Any]:
    try:
        header = dict(json.loads((path / HEADER).read_text(encoding="utf-8")))
        library, written = str(header["library"]), str(header["library_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path / HEADER}: not a saved model ({error}); train it again") from error
    here = version(library)
    if _minor(written) != _minor(here):
        raise ArtifactError(
            f"{path}: written by {library} {written}, here is {here}: train it again or install {written}"
        )
    return header


def _minor(release: str) -> list[str]:
    return release.split(".")[:2]
