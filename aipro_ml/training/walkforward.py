"""Out-of-fold predictions: each row by a model that learned only from games known before its season."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.base import TrainedModel, Trainer
from aipro_ml.training.lines import at_lines
from aipro_ml.training.oof import scored_rows
from aipro_ml.training.splits import Folds


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


def fold_by_fold(candidate: Candidate, matrix: FeatureMatrix, folds: Folds) -> Iterator[pd.DataFrame]:
    """Yield the out-of-fold frame (`oof.OOF_COLUMNS`) of each fold as soon as it is there."""
    for fold in folds:
        model = candidate.fit(matrix.take(fold.train))
        rows = matrix.take(fold.test)
        yield scored_rows(matrix, fold.test, model.predict_proba(at_lines(model, rows.X, rows.meta["line"])))


def out_of_fold(
    candidate: Candidate,
    matrix: FeatureMatrix,
    folds: Folds,
    on_fold: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the out-of-fold frame of all folds; `on_fold(done, total)` tells progress."""
    parts = []
    for part in fold_by_fold(candidate, matrix, folds):
        parts.append(part)
        if on_fold is not None:
            on_fold(len(parts), len(folds))
    return pd.concat(parts)
