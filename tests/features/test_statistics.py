"""Statistics of features by season, and what moved between seasons by them alone."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.statistics import STATISTIC_COLUMNS, feature_statistics, season_shift


def vectors(seed: int) -> pd.DataFrame:
    """Return vectors of eight seasons: `drifts` climbs in the last, `known` goes missing, `flat` never moves."""
    drawn = np.random.default_rng(seed)
    parts = []
    for season in range(2015, 2023):
        n = int(drawn.integers(40, 90))
        known = drawn.normal(0, 1, n)
        known[: n // (2 if season == 2022 else 10)] = np.nan
        parts.append(
            pd.DataFrame(
                {
                    "game_id": [f"{season}-{i}" for i in range(n)],
                    "season": season,
                    "as_of": pd.date_range(f"{season}-09-01", periods=n, freq="h", tz="UTC"),
                    "drifts": drawn.normal(3 if season == 2022 else 0, 2, n),
                    "known": known,
                    "flat": 7.0,
                    "never": np.nan,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("seed", range(5))
def test_seasons_pooled_from_their_statistics_are_the_rows_of_those_seasons(seed):
    rows = vectors(seed)
    found = season_shift(feature_statistics(rows), 2022).set_index("feature")
    now, past = rows[rows["season"] == 2022], rows[rows["season"].between(2017, 2021)]
    for name in ("drifts", "known", "flat"):
        one = found.loc[name]
        assert (one["rows"], one["median"]) == (len(now), pytest.approx(now[name].median()))
        assert one["null_before"] == pytest.approx(past[name].isna().mean())
        assert one["mean_before"] == pytest.approx(past[name].mean())
        if name != "flat":
            assert one["shift"] == pytest.approx((now[name].mean() - past[name].mean()) / past[name].std())
    assert np.isnan(found.loc["flat", "shift"])
    assert np.isnan(found.loc["never", "mean_before"])
    assert found.loc["never", "null_before"] == 1.0
    assert found.index[0] == "drifts"


def test_the_first_season_has_nothing_before_it():
    statistics = feature_statistics(vectors(1))
    found = season_shift(statistics, 2015)
    assert found["shift"].isna().all()
    assert list(statistics.columns) == list(STATISTIC_COLUMNS)
