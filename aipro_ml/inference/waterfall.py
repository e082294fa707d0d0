"""A prediction's explanation as a waterfall: from the model's base to the published log-odds, a bar a contribution."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aipro_ml.calibration.logits import expit
from aipro_ml.inference.explain import TERMS
from aipro_ml.training.plots import new_figure, save_figure

_FOR, _AGAINST, _SUM = "#2563eb", "#c2410c", "#374151"
_BASE, _LAST = "(base)", ("(rest)", "(calibration)", "(blend)")
_WORDS = {
    _BASE: "base",
    "(rest)": "all other features",
    "(calibration)": "calibration",
    "(blend)": "market blend",
}


def waterfall(path: Path, rows: Sequence[Mapping[str, Any]], *, title: str) -> Path:
    """Draw the explanation rows of one prediction (EXPLANATION_COLUMNS) into `path`; return it.

    From the base over the features, largest first, to what calibration and the market added; the last bar is their
    sum, the log-odds of the published probability.
    """
    shown = _in_order(rows)
    values = np.array([float(row["shap_value"]) for row in shown])
    ends = np.cumsum(values)
    starts = ends - values
    figure, panel = new_figure((8.0, 1.6 + 0.34 * (len(shown) + 1)))
    place = np.arange(len(shown))
    panel.barh(place, values, left=starts, color=[_FOR if value >= 0 else _AGAINST for value in values], height=0.62)
    panel.barh([len(shown)], [ends[-1]], color=_SUM, height=0.62)
    for row, end in zip(place, ends, strict=True):
        panel.plot([end, end], [row - 0.31, row + 1.31], color="#9ca3af", linewidth=0.8)
    _labels(panel, starts, values, float(ends[-1]))
    panel.set_yticks([*place, len(shown)], [*map(_name, shown), "published"], fontsize=8)
    panel.invert_yaxis()
    panel.axvline(0.0, color="#111827", linewidth=1)
    reach = np.concatenate([starts, ends, [0.0]])
    room = 0.14 * (float(np.ptp(reach)) or 1.0)  # for the figures beside the bars
    panel.set_xlim(reach.min() - room, reach.max() + room)
    panel.set_xlabel("log-odds of the predicted side")
    panel.grid(axis="x", alpha=0.25)
    panel.set_title(f"{title}: {expit(np.array([ends[-1]]))[0]:.1%}", loc="left", fontsize=11)
    return save_figure(figure, path)


def _in_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the base, the features by rank, then the other terms in the order they come in."""
    named = {str(row["feature_name"]): row for row in rows}
    features = sorted((row for row in rows if row["feature_name"] not in TERMS), key=lambda row: int(row["rank"]))
    return [named[_BASE], *features, *(named[name] for name in _LAST)]


def _name(row: Mapping[str, Any]) -> str:
    name, value = str(row["feature_name"]), row["feature_value"]
    if name in _WORDS:
        return _WORDS[name]
    return f"{name} = {'unknown' if value is None or np.isnan(float(value)) else format(float(value), '.4g')}"


def _labels(panel: Any, starts: np.ndarray, values: np.ndarray, total: float) -> None:
    """Write each contribution beside its bar, on the side it points to."""
    for row, (start, value) in enumerate([*zip(starts, values, strict=True), (0.0, total)]):
        sign = 1 if value >= 0 else -1
        panel.annotate(
            f"{value:+.3f}",
            (start + value, row),
            xytext=(4 * sign, 0),
            textcoords="offset points",
            va="center",
            ha="left" if sign > 0 else "right",
            fontsize=7.5,
        )
