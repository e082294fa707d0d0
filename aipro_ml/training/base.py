"""The protocols every training framework fulfils."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.features.matrix import FeatureMatrix

Probabilities = npt.NDArray[np.float64]
"""Shape (n, k): columns are the model's `outcomes`; rows sum to one."""


HEADER = "model.json"
"""The file of a saved model that says which framework wrote it, in which version."""


class TrainedModel(Protocol):
    """A fitted model: `outcomes` is (home, away), (over, under) or (home, draw, away)."""

    @property
    def outcomes(self) -> tuple[Selection, ...]:
        """Return the outcomes, in the order of the probability columns."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the features the model needs, in the order it learned them."""
        ...

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) for rows of X; columns are matched by name, in any order."""
        ...

    def feature_importance(self) -> pd.Series:
        """Return a non-negative importance for every feature name."""
        ...

    def contributions(self, X: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float64]] | None:
        """Return exact (contributions per feature, base per row) in log-odds of outcome 0.

        Each row's base plus its contributions is the logit of `predict_proba(X)[:, 0]`. None where the
        framework has no exact contributions of its own; `inference/explain.py` then uses shap.
        """
        ...

    def save(self, path: Path) -> None:
        """Write the model into the folder `path` (created if absent)."""
        ...


OutcomeContributions = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Contributions (n, k, d) to the score of each of k outcomes, in the order of `feature_names`, and bases (n, k)."""


@runtime_checkable
class ExplainsOutcomes(Protocol):
    """A model that may know what moves each of its three outcomes, or more."""

    def outcome_contributions(self, X: pd.DataFrame) -> OutcomeContributions | None:
        """Return them, None where there are none or two outcomes.

        An outcome's base and contributions sum to the logarithm of its probability, but for a constant a row.
        """
        ...


def outcome_contributions(model: TrainedModel, X: pd.DataFrame) -> OutcomeContributions | None:
    """Return the model's own contributions to each outcome of three or more; None where it has none."""
    return model.outcome_contributions(X) if isinstance(model, ExplainsOutcomes) else None


class Trainer(Protocol):
    """Fits and loads the models of one framework."""

    framework: ClassVar[Framework]

    def fit(
        self, matrix: FeatureMatrix, outcomes: tuple[Selection, ...], params: Mapping[str, Any], seed: int
    ) -> TrainedModel:
        """Fit on every row of `matrix` (y: 1.0 = outcomes[0] won; no NaN)."""
        ...

    def repeatable(self, params: Mapping[str, Any]) -> str | None:
        """Return None where two fits with these `params` and one seed are equal to the bit, else why they are not."""
        ...

    def load(self, path: Path) -> TrainedModel:
        """Return the model in folder `path`; ArtifactError where missing or of another version."""
        ...
