"""Out-of-fold frames: each row's probabilities, its label and the market's, for two outcomes and for three."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml import metrics
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns
from aipro_ml.metrics import multiclass
from aipro_ml.training.base import Probabilities
from aipro_ml.training.splits import Positions

Floats = npt.NDArray[np.float64]

OOF_COLUMNS = ("season", "week", "p", "y", "market_prob")
"""Columns of an out-of-fold frame (index: game_id); p and market_prob are of the reference outcome.

`week`: the season's, or the ISO week of the kick-off where the sport counts none. Three-way frames also have
THREE_WAY_COLUMNS, frames with half-decided quarter lines also `weight` (see FeatureMatrix).
"""
THREE_WAY_COLUMNS = ("p_draw", "market_draw")


def scored_rows(matrix: FeatureMatrix, rows: Positions, p: Floats) -> pd.DataFrame:
    """Return the out-of-fold frame of these rows with probabilities `p`: (n,) of the reference outcome, or (n, k)."""
    if matrix.y is None:
        raise UsageError("the feature matrix has no labels: build it with labels to score on it")
    meta = matrix.meta.iloc[rows]
    week = meta["week"].astype("float64")
    if week.isna().any():
        week = week.fillna(meta["kickoff"].dt.isocalendar().week.astype("float64"))
    frame = {
        "season": meta["season"].to_numpy("int64"),
        "week": week.to_numpy("float64"),
        "p": p if p.ndim == 1 else p[:, 0],
        "y": matrix.y.iloc[rows].to_numpy("float64"),
        "market_prob": meta["market_prob"].to_numpy("float64"),
    }
    if matrix.three_way:
        frame |= {"p_draw": p[:, 1], "market_draw": meta["market_draw"].to_numpy("float64")}
    if matrix.weight is not None:
        frame["weight"] = matrix.weight.iloc[rows].to_numpy("float64")
    return pd.DataFrame(frame, index=matrix.X.index[rows])


def is_three_way(oof: pd.DataFrame) -> bool:
    """Return whether the frame speaks of home, draw and away."""
    return "p_draw" in oof.columns


def probabilities(oof: pd.DataFrame) -> Probabilities:
    """Return the probabilities (n, k) in the order of the market's outcomes."""
    p = oof["p"].to_numpy("float64")
    if not is_three_way(oof):
        return np.column_stack([p, 1 - p])
    draw = oof["p_draw"].to_numpy("float64")
    return np.column_stack([p, draw, np.clip(1 - p - draw, 0.0, 1.0)])


def outcomes_seen(oof: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the column of `probabilities` that happened, shape (n,)."""
    return outcome_columns(oof["y"].to_numpy("float64"), 3 if is_three_way(oof) else 2)


def losses(oof: pd.DataFrame) -> Floats:
    """Return the log loss of each row in nats, shape (n,), over all outcomes of the market."""
    if is_three_way(oof):
        return multiclass.log_losses(probabilities(oof), outcomes_seen(oof))
    return metrics.log_losses(oof["p"].to_numpy("float64"), oof["y"].to_numpy("float64"))


def market_rows(oof: pd.DataFrame) -> pd.DataFrame:
    """Return the same games as the market said them; games without a market probability are left out."""
    known = oof.loc[oof["market_prob"].notna()]
    said = known.assign(p=known["market_prob"])
    return said.assign(p_draw=said["market_draw"]) if is_three_way(said) else said


def said_in(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows with the probabilities in `column` (and `column`_draw, of three outcomes) as p (and p_draw)."""
    said = rows.assign(p=rows[column])
    return said.assign(p_draw=said[f"{column}_draw"]) if is_three_way(said) else said


def reference_rows(oof: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as a two-way question, did the reference outcome happen: y 1.0 or 0.0."""
    return oof.assign(y=(oof["y"] == 1.0).astype("float64"))


def weights(oof: pd.DataFrame) -> Floats | None:
    """Return the rows' weights, shape (n,); None where every row weighs the same."""
    return oof["weight"].to_numpy("float64") if "weight" in oof.columns else None


def mean_loss(oof: pd.DataFrame) -> float:
    """Return the mean log loss in nats over all outcomes; a half-decided row counts half."""
    return mean(losses(oof), weights(oof))


def mean(values: Floats, weight: Floats | None) -> float:
    """Return the weighted mean of row-wise scores."""
    return float(values.mean()) if weight is None else float(np.average(values, weights=weight))
