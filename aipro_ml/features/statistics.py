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
