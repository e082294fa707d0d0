"""Plots of the performance report: running units, closing line value, reliability, log loss beside its expectation."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.evaluation.expected import rolling_log_loss
from aipro_ml.evaluation.performance import halves_of
from aipro_ml.training.plots import new_figure, save_figure

_BLUE, _ORANGE, _GREY = "#2563eb", "#c2410c", "#6b7280"
_COLOURS = {"moneyline": "#2563eb", "spread": "#c2410c", "total": "#15803d"}
_WIDTH = 8.0


def units_by_kickoff(path: Path, graded: pd.DataFrame, *, title: str) -> Path:
    """Draw the running profit of one unit a bet, a line a bet type, and what the close said all were worth; return it.

    `graded` needs kickoff, bet_type, profit_loss (units) and clv; bets without a price are left out, and one without a
    close counts 0 in the expected line.
    """
    figure, panel = new_figure((_WIDTH, 4.2))
    bets = graded.loc[graded["profit_loss"].notna()].sort_values("kickoff", kind="stable")
    panel.axhline(0.0, color=_GREY, linewidth=1)
    for bet_type, part in bets.groupby("bet_type", sort=True):
        colour = _COLOURS.get(str(bet_type), _GREY)
        panel.step(part["kickoff"], part["profit_loss"].cumsum(), where="post", color=colour, alpha=0.6, label=bet_type)
    panel.step(bets["kickoff"], bets["profit_loss"].cumsum(), where="post", color="black", label="all, units won")
    expected = bets["clv"].fillna(0.0).cumsum()
    panel.plot(bets["kickoff"], expected, color="black", linestyle="--", label="all, as the close said (CLV)")
    panel.set_ylabel("units, one staked a bet")
    panel.tick_params(axis="x", rotation=25)
    _dress(panel, title)
    return save_figure(figure, path)


def clv_histogram(path: Path, graded: pd.DataFrame, *, title: str) -> Path:
    """Draw how closing line value (EV at the close) is distributed over the bets that have a close; return it."""
    figure, panel = new_figure((_WIDTH, 4.2))
    closed = graded.loc[graded["clv"].notna()]
    values = closed["clv"].to_numpy("float64")
    reach = max(float(np.quantile(np.abs(values), 0.995)), 0.02)
    edges = np.linspace(-reach, reach, 41)
    parts = [(str(name), part["clv"].clip(-reach, reach)) for name, part in closed.groupby("bet_type", sort=True)]
    colours = [_COLOURS.get(name, _GREY) for name, _ in parts]
    panel.hist([part for _, part in parts], bins=edges, stacked=True, color=colours, label=[name for name, _ in parts])
    panel.axvline(0.0, color=_GREY, linewidth=1)
    panel.axvline(values.mean(), color="black", linestyle="--", label=f"mean {values.mean():+.2%}")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    panel.set(xlabel="closing line value of a bet", ylabel="bets")
    _dress(panel, title)
    return save_figure(figure, path)


def reliability(path: Path, scored: pd.DataFrame, *, title: str) -> Path:
    """Draw observed share against published probability of the reference side, by bins of equal mass; return it.

    `scored`: as of `scored_rows`. Dots carry Wilson's 95 % interval; the band is where a calibrated model's lie.
    """
    figure, panel = new_figure((_WIDTH, 4.2))
    p, seen = scored["p"].to_numpy("float64"), scored["y"].to_numpy("float64")
    bins = metrics.reliability_bins(p, seen, weights=halves_of(scored))
    x, y = np.array([b.mean_probability for b in bins]), np.array([b.observed for b in bins])
    band = np.array([(b.consistency_low, b.consistency_high) for b in bins]).T
    wilson = np.array([(b.observed - b.wilson_low, b.wilson_high - b.observed) for b in bins]).T
    panel.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="calibrated")
    panel.fill_between(x, *band, color=_GREY, alpha=0.18, linewidth=0, label="95 % of calibrated models")
    panel.errorbar(x, y, yerr=np.maximum(wilson, 0.0), fmt="o", color=_BLUE, capsize=2, label="observed, 95 %")
    low, high = min(x.min(), y.min()) - 0.1, max(x.max(), y.max()) + 0.1
    panel.set(xlim=(max(low, 0.0), min(high, 1.0)), ylim=(max(low, 0.0), min(high, 1.0)))
    panel.set(xlabel="published probability of the home side, over", ylabel="observed share")
    _dress(panel, title)
    return save_figure(figure, path)


def log_loss_beside_expected(path: Path, scored: pd.DataFrame, days: int, *, title: str) -> Path:
    """Draw the log loss of the trailing `days` and the band it would lie in were every probability right; return it."""
    figure, panel = new_figure((_WIDTH, 4.2))
    rolling = rolling_log_loss(scored, days)
    panel.fill_between(
        rolling["date"], rolling["low"], rolling["high"], color=_GREY, alpha=0.2, linewidth=0, label="expected, 95 %"
    )
    panel.plot(rolling["date"], rolling["expected"], color=_GREY, label="expected before results")
    panel.plot(rolling["date"], rolling["realised"], color=_BLUE, marker=".", markersize=4, label="realised")
    panel.axhline(np.log(2), color=_ORANGE, linewidth=1, linestyle=":", label="a coin's")
    panel.tick_params(axis="x", rotation=25)
    panel.set_ylabel("log loss, nats")
    _dress(panel, title)
    return save_figure(figure, path)


def _dress(panel: Any, title: str) -> None:
    panel.grid(alpha=0.25)
    panel.legend(loc="best", frameon=False, fontsize=8)
    panel.set_title(title, loc="left", fontsize=11)
