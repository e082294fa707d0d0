"""Statistics of features by season: the yardstick drift is measured with, and what a reader looks at first."""

import numpy as np
import pandas as pd

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
STATISTIC_COLUMNS = (
    "feature_name",
    "season",
    "window_start",
    "window_end",
    "row_count",
    "null_rate",
    "mean",
    "std_dev",
    "minimum",
    "maximum",
    "quantiles",
)


def feature_statistics(vectors: pd.DataFrame) -> pd.DataFrame:
    """Return STATISTIC_COLUMNS, one row a season and feature.

    `vectors`: game_id, season, as_of and one column a feature; of a game decided more than once the last row
    counts. The window runs from the season's first decision time to its last. `std_dev` is that of a sample
    (NaN below two values); `quantiles` is keyed by the level and None where nothing is known.
    """
    last = vectors.sort_values("as_of", kind="stable").drop_duplicates("game_id", keep="last")
    parts = [_of_season(int(str(season)), rows) for season, rows in last.groupby("season", sort=True)]
    if not parts:
        return pd.DataFrame(columns=list(STATISTIC_COLUMNS))
    return pd.concat(parts, ignore_index=True)


def season_shift(statistics: pd.DataFrame, season: int, window: int = 5) -> pd.DataFrame:
    """Return what moved in `season` against the `window` seasons before it, one row a feature of that season.

    `statistics`: STATISTIC_COLUMNS of several seasons. Columns feature, rows, null_rate and null_before (shares), mean,
    std_dev, minimum, median and maximum of the season, mean_before, and `shift`: the mean's move in standard deviations
    of the seasons before, pooled row by row; NaN where nothing was known then. The largest shift first.
    """
    now = statistics.loc[statistics["season"] == season].set_index("feature_name")
    earlier = sorted({int(year) for year in statistics["season"] if year < season})[-window:]
    past = _pooled(statistics.loc[statistics["season"].isin(earlier)]).reindex(now.index)
    table = pd.DataFrame(
        {
            "rows": now["row_count"],
            "null_rate": now["null_rate"],
            "null_before": past["null_rate"],
            **{name: now[name] for name in ("mean", "std_dev", "minimum")},
            "median": [np.nan if levels is None else levels["p50"] for levels in now["quantiles"]],
            "maximum": now["maximum"],
            "mean_before": past["mean"],
            "shift": (now["mean"] - past["mean"]) / past["std_dev"].where(past["std_dev"] > 0),
        }
    )
    order = table["shift"].abs().fillna(-1.0).sort_values(ascending=False, kind="stable").index
    return table.loc[order].rename_axis("feature").reset_index()


def _pooled(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return null_rate, mean and std_dev of each feature over all its seasons, as of their rows together."""
    rows = statistics["row_count"].astype("float64")
    known = rows * (1 - statistics["null_rate"])
    spread = statistics["std_dev"].fillna(0.0) ** 2 * (known - 1).clip(lower=0)
    parts = pd.DataFrame(
        {
            "feature_name": statistics["feature_name"],
            "rows": rows,
            "known": known,
            "sum": known * statistics["mean"].fillna(0.0),
            "square": spread + known * statistics["mean"].fillna(0.0) ** 2,
        }
    )
    total = parts.groupby("feature_name").sum()
    mean = total["sum"] / total["known"].where(total["known"] > 0)
    variance = (total["square"] - total["known"] * mean**2).clip(lower=0) / (total["known"] - 1).where(
        total["known"] > 1
    )
    return pd.DataFrame({"null_rate": 1 - total["known"] / total["rows"], "mean": mean, "std_dev": np.sqrt(variance)})


def _of_season(season: int, rows: pd.DataFrame) -> pd.DataFrame:
    features = rows.drop(columns=["game_id", "season", "as_of"])
    known = features.notna().sum()
    levels = features.quantile(list(QUANTILES))
    return pd.DataFrame(
        {
            "feature_name": features.columns,
            "season": season,
            "window_start": rows["as_of"].min(),
            "window_end": rows["as_of"].max(),
            "row_count": len(rows),
            "null_rate": (1 - known / len(rows)).to_numpy(),
            "mean": features.mean().to_numpy(),
            "std_dev": features.std().to_numpy(),
            "minimum": features.min().to_numpy(),
            "maximum": features.max().to_numpy(),
            "quantiles": [_levels(levels[name]) for name in features.columns],
        }
    )


def _levels(values: pd.Series) -> dict[str, float] | None:
    if values.isna().all():
        return None
    return {f"p{round(100 * level):02d}": float(np.round(value, 12)) for level, value in values.items()}
