"""The regression head: expected margin or total with its spread, and the probability at any line from both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.distribution import MarginDistribution, learn_key_numbers
from aipro_ml.enums import BetType, Framework, Selection
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.arrays import model_columns, outcome_classes
from aipro_ml.training.base import Probabilities
from aipro_ml.training.estimator import load_joblib, one_openmp_thread, save_joblib
from aipro_ml.training.header import ModelHeader, read_header, write_header
from aipro_ml.training.importance import sample_rows, shuffled_importance
from aipro_ml.training.lines import LINE_FEATURES, POINTS, market_of
from aipro_ml.training.margins import RIDGE, out_of_fold_points, regression
from aipro_ml.training.splits import inner_folds

Floats = npt.NDArray[np.float64]

INNER_FOLDS = 3


@dataclass(frozen=True)
class MarginModel:
    """A LineModel: a fitted regression of points on `regressors`, and how games scatter around what it expects.

    `distribution.sd` is that of forward-only out-of-fold residuals, in points. `line_feature` closes
    `feature_names` on spreads and totals.
    """

    outcomes: tuple[Selection, ...]
    regressors: tuple[str, ...]
    line_feature: str | None
    estimator: str
    fitted: Any
    distribution: MarginDistribution
    importance: pd.Series

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the regressors and, on spreads and totals, the line's column."""
        return self.regressors if self.line_feature is None else (*self.regressors, self.line_feature)

    def expected(self, X: pd.DataFrame) -> Floats:
        """Return the expected home margin (on totals: total) in points, shape (n,)."""
        values = np.asfortranarray(model_columns(X, self.regressors).to_numpy("float64"))
        with one_openmp_thread():
            return np.asarray(self.fitted.predict(values) if len(X) else np.empty(0), dtype=np.float64)

    def probability_at(self, X: pd.DataFrame, line: npt.ArrayLike) -> Probabilities:
        """Return probabilities (n, k) at the reference side's `line`; two-way given no push, .5 at an unknown line."""
        chances = self.distribution.win_push_lose(self.expected(X), line)
        if len(self.outcomes) > 2:
            return np.column_stack([chances.win, chances.push, chances.lose])
        p = np.nan_to_num(chances.win_given_no_push, nan=0.5)
        return np.column_stack([p, 1 - p])

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) at the line the features hold; columns are matched by name, in any order."""
        lines = model_columns(X, self.feature_names)[self.line_feature] if self.line_feature else 0.0
        p = self.probability_at(X, lines)
        return p.reshape(len(X), len(self.outcomes))

    def feature_importance(self) -> pd.Series:
        """Return the permutation importance of every feature, the line among them, on a sample of training rows."""
        return self.importance

    def contributions(self, X: pd.DataFrame) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: the log-odds at a line are no sum over features, although the expected points are."""
        return

    def save(self, path: Path) -> None:
        """Write the model into the folder `path` (created if absent)."""
        scatter = self.distribution
        facts = {
            "line_feature": self.line_feature,
            "market": str(scatter.bet_type),
            "sd": scatter.sd,
            "lowest": scatter.lowest,
            "weights": list(scatter.weights),
            "importance": {name: float(value) for name, value in self.importance.items()},
        }
        header = ModelHeader(
            Framework.SKLEARN, self.estimator, "scikit-learn", self.outcomes, self.feature_names, facts
        )
        write_header(path, header)
        save_joblib(self.fitted, path)


@dataclass(frozen=True)
class MarginTrainer:
    """Fits and loads the regression heads; `estimator` is `margin_ridge` or `margin_trees`."""

    framework: ClassVar[Framework] = Framework.SKLEARN
    estimator: str = RIDGE

    def fit(
        self, matrix: FeatureMatrix, outcomes: tuple[Selection, ...], params: Mapping[str, Any], seed: int
    ) -> MarginModel:
        """Fit on every row of `matrix`, whose `meta` holds the points; a half-decided row counts whole.

        The scatter is that of forward-only inner folds, its key numbers those of the training games. UsageError
        where rows, points or parameters do not allow it.
        """
        unfitted = regression(self.estimator, params, seed)
        classes, points = outcome_classes(matrix, outcomes), _points(matrix)
        market = market_of(outcomes, matrix.meta["line"])
        line = LINE_FEATURES.get(market)
        X = matrix.X[[name for name in matrix.feature_names if name != line]].astype("float64")
        if X.empty:
            raise UsageError("a model of points needs features beside the line")
        with one_openmp_thread():
            fitted = unfitted.fit(X.to_numpy(), points)
        model = MarginModel(
            outcomes,
            tuple(X.columns),
            line,
            self.estimator,
            fitted,
            _scatter(matrix, X, points, (unfitted, fitted, market)),
            pd.Series(dtype="float64"),
        )
        return _with_importance(model, matrix, classes, seed)

    def repeatable(self, params: Mapping[str, Any]) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: one seed gives equal bits."""
        return

    def load(self, path: Path) -> MarginModel:
        """Return the model in folder `path`; ArtifactError where missing, damaged or of another version."""
        header = read_header(path)
        facts = header.facts
        try:
            line = facts["line_feature"]
            return MarginModel(
                outcomes=header.outcomes,
                regressors=tuple(name for name in header.feature_names if name != line),
                line_feature=line,
                estimator=header.estimator,
                fitted=load_joblib(path),
                distribution=MarginDistribution(
                    BetType(facts["market"]), float(facts["sd"]), tuple(facts["weights"]), int(facts["lowest"])
                ),
                importance=pd.Series(facts["importance"], dtype="float64", name="importance"),
            )
        except Exception as error:  # what unpickling a damaged file raises is open
            raise ArtifactError(f"{path}: damaged model ({error}); train it again") from error


def _points(matrix: FeatureMatrix) -> Floats:
    if POINTS not in matrix.meta or matrix.meta[POINTS].isna().any():
        raise UsageError("training rows without points: a model of margins learns from final scores")
    return np.asarray(matrix.meta[POINTS].to_numpy("float64"), dtype=np.float64)


def _scatter(
    matrix: FeatureMatrix, X: pd.DataFrame, points: Floats, fits: tuple[Any, Any, BetType]
) -> MarginDistribution:
    """Return how points scatter: the residuals' size out of fold, and which integers they prefer."""
    unfitted, fitted, market = fits
    folds = inner_folds(matrix, INNER_FOLDS)
    unseen = out_of_fold_points(X, points, folds, unfitted)
    sd = float(np.sqrt(np.mean((points[folds.tested] - unseen.to_numpy("float64")) ** 2)))
    scale = BetType.TOTAL if market is BetType.TOTAL else BetType.SPREAD  # a moneyline is the spread's line 0
    expected = np.asarray(fitted.predict(X.to_numpy("float64")), dtype=np.float64)
    return learn_key_numbers(scale, points, expected if scale is BetType.TOTAL else -expected, max(sd, 1e-6))


def _with_importance(
    model: MarginModel, matrix: FeatureMatrix, classes: npt.NDArray[np.int64], seed: int
) -> MarginModel:
    rows = sample_rows(len(classes), seed)
    table = matrix.X.iloc[rows]
    if model.line_feature is not None:
        table = table.assign(**{model.line_feature: matrix.meta["line"].iloc[rows]})
    table = model_columns(table, model.feature_names).reset_index(drop=True)
    return replace(model, importance=shuffled_importance(model.predict_proba, table, classes[rows], seed))
