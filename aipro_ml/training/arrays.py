"""What every framework learns from and predicts on: classes of the outcomes, and the model's own columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns


def outcome_classes(matrix: FeatureMatrix, outcomes: tuple[Selection, ...]) -> npt.NDArray[np.int64]:
    """Return the column of `outcomes` each training row ended in, shape (n,); 0 is the reference outcome.

    UsageError where a row has no label, or where one of the outcomes never happened.
    """
    if matrix.y is None or matrix.y.isna().any():
        raise UsageError("training rows without a label: take only rows whose result is known and no push")
    y, k = matrix.y.to_numpy("float64"), len(outcomes)
    columns = outcome_columns(y, k)
    if len(np.unique(columns)) != k or len(np.unique(y)) != k:
        raise UsageError(f"{len(y)} training rows with {len(np.unique(y))} kinds of outcome: all {k} are needed")
    return columns


def model_columns(X: pd.DataFrame, feature_names: Sequence[str]) -> pd.DataFrame:
    """Return the columns of X the model learned, as float64 and in its order; UsageError names what X lacks.

    X itself where it is nothing else: do not change it.
    """
    if list(X.columns) == list(feature_names) and all(kind == np.float64 for kind in X.dtypes.tolist()):
        return X
    missing = [name for name in feature_names if name not in X.columns]
    if missing:
        raise UsageError(
            f"features {', '.join(missing)}: the model needs them and the rows lack them; "
            "build the features with the model's feature set"
        )
    return X[list(feature_names)].astype("float64")


def row_weights(matrix: FeatureMatrix) -> npt.NDArray[np.float64] | None:
    """Return the rows' weights, shape (n,); None where every row weighs the same."""
    return None if matrix.weight is None else np.asarray(matrix.weight.to_numpy("float64"), dtype=np.float64)
