"""The reliability diagram, before and after calibration, as a PNG file."""

from pathlib import Path
from typing import Any

import numpy as np

from aipro_ml.calibration.reliability import ReliabilityReport

_BLUE, _ORANGE, _GREY = "#2563eb", "#d97706", "#6b7280"


def reliability_diagram(
    path: Path, before: ReliabilityReport, after: ReliabilityReport | None = None, *, title: str
) -> Path:
    """Draw observed share against mean probability of each bin into `path`; return it.

    Dots carry Wilson's 95 % interval; the grey band is where the dots of a calibrated model would lie.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    reports = {"before": before} if after is None else {"before": before, "after": after}
    figure = Figure(figsize=(5.2 * len(reports), 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(reports), squeeze=False, sharex=True, sharey=True)[0]
    low, high = _limits(list(reports.values()))
    for panel, (name, report), colour in zip(panels, reports.items(), (_ORANGE, _BLUE), strict=False):
        _draw(panel, report, colour)
        panel.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="mean predicted probability")
        panel.set_title(f"{name}: {_figures(report)}", fontsize=9, loc="left")
    panels[0].set_ylabel("observed share")
    figure.suptitle(title, fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _draw(panel: Any, report: ReliabilityReport, colour: str) -> None:
    x = np.array([b.mean_probability for b in report.bins])
    y = np.array([b.observed for b in report.bins])
    below = y - np.array([b.wilson_low for b in report.bins])
    above = np.array([b.wilson_high for b in report.bins]) - y
    panel.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="calibrated")
    panel.fill_between(
        x,
        [b.consistency_low for b in report.bins],
        [b.consistency_high for b in report.bins],
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
    panel.legend(loc="upper left", fontsize=8, frameon=False)
    panel.grid(alpha=0.25)


def _figures(report: ReliabilityReport) -> str:
    return (
        f"n {report.n}, log loss {report.log_loss:.4f}, slope {report.fit.slope:.2f} ± "
        f"{report.fit.slope_se:.2f}\nECE {report.ece:.3f} (calibrated: {report.ece_null.mean:.3f}), "
        f"z {report.spiegelhalter_z:+.2f}"
    )


def _limits(reports: list[ReliabilityReport]) -> tuple[float, float]:
    bins = [b for report in reports for b in report.bins]
    low = min(min(b.wilson_low, b.mean_probability, b.consistency_low) for b in bins)
    high = max(max(b.wilson_high, b.mean_probability, b.consistency_high) for b in bins)
    return max(0.0, low - 0.03), min(1.0, high + 0.03)
