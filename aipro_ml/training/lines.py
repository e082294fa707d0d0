"""Models whose probability follows the line: an expected margin or total, and the chance at any line asked."""

import hashlib
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import BetType, Selection
from aipro_ml.features.matrix import FeatureMatrix, canonical
from aipro_ml.training.base import Probabilities, TrainedModel
from aipro_ml.training.margins import REGRESSIONS

POINTS = "outcome_points"
"""The column of a matrix's `meta` that a LineModel learns: home margin, on totals the total."""

LINE_FEATURES = {BetType.SPREAD: "market_spread", BetType.TOTAL: "market_total"}
"""The market feature that holds the reference side's line as it stood at the decision time."""


@runtime_checkable
class LineModel(TrainedModel, Protocol):
    """A model of points; `line_feature` is the feature its line is read from, None on moneylines."""

    @property
    def line_feature(self) -> str | None:
        """Return the name of the line's column among `feature_names`; the expected points do not hang on it."""
        ...

    def expected(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the expected home margin (on totals: total) in points, shape (n,)."""
        ...

    def probability_at(self, X: pd.DataFrame, line: npt.ArrayLike) -> Probabilities:
        """Return probabilities (n, k), given no push, at the reference side's `line`: one a row, or one for all."""
        ...


def at_lines(model: TrainedModel, X: pd.DataFrame, lines: pd.Series) -> pd.DataFrame:
    """Return X with the line a LineModel reads set to `lines` (index: X's games) wherever one is known.

    So its probability follows a line that moved after the features were computed. Other models get X as it is.
    """
    name = line_feature(model)
    if name is None:
        return X
    seen = X[name] if name in X.columns else pd.Series(np.nan, index=X.index)
    return X.assign(**{name: lines.reindex(X.index).astype("float64").fillna(seen)})


def line_feature(model: TrainedModel) -> str | None:
    """Return the column a model, or a member of an ensemble, reads its line from; None where none follows a line."""
    return getattr(model, "line_feature", None)


def line_column(estimator: str, bet_type: BetType) -> str | None:
    """Return the line's column a candidate with this estimator must be given; None where it needs none."""
    return LINE_FEATURES.get(bet_type) if estimator in REGRESSIONS else None


def points_hash(matrix: FeatureMatrix) -> str:
    """Return the SHA-256 of the points a model of margins learns: the matrix's own hash covers who won, not by what."""
    return hashlib.sha256(canonical(matrix.meta[POINTS].to_numpy("float64")).tobytes()).hexdigest()


def market_of(outcomes: tuple[Selection, ...], lines: pd.Series) -> BetType:
    """Return the bet type a matrix is of, by its outcomes and its rows' lines (all missing on moneylines)."""
    if outcomes[0] is Selection.OVER:
        return BetType.TOTAL
    return BetType.SPREAD if len(outcomes) == 2 and lines.notna().any() else BetType.MONEYLINE
