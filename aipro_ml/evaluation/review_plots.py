"""Pictures for the review of a training: which games each fold learned from, and what moves a model's log-odds."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.plots import new_figure, save_figure
from aipro_ml.training.splits import Folds, trainable

_TRAIN, _TEST, _PURGED, _GREY = "#2563eb", "#d97706", "#b91c1c", "#9ca3af"


def fold_table(matrix: FeatureMatrix, folds: Folds, train_from: int | None) -> pd.DataFrame:
    """Return one row a fold and season: `test_season season train test purged` (games).

    Purged are labelled games of earlier seasons whose result was not known at the fold's first decision.
    """
    season = matrix.meta["season"].to_numpy("int64")
    usable = np.zeros(len(season), dtype="bool")
    usable[trainable(matrix, train_from)] = True
    rows = []
    for fold in folds:
        train, test = np.zeros(len(season), dtype="bool"), np.zeros(len(season), dtype="bool")
        train[fold.train], test[fold.test] = True, True
        purged = usable & ~train & (season < fold.season)
        for each in np.unique(season[usable & (season <= fold.season)]):
            here = season == each
            counts = {name: int((mask & here).sum()) for name, mask in (("train", train), ("test", test))}
            rows.append(
                {"test_season": fold.season, "season": int(each), **counts, "purged": int((purged & here).sum())}
            )
    return pd.DataFrame(rows, columns=["test_season", "season", "train", "test", "purged"])


def fold_picture(path: Path, table: pd.DataFrame, *, title: str) -> Path:
    """Draw `fold_table`: a row a fold, a column a season, with the games of each into `path`; return it."""
    tested = sorted(table["test_season"].unique())
    seasons = sorted(table["season"].unique())
    figure, panel = new_figure((2.2 + 0.42 * len(seasons), 1.6 + 0.34 * len(tested)))
    for row in table.itertuples():
        x, y = seasons.index(row.season), tested.index(row.test_season)
        colour = _TEST if row.test else _TRAIN if row.train else _PURGED
        panel.add_patch(_cell(x, y, colour))
        panel.text(x, y, str(row.test or row.train), ha="center", va="center", fontsize=6, color="white")
        if row.purged:
            panel.text(x + 0.42, y - 0.36, f"−{row.purged}", ha="right", va="top", fontsize=5, color="white")
    panel.set(xlim=(-0.6, len(seasons) - 0.4), ylim=(len(tested) - 0.4, -0.6))
    panel.set_xticks(range(len(seasons)), [str(each) for each in seasons], rotation=90, fontsize=7)
    panel.set_yticks(range(len(tested)), [str(each) for each in tested], fontsize=7)
    panel.set_xlabel("season of the games")
    panel.set_ylabel("fold: season tested")
    _key(panel, {"trained on": _TRAIN, "tested": _TEST, "purged (−n in a cell: so many of it)": _PURGED})
    panel.set_title(title, loc="left", fontsize=11)
    return save_figure(figure, path)


def beeswarm(path: Path, contributions: pd.DataFrame, X: pd.DataFrame, *, title: str, top: int = 12) -> Path:
    """Draw the `top` features' contributions (columns features, in log-odds of outcome 0) into `path`; return it.

    A dot is a game, its colour how large the feature's value is among them (grey: unknown).
    """
    size = contributions.abs().mean().sort_values(ascending=False, kind="stable").head(top)
    figure, panel = new_figure((8.0, 1.3 + 0.36 * len(size)))
    panel.axvline(0.0, color=_GREY, linewidth=1)
    for place, name in enumerate(size.index):
        values = contributions[name].to_numpy("float64")
        rank = X[name].rank(pct=True).to_numpy("float64")
        y = place + _spread(values)
        known = np.isfinite(rank)
        panel.scatter(values[~known], y[~known], s=7, color=_GREY, linewidths=0)
        dots = panel.scatter(values[known], y[known], s=7, c=rank[known], cmap="coolwarm", vmin=0, vmax=1, linewidths=0)
    panel.set_yticks(range(len(size)), [str(name) for name in size.index], fontsize=8)
    panel.set_ylim(len(size) - 0.4, -0.6)
    panel.set_xlabel("contribution to the log-odds of the reference side")
    panel.grid(axis="x", alpha=0.25)
    bar = figure.colorbar(dots, ax=panel, aspect=40, pad=0.01)
    bar.set_ticks([0, 1], labels=["low", "high"])
    bar.set_label("value of the feature", fontsize=8)
    panel.set_title(title, loc="left", fontsize=11)
    return save_figure(figure, path)


def _spread(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far each dot moves off its line, so that dots of one place lie beside each other."""
    if not len(values) or np.ptp(values) == 0:
        return np.zeros(len(values))
    bins = np.minimum((60 * (values - values.min()) / np.ptp(values)).astype("int64"), 59)
    order = pd.Series(bins).groupby(bins).cumcount().to_numpy("float64")
    side = np.where(order % 2 == 0, 1.0, -1.0) * np.ceil(order / 2)
    widest = float(np.abs(side).max())
    return np.asarray(side * (0.38 / max(widest, 8.0)))


def _cell(x: int, y: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, facecolor=colour, linewidth=0)


def _key(panel: Any, colours: dict[str, str]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    panel.legend(handles=handles, fontsize=7, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.22))
