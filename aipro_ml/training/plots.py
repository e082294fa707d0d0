"""Pictures of a training: what the model looks at, and its skill against the market season by season."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.errors import UsageError
from aipro_ml.files import whole
from aipro_ml.training.oof import losses, market_rows, weights

_BLUE = "#2563eb"
_PALETTE = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777")


def importance_chart(path: Path, importance: pd.Series, *, title: str, top: int = 20) -> Path:
    """Draw the `top` features by importance as shares of the whole into `path`; return it."""
    total = float(importance.sum())
    shares = importance / total if total > 0 else importance
    shown = shares.sort_values(ascending=False, kind="stable").head(top).iloc[::-1]
    figure, panel = new_figure((7.0, 1.2 + 0.27 * len(shown)))
    panel.barh([str(name) for name in shown.index], shown.to_numpy("float64"), color=_BLUE)
    panel.set_xlabel("share of importance")
    panel.tick_params(axis="y", labelsize=8)
    panel.grid(axis="x", alpha=0.25)
    panel.set_title(title, loc="left", fontsize=11)
    return save_figure(figure, path)


def skill_by_season(path: Path, oofs: Mapping[str, pd.DataFrame], *, title: str) -> Path:
    """Draw each out-of-fold frame's log loss minus the market's a season, with two standard errors.

    Only games with a market probability count; UsageError where there is none.
    """
    figure, panel = new_figure((8.0, 4.2))
    panel.axhline(0.0, color="#111827", linewidth=1)
    offsets = np.linspace(-0.18, 0.18, len(oofs)) if len(oofs) > 1 else np.zeros(1)
    for number, ((name, oof), offset) in enumerate(zip(oofs.items(), offsets, strict=True)):
        skill = season_skill(oof)
        panel.errorbar(
            skill.index.to_numpy("float64") + offset,
            skill["mean"].to_numpy("float64"),
            yerr=2 * skill["se"].to_numpy("float64"),
            fmt="o",
            capsize=2,
            color=_PALETTE[number % len(_PALETTE)],
            label=name,
        )
    panel.set_ylabel("log loss − market's (nats; below 0 beats it)")
    panel.set_xlabel("season")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.legend(fontsize=8, frameon=False)
    panel.grid(alpha=0.25)
    panel.set_title(title, loc="left", fontsize=11)
    return save_figure(figure, path)


def season_skill(oof: pd.DataFrame) -> pd.DataFrame:
    """Return the paired log loss difference to the market by season (index season; columns mean se n)."""
    known = oof[oof["market_prob"].notna() & oof["p"].notna()]
    if len(known) == 0:
        raise UsageError("no game has a market probability: there is no skill against the market to draw")
    rows = {}
    for season, games in known.groupby("season", sort=True):
        paired = metrics.paired_difference(losses(games), losses(market_rows(games)), weights(games))
        rows[int(season)] = {"mean": paired.mean, "se": paired.se, "n": paired.n}
    return pd.DataFrame.from_dict(rows, orient="index")


def new_figure(size: tuple[float, float]) -> tuple[Any, Any]:
    """Return a figure of `size` in inches, drawn without a screen, and its one panel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def save_figure(figure: Any, path: Path) -> Path:
    """Write `figure` as `path` (its folder created if absent), whole or not at all, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as draft:
        figure.savefig(draft, dpi=110, format=path.suffix.removeprefix(".") or "png")
    return path
