"""The rows every leaderboard also has: a constant, Elo and the devigged market."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.splits import Fold, Folds
from aipro_ml.training.walkforward import scored_rows

ELO_COLUMN = "elo_prob"


def baselines(matrix: FeatureMatrix, folds: Folds, bet_type: BetType) -> dict[str, pd.DataFrame]:
    """Return the out-of-fold frame of each baseline by name: constant, elo (moneylines), market (if any).

    Rows without a market probability are left out of `market`; it is absent where no row has one.
    """
    found = {"constant": constant(matrix, folds)}
    if bet_type == BetType.MONEYLINE and ELO_COLUMN in matrix.X.columns:
        found["elo"] = _rows(matrix, folds, lambda fold: _column(matrix.X, ELO_COLUMN, fold))
    market = _rows(matrix, folds, lambda fold: _column(matrix.meta, "market_prob", fold))
    market = market[market["p"].notna()]
    if len(market):
        found["market"] = market
    return found


def constant(matrix: FeatureMatrix, folds: Folds) -> pd.DataFrame:
    """Return the out-of-fold frame of each fold's training mean."""
    if matrix.y is None:
        raise UsageError("the feature matrix has no labels: build it with labels to train on it")
    y = matrix.y.to_numpy("float64")
    return _rows(matrix, folds, lambda fold: np.full(len(fold.test), y[fold.train].mean()))


def _column(frame: pd.DataFrame, name: str, fold: Fold) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name].to_numpy("float64")[fold.test], dtype=np.float64)


def _rows(matrix: FeatureMatrix, folds: Folds, predict: Callable[[Fold], npt.NDArray[np.float64]]) -> pd.DataFrame:
    return pd.concat([scored_rows(matrix, fold.test, predict(fold)) for fold in folds])
