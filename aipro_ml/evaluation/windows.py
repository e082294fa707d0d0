"""Performance over trailing windows: a week, a month, a quarter, the season."""

from collections.abc import Mapping

import pandas as pd

from aipro_ml import metrics
from aipro_ml.evaluation.expected import expected_log_loss
from aipro_ml.evaluation.performance import ECE_MINIMUM, halves_of, mean_with_interval, scored_rows, week_blocks

WINDOWS: Mapping[str, int] = {"7 days": 7, "30 days": 30, "90 days": 90}
"""Days up to and including the last; `season` is the season of the last game."""

WINDOW_COLUMNS = (
    "bet_type",
    "window",
    "n",
    "scored",
    "log_loss",
    "expected",
    "expected_low",
    "expected_high",
    "as_expected",
    "brier",
    "ece",
    "roi",
    "roi_low",
    "roi_high",
    "mean_clv",
    "clv_low",
    "clv_high",
    "clv_coverage",
)


def windows(graded: pd.DataFrame, until: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Return WINDOW_COLUMNS: a row a bet type and window that ends with the UTC day of `until`, and holds any bets.

    `graded`: as for `summary` and `daily_performance`, with season. Log loss is held against its expected band;
    `as_expected` is missing where nothing is scored. ROI and CLV have 95 % intervals over whole weeks; the calibration
    error needs ECE_MINIMUM scored predictions.
    """
    rows = graded.assign(block=week_blocks(graded)).loc[graded["kickoff"] < until.normalize() + pd.Timedelta(days=1)]
    if rows.empty:
        return pd.DataFrame(columns=list(WINDOW_COLUMNS))
    season = rows.loc[rows["kickoff"].idxmax(), "season"]
    found = []
    for bet_type, part in rows.groupby("bet_type", sort=True):
        spans = {name: part["kickoff"] >= until.normalize() - pd.Timedelta(days=n - 1) for name, n in WINDOWS.items()}
        spans["season"] = part["season"] == season
        found += [_row(str(bet_type), name, part.loc[inside], seed) for name, inside in spans.items() if inside.any()]
    return pd.DataFrame(found, columns=list(WINDOW_COLUMNS))


def _row(bet_type: str, window: str, rows: pd.DataFrame, seed: int) -> tuple[object, ...]:
    scored = scored_rows(rows)
    priced, closed = rows.loc[rows["profit_loss"].notna()], rows.loc[rows["clv"].notna()]
    return (
        bet_type,
        window,
        len(rows),
        len(scored),
        *_scores(scored),
        *mean_with_interval(priced["profit_loss"].to_numpy("float64"), priced["block"], seed),
        *mean_with_interval(closed["clv"].to_numpy("float64"), closed["block"], seed),
        len(closed) / len(rows),
    )


def _scores(scored: pd.DataFrame) -> tuple[object, ...]:
    p, y, halves = scored["p"].to_numpy("float64"), scored["y"].to_numpy("float64"), halves_of(scored)
    if not len(p):
        return (*(float("nan"),) * 4, None, float("nan"), float("nan"))
    band, realised = expected_log_loss(p, halves), metrics.log_loss(p, y, halves)
    ece = metrics.ece(p, y, weights=halves) if len(p) >= ECE_MINIMUM else float("nan")
    return realised, band.mean, band.low, band.high, band.holds(realised), metrics.brier(p, y, halves), ece
