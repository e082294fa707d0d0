"""Reliability diagrams as PNG files: before and after calibration, and a small one for every season."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from aipro_ml.calibration.reliability import ReliabilityReport, SeasonReliability
from aipro_ml.files import whole
from aipro_ml.metrics import ReliabilityBin

_COLUMNS = 4
"""Seasons side by side."""
_BLUE, _ORANGE, _GREY = "#2563eb", "#d97706", "#6b7280"


def reliability_diagram(
    path: Path, before: ReliabilityReport, after: ReliabilityReport | None = None, *, title: str
) -> Path:
    """Draw the bins before, and beside them after calibration, as `reliability_panels` does."""
    reports = {"before": before} if after is None else {"before": before, "after": after}
    return reliability_panels(path, reports, title=title)


def reliability_panels(path: Path, reports: Mapping[str, ReliabilityReport], *, title: str) -> Path:
    """Draw observed share against mean probability of each bin into `path`, a panel a report; return it.

    Dots carry Wilson's 95 % interval; the grey band is where the dots of a calibrated model would lie.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(reports), 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(reports), squeeze=False, sharex=True, sharey=True)[0]
    low, high = _limits([b for report in reports.values() for b in report.bins])
    for panel, (name, report), colour in zip(panels, reports.items(), cycle((_ORANGE, _BLUE)), strict=False):
        _draw(panel, report.bins, colour)
        panel.legend(loc="upper left", fontsize=8, frameon=False)
        panel.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="mean predicted probability")
        panel.set_title(f"{name}: {_figures(report)}", fontsize=9, loc="left")
    panels[0].set_ylabel("observed share")
    figure.suptitle(title, fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as draft:
        figure.savefig(draft, dpi=110, format="png")
    return path


def season_diagrams(path: Path, report: ReliabilityReport, *, title: str) -> Path:
    """Draw one small reliability diagram a season, all on the same axes, into `path`; return it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seasons = report.seasons
    columns = min(_COLUMNS, len(seasons))
    lines = -(-len(seasons) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.4, 3.3 * lines + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    low, high = _limits([b for season in seasons for b in season.bins])
    for panel, season in zip(panels, seasons, strict=False):
        _draw(panel, season.bins, _BLUE)
        panel.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        panel.set_title(_season_figures(season), fontsize=8, loc="left")
    for panel in panels[len(seasons) - columns : len(seasons)]:  # the lowest of each column, above an empty place too
        panel.tick_params(labelbottom=True)
    for panel in panels[len(seasons) :]:
        panel.set_visible(False)
    figure.supxlabel("mean predicted probability", fontsize=9)
    figure.supylabel("observed share", fontsize=9)
    figure.suptitle(title, fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as draft:
        figure.savefig(draft, dpi=110, format="png")
    return path


def _season_figures(season: SeasonReliability) -> str:
    fit = season.fit
    slope = "" if np.isnan(fit.slope) else f", slope {fit.slope:.2f} ± {fit.slope_se:.2f}"
    return (
        f"{season.season}: n {season.n}{slope}\nECE {season.ece:.3f} (calibrated: {season.ece_null.mean:.3f}), "
        f"z {season.spiegelhalter_z:+.2f}"
    )


def _draw(panel: Any, bins: Sequence[ReliabilityBin], colour: str) -> None:
    x = np.array([b.mean_probability for b in bins])
    y = np.array([b.observed for b in bins])
    below = y - np.array([b.wilson_low for b in bins])
    above = np.array([b.wilson_high for b in bins]) - y
    panel.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="calibrated")
    panel.fill_between(
        x,
        [b.consistency_low for b in bins],
        [b.consistency_high for b in bins],
        color=_GREY,
        alpha=0.18,
        linewidth=0,
        label="95 % of calibrated models",
    )
    panel.errorbar(
        x,
        y,
        yerr=np.maximum([below, above], 0.0),
        fmt="o",
        color=colour,
        capsize=2,
        label="observed, 95 %",
    )
    panel.grid(alpha=0.25)


def _figures(report: ReliabilityReport) -> str:
    return (
        f"n {report.n}, log loss {report.log_loss:.4f}, slope {report.fit.slope:.2f} ± "
        f"{report.fit.slope_se:.2f}\nECE {report.ece:.3f} (calibrated: {report.ece_null.mean:.3f}), "
        f"z {report.spiegelhalter_z:+.2f}"
    )


def _limits(bins: Sequence[ReliabilityBin]) -> tuple[float, float]:
    low = min(min(b.wilson_low, b.mean_probability, b.consistency_low) for b in bins)
    high = max(max(b.wilson_high, b.mean_probability, b.consistency_high) for b in bins)
    return max(0.0, low - 0.03), min(1.0, high + 0.03)
