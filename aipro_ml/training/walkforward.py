"""Out-of-fold predictions: each row by a model that learned only from games known before its season."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.base import TrainedModel, Trainer
from aipro_ml.training.splits import Fold, Folds, Positions

OOF_COLUMNS = ("season", "week", "p", "y", "market_prob")
"""Columns of an out-of-fold frame (index: game_id); p is the probability of the reference outcome."""


@dataclass(frozen=True)
class Candidate:
    """A model still to be fitted: who fits it, for which outcomes, with which parameters and seed."""

    name: str
    trainer: Trainer
    outcomes: tuple[Selection, ...]
    params: Mapping[str, Any]
    seed: int

    def fit(self, matrix: FeatureMatrix) -> TrainedModel:
        """Fit on every row of `matrix`."""
        return self.trainer.fit(matrix, self.outcomes, self.params, self.seed)


def out_of_fold(
    candidate: Candidate,
    matrix: FeatureMatrix,
    folds: Folds,
    on_fold: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the out-of-fold frame (`OOF_COLUMNS`) of `candidate`; `on_fold(done, total)` tells progress."""

    def predict(fold: Fold) -> npt.NDArray[np.float64]:
        model = candidate.fit(matrix.take(fold.train))
        return model.predict_proba(matrix.X.iloc[fold.test])[:, 0]

    parts = []
    for done, fold in enumerate(folds, start=1):
        parts.append(scored_rows(matrix, fold.test, predict(fold)))
        if on_fold is not None:
            on_fold(done, len(folds))
    return pd.concat(parts)


def scored_rows(matrix: FeatureMatrix, rows: Positions, p: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Return the out-of-fold frame of these rows with probabilities `p` (one a row)."""
    if matrix.y is None:
        raise UsageError("the feature matrix has no labels: build it with labels to score on it")
    meta = matrix.meta.iloc[rows]
    return pd.DataFrame(
        {
            "season": meta["season"].to_numpy("int64"),
            "week": meta["week"].to_numpy("float64"),
            "p": p,
            "y": matrix.y.iloc[rows].to_numpy("float64"),
            "market_prob": meta["market_prob"].to_numpy("float64"),
        },
        index=matrix.X.index[rows],
    )
