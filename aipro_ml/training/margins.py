"""Expected margins and totals: regressions of points on features, and how far games scatter around them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.estimator import checked, one_openmp_thread
from aipro_ml.training.splits import Folds

Floats = npt.NDArray[np.float64]

ALPHA = 1000.0
"""Strong regularisation, in rows: a feature's weight is halved where that many games stand behind it."""

RIDGE, TREES = "margin_ridge", "margin_trees"
REGRESSIONS = (RIDGE, TREES)
"""The regressions of points, by the estimator's name in a training configuration."""

_SMALL_TREES = {
    "max_iter": 150,
    "learning_rate": 0.03,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 100,
    "l2_regularization": 20.0,
}


def expected_margins(matrix: FeatureMatrix, folds: Folds, alpha: float = ALPHA) -> pd.Series:
    """Return the expected home margin in points of each tested game (index game_id), each from earlier games only.

    `matrix.y` holds home margins instead of outcomes (NaN where open); `folds` are `walk_forward` of the same
    matrix. Unknown features count as the training median, all are standardised, the L2 penalty is `alpha`.
    """
    if matrix.y is None:
        raise ValueError("expected margins are learned from margins: give them as the matrix's y")
    points = np.asarray(matrix.y.to_numpy("float64"), dtype=np.float64)
    found = out_of_fold_points(matrix.X, points, folds, regression(RIDGE, {"alpha": alpha}, seed=0))
    return found.rename("expected_margin")


def out_of_fold_points(X: pd.DataFrame, points: Floats, folds: Folds, unfitted: Any) -> pd.Series:
    """Return what clones of `unfitted` expect of each tested row (index of X), each from its fold's training rows."""
    from sklearn.base import clone

    values, parts = X.to_numpy("float64"), []
    for fold in folds:
        with one_openmp_thread():
            fitted = clone(unfitted).fit(values[fold.train], points[fold.train])
            expected = fitted.predict(values[fold.test])
        parts.append(pd.Series(expected, index=X.index[fold.test]))
    return pd.concat(parts)


def regression(name: str, params: Mapping[str, Any], seed: int) -> Any:
    """Return an unfitted regression behind median imputation; UsageError for what it cannot be set to.

    `margin_ridge`: standardisation and ridge (`alpha`, default ALPHA). `margin_trees`: small, strongly regularised
    HistGradientBoosting, `params` over ours.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    if name == RIDGE:
        options = checked(name, params, {"alpha": ALPHA})
        return make_pipeline(imputer, StandardScaler(), Ridge(**{"alpha": ALPHA, **options}))
    if name == TREES:
        options = checked(name, params, HistGradientBoostingRegressor().get_params())
        small = {**_SMALL_TREES, **options, "loss": "squared_error"}
        return make_pipeline(imputer, HistGradientBoostingRegressor(**small, early_stopping=False, random_state=seed))
    raise UsageError(f"no regression of points is named {name!r}; there are: {', '.join(REGRESSIONS)}")
