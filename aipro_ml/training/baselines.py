"""The rows every leaderboard also has: a constant, Elo and the devigged market."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns
from aipro_ml.training.oof import market_rows, mean, scored_rows
from aipro_ml.training.splits import Fold, Folds

ELO_COLUMN = "elo_prob"
ELO_DRAW = "elo_draw"

CONSTANT = "constant"
LOGISTIC = ModelConfig(
    name="logistic_regression", framework="sklearn", estimator="logistic_regression", params={"C": 0.003}
)
"""The logistic regression of every leaderboard, as in the shipped training configuration."""

Floats = npt.NDArray[np.float64]


def baselines(matrix: FeatureMatrix, folds: Folds, bet_type: BetType) -> dict[str, pd.DataFrame]:
    """Return the out-of-fold frame of each baseline by name: constant, elo (moneylines), market (if any).

    Three-way, `elo` is P(home) and P(draw) of the Elo view. Rows without a market probability are left out of
    `market`; it is absent where no row has one.
    """
    found = {CONSTANT: constant(matrix, folds)}
    rated = {ELO_COLUMN, ELO_DRAW} if matrix.three_way else {ELO_COLUMN}
    if bet_type == BetType.MONEYLINE and rated <= set(matrix.feature_names):
        found["elo"] = _rows(matrix, folds, lambda fold: _elo(matrix, fold))
    market = market_rows(found[CONSTANT])
    if len(market):
        found["market"] = market
    return found


def constant(matrix: FeatureMatrix, folds: Folds) -> pd.DataFrame:
    """Return the out-of-fold frame of each fold's training frequencies."""
    y = _labels(matrix)
    weight = None if matrix.weight is None else matrix.weight.to_numpy("float64")

    def frequencies(fold: Fold) -> Floats:
        if not matrix.three_way:
            part = None if weight is None else weight[fold.train]
            return np.full(len(fold.test), mean(y[fold.train], part))
        shares = np.bincount(outcome_columns(y[fold.train], 3), minlength=3) / len(fold.train)
        return np.tile(shares, (len(fold.test), 1))

    return _rows(matrix, folds, frequencies)


def _elo(matrix: FeatureMatrix, fold: Fold) -> Floats:
    home = np.asarray(matrix.X[ELO_COLUMN].to_numpy("float64")[fold.test], dtype=np.float64)
    if not matrix.three_way:
        return home
    draw = matrix.X[ELO_DRAW].to_numpy("float64")[fold.test]
    return np.column_stack([home, draw, 1 - home - draw])


def _labels(matrix: FeatureMatrix) -> Floats:
    if matrix.y is None:
        raise UsageError("the feature matrix has no labels: build it with labels to train on it")
    return np.asarray(matrix.y.to_numpy("float64"), dtype=np.float64)


def _rows(matrix: FeatureMatrix, folds: Folds, predict: Callable[[Fold], Floats]) -> pd.DataFrame:
    return pd.concat([scored_rows(matrix, fold.test, predict(fold)) for fold in folds])
