"""How the props were: every stage's log loss and Brier score beside the market's, prop by prop, with its noise."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml import metrics
from aipro_ml.calibration.reliability import ReliabilityReport, reliability

FloatArray = npt.NDArray[np.float64]

STAGES = {"model": "p", "calibrated": "calibrated", "published": "published", "market": "fair"}
ALL = "all"
SEED = 20260101
_LEAST_ROWS = 30
"""Fewer rows than this say nothing of a prop on its own."""


@dataclass(frozen=True)
class PropsReport:
    """One row of scores a prop (and all together), and the reliability of every stage over all rows."""

    rows: list[dict[str, Any]]
    reliability: dict[str, ReliabilityReport]
    n: int

    @property
    def document(self) -> dict[str, Any]:
        """Return the report as a JSON-able mapping."""
        return {"n": self.n, "rows": self.rows, "reliability": {n: r.fields for n, r in self.reliability.items()}}


def scored(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the settled lines every stage speaks of; without any market those that are calibrated."""
    known = lines.loc[lines["y"].notna() & lines["p"].notna() & lines["calibrated"].notna()]
    priced = known.loc[known["fair"].notna()]
    return priced if len(priced) else known


def report(lines: pd.DataFrame) -> PropsReport:
    """Return the report of walk-forward lines (columns of `walkforward.walk_forward`)."""
    rows = scored(lines)
    if rows.empty:
        return PropsReport([], {}, 0)
    stages = {name: column for name, column in STAGES.items() if rows[column].notna().all()}
    groups: list[tuple[Hashable, pd.DataFrame]] = [
        (name, group) for name, group in rows.groupby("prop", sort=True) if len(group) >= _LEAST_ROWS
    ]
    told = [_row(str(name), group, stages) for name, group in [*groups, (ALL, rows)]]
    reports = {name: reliability(rows, column, seed=SEED) for name, column in stages.items()}
    return PropsReport(told, reports, len(rows))


def _row(name: str, rows: pd.DataFrame, stages: dict[str, str]) -> dict[str, Any]:
    y = rows["y"].to_numpy("float64")
    said = {stage: rows[column].to_numpy("float64") for stage, column in stages.items()}
    row: dict[str, Any] = {"prop": name, "n": len(rows), "over": float(y.mean())}
    row |= {f"{stage}_log_loss": metrics.log_loss(p, y) for stage, p in said.items()}
    row |= {f"{stage}_brier": metrics.brier(p, y) for stage, p in said.items()}
    against = "market" if "market" in said else None
    for stage in ("calibrated", "published"):
        row[f"{stage}_behind"], row[f"{stage}_low"], row[f"{stage}_high"] = _behind(rows, said, stage, against)
    return row


def _behind(
    rows: pd.DataFrame, said: dict[str, FloatArray], stage: str, against: str | None
) -> tuple[float, float, float]:
    """Return how far a stage's log loss is behind the market's, or a coin's, and the interval over whole weeks."""
    y = rows["y"].to_numpy("float64")
    base = metrics.log_losses(np.full(len(y), 0.5) if against is None else said[against], y)
    difference = metrics.log_losses(said[stage], y) - base
    low, high = metrics.block_bootstrap_interval(difference, rows["week"].to_numpy(), seed=SEED)
    return float(difference.mean()), low, high
