"""Expected margins, walk-forward: a ridge regression of the home margin on features, season by season."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.splits import Folds

ALPHA = 1000.0
"""Strong regularisation, in rows: a feature's weight is halved where that many games stand behind it."""


def expected_margins(matrix: FeatureMatrix, folds: Folds, alpha: float = ALPHA) -> pd.Series:
    """Return the expected home margin in points of each tested game (index game_id), each from earlier games only.

    `matrix.y` holds home margins instead of outcomes (NaN where open); `folds` are `walk_forward` of the same
    matrix. Unknown features count as the training median, all are standardised, the L2 penalty is `alpha`.
    """
    X = matrix.X.to_numpy("float64")
    y = _margins(matrix)
    parts = []
    for fold in folds:
        fitted = _ridge(X[fold.train], y[fold.train], alpha)
        parts.append(pd.Series(fitted.predict(X[fold.test]), index=matrix.X.index[fold.test]))
    return pd.concat(parts).rename("expected_margin")


def _margins(matrix: FeatureMatrix) -> npt.NDArray[np.float64]:
    if matrix.y is None:
        raise ValueError("expected margins are learned from margins: give them as the matrix's y")
    return np.asarray(matrix.y.to_numpy("float64"), dtype=np.float64)


def _ridge(X: npt.NDArray[np.float64], y: npt.NDArray[np.float64], alpha: float) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), Ridge(alpha=alpha)).fit(X, y)
