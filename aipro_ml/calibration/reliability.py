"""The reliability report: how far probabilities can be believed, each figure with its noise."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.calibration.outcomes import weights_of
from aipro_ml.errors import UsageError
from aipro_ml.metrics import BrierDecomposition, CalibrationFit, EceNull, ReliabilityBin


@dataclass(frozen=True)
class SeasonReliability:
    """One season's figures; slope and intercept only where the season allows a fit (else NaN)."""

    season: int
    n: int
    mean_probability: float
    observed: float
    log_loss: float
    ece: float
    ece_null: EceNull
    fit: CalibrationFit
    spiegelhalter_z: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class ReliabilityReport:
    """Reliability of the reference side's probabilities (one row a game, never doubled)."""

    n: int
    log_loss: float
    brier: float
    ece: float
    ece_null: EceNull
    fit: CalibrationFit  # slope 1 and intercept 0 is calibrated
    spiegelhalter_z: float
    decomposition: BrierDecomposition
    bins: tuple[ReliabilityBin, ...]
    seasons: tuple[SeasonReliability, ...]

    @property
    def fields(self) -> dict[str, Any]:
        """Return the report as a JSON-able mapping; NaN becomes None."""
        plain: dict[str, Any] = _without_nan(asdict(self))
        return plain


def reliability(scored: pd.DataFrame, column: str = "p", *, seed: int) -> ReliabilityReport:
    """Return the report of probabilities `column` of `scored` (columns season, y); NaN rows are left out.

    A column `weight` says how much of each row's stake was decided; `n` counts rows.
    """
    known = scored[scored[column].notna()]
    if len(known) == 0:
        raise UsageError(f"no row has a {column}: nothing to report on")
    p, y, weights = known[column].to_numpy("float64"), known["y"].to_numpy("float64"), weights_of(known)
    return ReliabilityReport(
        **_figures(known, column, seed),
        brier=metrics.brier(p, y, weights),
        decomposition=metrics.brier_decomposition(p, y, weights=weights),
        seasons=tuple(_season(int(season), rows, column, seed) for season, rows in known.groupby("season", sort=True)),
    )


def _season(season: int, rows: pd.DataFrame, column: str, seed: int) -> SeasonReliability:
    weights = weights_of(rows)
    return SeasonReliability(
        **_figures(rows, column, seed),
        season=season,
        mean_probability=metrics.mean_of(rows[column].to_numpy("float64"), weights),
        observed=metrics.mean_of(rows["y"].to_numpy("float64"), weights),
    )


def _figures(rows: pd.DataFrame, column: str, seed: int) -> dict[str, Any]:
    """Return the figures that the whole and each of its seasons have."""
    p, y, weights = rows[column].to_numpy("float64"), rows["y"].to_numpy("float64"), weights_of(rows)
    return {
        "n": len(rows),
        "log_loss": metrics.log_loss(p, y, weights),
        "ece": metrics.ece(p, y, weights=weights),
        "ece_null": metrics.ece_null(p, seed=seed, weights=weights),
        "fit": metrics.calibration_slope_intercept(p, y, weights),
        "spiegelhalter_z": metrics.spiegelhalter_z(p, y, weights),
        "bins": metrics.reliability_bins(p, y, weights=weights),
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and np.isnan(value) else value
