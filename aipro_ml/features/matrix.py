"""The feature matrix: one row a game, with the decision time it was computed for."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Selection


@dataclass(frozen=True)
class FeatureMatrix:
    """Features, decision times and labels of games, in one row order (index: game_id).

    `X`: float64 columns, NaN for unknown. `as_of`: decision time a row (UTC).
    `y`: 1.0 the reference side (home, over) won, 0.5 drawn (three-way), 0.0 lost, NaN push or not known; None at
    prediction time. `outcomes`: what may happen, best for the reference side first. `weight`: 0.5 where only half
    of a quarter line's stake was decided; None where every row weighs 1.
    `meta`: what is not a feature but travels with the row: `season week kickoff home_team_id away_team_id
    result_known_at line market_prob` (result_known_at NaT while open; line = the reference side's line at
    as_of, NaN for moneylines; market_prob = devigged consensus of the reference side at as_of, else NaN), and
    `market_draw` on three-way moneylines. With labels also `outcome_points`, the home margin or the total that came of
    it (NaN while open): what a margin model learns, and no feature.
    """

    X: pd.DataFrame
    as_of: pd.Series
    meta: pd.DataFrame
    y: pd.Series | None = None
    outcomes: tuple[Selection, ...] = (Selection.HOME, Selection.AWAY)
    weight: pd.Series | None = None

    @property
    def three_way(self) -> bool:
        """Return whether a draw is an outcome of its own."""
        return len(self.outcomes) > 2

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the feature columns in their order."""
        return tuple(self.X.columns)

    @property
    def sha256(self) -> str:
        """Return a hash over games, decision times, features and labels; equal content, equal hash."""
        digest = hashlib.sha256()
        digest.update("\x1f".join([*map(str, self.X.index), *self.X.columns]).encode())
        digest.update(self.as_of.astype("int64").to_numpy().tobytes())
        digest.update(canonical(self.X.to_numpy("float64")).tobytes())
        if self.y is not None:
            digest.update(canonical(self.y.to_numpy("float64")).tobytes())
        if self.weight is not None:
            digest.update(self.weight.to_numpy("float64").tobytes())
        return digest.hexdigest()

    def take(self, rows: np.ndarray) -> "FeatureMatrix":
        """Return the rows at integer positions (or a boolean mask) `rows`."""
        y = None if self.y is None else self.y.iloc[rows]
        weight = None if self.weight is None else self.weight.iloc[rows]
        return replace(
            self, X=self.X.iloc[rows], as_of=self.as_of.iloc[rows], meta=self.meta.iloc[rows], y=y, weight=weight
        )

    def select(self, columns: tuple[str, ...]) -> "FeatureMatrix":
        """Return the same rows with only these feature columns, in this order."""
        return replace(self, X=self.X[list(columns)])


def canonical(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the values with one zero and one NaN: both have bit patterns that are equal in meaning alone."""
    return np.ascontiguousarray(np.where(np.isnan(values), np.nan, values + 0.0))


def outcome_columns(y: npt.ArrayLike, k: int) -> npt.NDArray[np.int64]:
    """Return the column of k outcomes each label names, shape (n,): y 1.0 is 0, 0.5 of three is 1, 0.0 is k − 1."""
    return np.asarray(np.rint((1 - np.asarray(y, dtype=np.float64)) * (k - 1)), dtype=np.int64)
