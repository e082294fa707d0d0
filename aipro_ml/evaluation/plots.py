"""Plots of graded predictions."""

from pathlib import Path

import numpy as np
import pandas as pd

_BLUE, _ORANGE, _GREY = "#2563eb", "#c2410c", "#6b7280"


def cumulative_units(path: Path, graded: pd.DataFrame, *, title: str) -> Path:
    """Draw the running profit of one unit a bet, and what the close said it was worth, into `path`; return it.

    `graded` needs kickoff, profit_loss (units) and clv; bets without a price are left out, and one without a
    close counts 0 in the expected line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bets = graded.loc[graded["profit_loss"].notna()].sort_values("kickoff", kind="stable")
    number = np.arange(len(bets) + 1)
    figure = Figure(figsize=(8.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    panel.axhline(0.0, color=_GREY, linewidth=1)
    panel.step(number, _running(bets["profit_loss"]), where="post", color=_BLUE, label="units won")
    panel.plot(number, _running(bets["clv"].fillna(0.0)), color=_ORANGE, label="expected at the close (CLV)")
    panel.set_xlabel("bets, in order of kick-off")
    panel.set_ylabel("units, one staked a bet")
    panel.grid(alpha=0.25)
    panel.legend(loc="best", frameon=False)
    panel.set_title(title, loc="left", fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _running(units: pd.Series) -> np.ndarray:
    return np.concatenate([[0.0], units.to_numpy("float64").cumsum()])
