"""The leaderboard: candidates and baselines scored on the very same games, each against the market."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml import metrics
from aipro_ml.errors import UsageError
from aipro_ml.metrics import multiclass
from aipro_ml.training.oof import (
    Floats,
    is_three_way,
    losses,
    mean,
    outcomes_seen,
    probabilities,
    reference_rows,
    weights,
)

MARKET = "market"
BLEND = "blend"
BASELINE = "baseline"
"""What stands in the column `framework` of a row that is no model."""


@dataclass(frozen=True)
class Entry:
    """A contestant: its out-of-fold frame (`oof.OOF_COLUMNS`)."""

    name: str
    framework: str
    oof: pd.DataFrame


@dataclass(frozen=True)
class LeaderboardRow:
    """One row; its difference to the market is paired a game, in nats (negative is better).

    The 95 % interval resamples whole weeks. None where no game has a market probability. `ece_null` is
    the ECE that a perfectly calibrated model with these probabilities shows on average. On three-way markets log
    loss, Brier and accuracy are over all outcomes, AUC and ECE of home; `rps` is None on two-way ones.
    """

    name: str
    framework: str
    n: int
    log_loss: float
    brier: float
    auc: float
    accuracy: float
    ece: float
    ece_null: float
    delta_log_loss_vs_market: float | None
    ci_low: float | None
    ci_high: float | None
    rps: float | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the row as a mapping in column order; NaN (an AUC of one class) becomes None."""
        named = asdict(self)
        rps = named.pop("rps")
        if rps is not None:  # beside the other scores; two-way it would repeat the Brier score
            named = {**{name: named.pop(name) for name in ("name", "framework", "n", "log_loss")}, "rps": rps, **named}
        return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in named.items()}


def baseline_entries(oofs: Mapping[str, pd.DataFrame]) -> list[Entry]:
    """Return the entries of `baselines.baselines`."""
    return [Entry(name, BASELINE, oof) for name, oof in oofs.items()]


def leaderboard(entries: Sequence[Entry], seed: int) -> tuple[LeaderboardRow, ...]:
    """Return the rows by log loss, best first, all on the games `common_games` names."""
    games = common_games(entries)
    frames = [(entry, entry.oof.loc[games]) for entry in entries]
    market = next((oof for entry, oof in frames if entry.name == MARKET), None)
    rows = (_row(entry, oof, market, seed) for entry, oof in frames)
    return tuple(sorted(rows, key=lambda row: (row.log_loss, row.name)))


def common_games(entries: Sequence[Entry]) -> pd.Index:
    """Return the test games for which every entry has a probability, in the first entry's order.

    With the market among the entries these are the labelled games with a market probability; without it all
    labelled games. UsageError where there are none, or where two entries have one name.
    """
    if len({entry.name for entry in entries}) != len(entries) or not entries:
        raise UsageError("a leaderboard needs entries, each with a name of its own")
    known = [entry.oof.index[entry.oof["p"].notna()] for entry in entries]
    games = reduce(lambda kept, index: kept[kept.isin(index)], known)
    if len(games) == 0:
        raise UsageError("no test game has a probability from every candidate and baseline")
    return games


def season_weeks(oof: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the block of each row, one a week of a season; rows without a week share their season's."""
    weeks = oof["week"].to_numpy("float64")
    return np.asarray(oof["season"].to_numpy("float64") * 1000 + np.nan_to_num(weeks, nan=0.0))


def _row(entry: Entry, oof: pd.DataFrame, market: pd.DataFrame | None, seed: int) -> LeaderboardRow:
    delta, low, high = (None, None, None) if market is None else difference(market, oof, seed)
    return LeaderboardRow(
        name=entry.name,
        framework=entry.framework,
        n=len(oof),
        **scores(oof, seed),
        delta_log_loss_vs_market=delta,
        ci_low=low,
        ci_high=high,
    )


def scores(oof: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return the scores of one frame; a half-decided row counts half."""
    weight = weights(oof)
    p, won = oof["p"].to_numpy("float64"), reference_rows(oof)["y"].to_numpy("float64")
    return {
        "log_loss": mean(losses(oof), weight),
        **_other_scores(oof, weight),
        "auc": metrics.auc(p, won, weight),
        "ece": metrics.ece(p, won, weights=weight),
        "ece_null": metrics.ece_null(p, seed=seed, weights=weight).mean,
    }


def _other_scores(oof: pd.DataFrame, weight: Floats | None) -> dict[str, float]:
    p, y = oof["p"].to_numpy("float64"), oof["y"].to_numpy("float64")
    if is_three_way(oof):
        said, seen = probabilities(oof), outcomes_seen(oof)
        rows = {
            "brier": multiclass.brier_scores(said, seen),
            "rps": multiclass.ranked_probability_scores(said, seen),
            "accuracy": multiclass.hits(said, seen),
        }
    else:
        rows = {"brier": (p - y) ** 2, "accuracy": ((p >= 0.5) == (y == 1)).astype("float64")}
    return {name: mean(values, weight) for name, values in rows.items()}


def difference(reference: pd.DataFrame, oof: pd.DataFrame, seed: int) -> tuple[float, float, float]:
    """Return the mean log loss of `oof` over `reference` on the same games, and its 95 % interval by weeks."""
    paired, weight = losses(oof) - losses(reference), weights(oof)
    low, high = metrics.block_bootstrap_interval(paired, season_weeks(oof), seed=seed, weights=weight)
    return mean(paired, weight), low, high
