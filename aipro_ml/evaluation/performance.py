"""How good published predictions were: daily scores a model, money and closing line value by tier."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.enums import REFERENCE_SIDE, BetResult, RunMode

ECE_WINDOW = 500
"""`calibration_error` looks at the last so many scored predictions of the model …"""
ECE_MINIMUM = 200
"""… and is NaN below so many: ECE on fewer rows is noise (methods §7)."""

DAILY_COLUMNS = (
    "model_id",
    "date",
    "accuracy",
    "auc",
    "log_loss",
    "brier_score",
    "calibration_error",
    "predictions_count",
)
SUMMARY_COLUMNS = (
    "n",
    "win",
    "loss",
    "push",
    "hit_rate",
    "hit_low",
    "hit_high",
    "units",
    "roi",
    "roi_low",
    "roi_high",
    "mean_clv",
    "clv_low",
    "clv_high",
    "clv_coverage",
    "weeks",
)

_DECIDED = {
    str(BetResult.WIN): (1.0, 1.0),
    str(BetResult.HALF_WIN): (1.0, 0.5),
    str(BetResult.LOSS): (0.0, 1.0),
    str(BetResult.HALF_LOSS): (0.0, 0.5),
}
"""Whether the decided stake was won, and how much of the stake was decided."""

_STAKE = {result: stake for result, (_, stake) in _DECIDED.items()}
_WON = (str(BetResult.WIN), str(BetResult.HALF_WIN))
_LOST = (str(BetResult.LOSS), str(BetResult.HALF_LOSS))


def last_before_kickoff(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return, per model and game (a model has one bet type), the last prediction published before kick-off.

    Columns needed: model_id, game_id, as_of, kickoff, seq. Equal as_of: the later ledger row.
    """
    in_time = predictions.loc[predictions["as_of"] < predictions["kickoff"]]
    ordered = in_time.sort_values(["as_of", "seq"], kind="stable")
    return ordered.drop_duplicates(["model_id", "game_id"], keep="last").sort_index()


def daily_performance(graded: pd.DataFrame) -> pd.DataFrame:
    """Return DAILY_COLUMNS: one row per model and UTC date of kick-off with at least one scored prediction.

    Live and back-filled predictions (`mode`, where told) are never added up: a day with live ones is theirs alone, and
    the trailing window holds those of one mode.

    `graded`: rows of `last_before_kickoff` with bet_type, predicted_side, probability (of that side) and
    actual_result. Scored is the reference side, each game once; pushes are not scored. `auc` is NaN on a day
    with one outcome only; `calibration_error` is the ECE over the trailing ECE_WINDOW.
    """
    scored = scored_rows(graded)
    is_live = scored["mode"] == str(RunMode.LIVE)
    rows = [
        _day(str(model_id), day, today, model.loc[model["date"] <= day])
        for part in (scored.loc[is_live], scored.loc[~is_live])
        for model_id, model in part.groupby("model_id")
        for day, today in model.groupby("date")
    ]
    days = pd.DataFrame(rows, columns=list(DAILY_COLUMNS)).drop_duplicates(["model_id", "date"])
    return days.sort_values(["model_id", "date"], ignore_index=True)


def summary(graded: pd.DataFrame, by: list[str], seed: int) -> pd.DataFrame:
    """Return SUMMARY_COLUMNS for each group of columns `by` (such as bet_type, signal_tier).

    `graded` needs game_id, kickoff, actual_result, profit_loss and clv, and season and week where the sport counts
    weeks. One unit is staked a priced bet: `units` is their sum, `roi` units a bet (pushes included); `hit_rate` is the
    share of the decided stakes that was won. `clv_coverage` is the share of rows with a close. The 95 % intervals
    resample whole weeks, whose bets hang together; of a single week there is none.
    """
    groups = graded.assign(block=week_blocks(graded)).groupby(by, observed=True, sort=True, dropna=False)
    rows = {key: _totals(group, seed) for key, group in groups}
    index = (
        pd.MultiIndex.from_tuples([*rows], names=by) if rows else pd.MultiIndex.from_arrays([[]] * len(by), names=by)
    )
    return pd.DataFrame([*rows.values()], index=index, columns=list(SUMMARY_COLUMNS)).reset_index()


def week_blocks(rows: pd.DataFrame) -> pd.Series:
    """Return the week each row's game belongs to, as text: the sport's own where it counts them, else the ISO week."""
    iso = rows["kickoff"].dt.tz_convert("UTC").dt.strftime("%G-W%V")
    if "week" not in rows or "season" not in rows:
        return iso
    counted = rows["season"].astype(str) + " week " + rows["week"].astype(str)
    return counted.where(rows["week"].notna(), iso)


def scored_rows(graded: pd.DataFrame) -> pd.DataFrame:
    """Return model_id, bet_type, mode, season, date, kickoff, game_id, p and y of the reference side, by kick-off.

    Only rows that won or lost; `weight` is ½ where half of the stake came back, else 1. `season` is 0 and `mode` live
    where it is not told.
    """
    result = graded["actual_result"].astype(object)
    rows = graded.loc[result.isin(_WON + _LOST)]
    reference = rows["predicted_side"].isin([str(side) for side in REFERENCE_SIDE.values()])
    won = rows["actual_result"].isin(_WON)
    scored = pd.DataFrame(
        {
            "model_id": rows["model_id"].astype(str),
            "bet_type": rows["bet_type"].astype(str),
            "mode": rows["mode"].astype(str) if "mode" in rows else str(RunMode.LIVE),
            "season": rows["season"] if "season" in rows else pd.Series(0, index=rows.index),
            "kickoff": rows["kickoff"],
            "date": rows["kickoff"].dt.tz_convert("UTC").dt.date,
            "game_id": rows["game_id"].astype(str),
            "p": rows["probability"].where(reference, 1 - rows["probability"]).astype("float64"),
            "y": won.where(reference, ~won).astype("float64"),
            "weight": rows["actual_result"].astype(str).map(_STAKE).astype("float64"),
        }
    )
    return scored.sort_values(["kickoff", "game_id"], kind="stable")


def halves_of(scored: pd.DataFrame) -> np.ndarray | None:
    """Return the `weight` (n,) of `scored_rows` where half of some stake came back, else None."""
    weight = scored["weight"].to_numpy("float64")
    return weight if (weight < 1.0).any() else None


def _day(model_id: str, day: Hashable, today: pd.DataFrame, until: pd.DataFrame) -> tuple[object, ...]:
    p, y, w = today["p"].to_numpy(), today["y"].to_numpy(), halves_of(today)
    window = until.tail(ECE_WINDOW)
    enough = len(window) >= ECE_MINIMUM
    ece = metrics.ece(window["p"], window["y"], weights=halves_of(window)) if enough else float("nan")
    scores = (f(p, y, w) for f in (metrics.accuracy, metrics.auc, metrics.log_loss, metrics.brier))
    return (model_id, day, *scores, ece, len(today))


def _totals(group: pd.DataFrame, seed: int) -> tuple[object, ...]:
    result = group["actual_result"].astype(object)
    priced, closed = group.loc[group["profit_loss"].notna()], group.loc[group["clv"].notna()]
    decided = group.loc[result.isin(list(_DECIDED))]
    hits = np.array([_DECIDED[str(one)] for one in decided["actual_result"]]).reshape(-1, 2)
    return (
        len(group),
        int(result.isin(_WON).sum()),
        int(result.isin(_LOST).sum()),
        int((result == str(BetResult.PUSH)).sum()),
        *mean_with_interval(hits[:, 0], decided["block"], seed, weights=hits[:, 1]),
        float(priced["profit_loss"].sum()),
        *mean_with_interval(priced["profit_loss"].to_numpy("float64"), priced["block"], seed),
        *mean_with_interval(closed["clv"].to_numpy("float64"), closed["block"], seed),
        len(closed) / len(group),
        int(group["block"].nunique()),
    )


def mean_with_interval(
    values: np.ndarray, blocks: pd.Series, seed: int, *, weights: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Return the (weighted) mean of values (n,) and its 95 % interval over resampled blocks; NaN where unknown."""
    if not len(values):
        return (float("nan"),) * 3
    mean = float(np.average(values, weights=weights))
    if blocks.nunique() < 2:
        return mean, float("nan"), float("nan")
    low, high = metrics.block_bootstrap_interval(values, blocks.to_numpy(dtype=str), seed=seed, weights=weights)
    return mean, low, high
