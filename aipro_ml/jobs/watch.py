"""Watching features: drift of their distributions, and skew between what was served and what is known now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import feature_store, feature_vectors, reference
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.drift import DriftRule, drift
from aipro_ml.features.history import History
from aipro_ml.features.rows import feature_rows
from aipro_ml.features.sport import Sport, sport
from aipro_ml.features.statistics import season_shift
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.vectors import set_name


@dataclass(frozen=True)
class SkewReport:
    """Of one bet type: how many served rows were held against a recomputation, and what differed.

    `not_kept`: published before served vectors were stored, or by other code. `values`: feature values stored with
    the explanations, each checked too. `difference` says the first one.
    """

    bet_type: BetType
    predictions: int
    checked: int
    not_kept: int
    different: int
    values: int
    values_different: int
    difference: str

    @property
    def is_skewed(self) -> bool:
        """Return whether anything served differs from what is computed now."""
        return bool(self.different or self.values_different)


def feature_drift(
    engine: Engine, code: str, bet_type: BetType, season: int | None = None, rule: DriftRule | None = None
) -> pd.DataFrame:
    """Return `features.drift.drift` of a season (default the last stored) against those stored before it.

    UsageError where nothing is stored of it, or nothing before it.
    """
    with engine.connect() as connection:
        name, found = _active_set(connection, sport(code), bet_type)
        vectors = feature_vectors.vector_values(connection, found["id"])
    vectors = vectors.drop_duplicates("game_id", keep="last").reset_index(drop=True)
    wanted = int(vectors["season"].max()) if season is None else season
    seasons = sorted(vectors["season"].unique())
    if wanted not in seasons or wanted == seasons[0]:
        raise UsageError(f"season {wanted} of {name} needs stored rows and some before it; stored: {_span(seasons)}")
    return drift(vectors[list(found["feature_names"])], vectors["season"], wanted, rule)


def feature_shift(engine: Engine, code: str, bet_type: BetType, season: int | None = None) -> tuple[int, pd.DataFrame]:
    """Return (season, `features.statistics.season_shift`) of a season (default the last) by the stored statistics.

    UsageError where none are stored of it.
    """
    with engine.connect() as connection:
        name, found = _active_set(connection, sport(code), bet_type)
        stored = feature_vectors.statistics_of(connection, found["id"])
    seasons = sorted({int(year) for year in stored["season"]})
    wanted = season if season is not None or not seasons else seasons[-1]
    if wanted is None or wanted not in seasons:
        raise UsageError(f"no statistics of {name} in season {wanted} are stored; stored: {_span(seasons)}")
    return wanted, season_shift(stored, wanted)


def _active_set(connection: Connection, league: Sport, bet_type: BetType) -> tuple[str, Mapping[str, Any]]:
    """Return name and row of the set with all features of a bet type; UsageError where none is stored."""
    reference.sport_id(connection, league.code)
    name = set_name(league, bet_type, league.columns())
    sets = feature_store.sets_of(connection, league.code, bet_type.value, name)
    if not sets:
        raise UsageError(f"no features of {name} are stored: run `aipro features build --sport {league.code}`")
    return name, sets[0]


def _span(seasons: Sequence[Any]) -> str:
    return f"{seasons[0]} to {seasons[-1]}" if seasons else "none"


def feature_skew(
    engine: Engine, code: str, bet_types: Sequence[BetType], on_step: Callable[[int, int], None] = lambda *_: None
) -> list[SkewReport]:
    """Compute every served row again, as of its decision, from the database as it is; one report a bet type."""
    league = sport(code)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        history = History(load_records(connection, league.code))
        reports = []
        for done, bet_type in enumerate(bet_types, start=1):
            reports.append(_skew(connection, league, bet_type, history))
            on_step(done, len(bet_types))
    return reports


def _skew(connection: Connection, league: Sport, bet_type: BetType, history: History) -> SkewReport:
    names = _served_columns(connection, league, bet_type)
    parts = [_skew_of_columns(connection, league, bet_type, history, columns) for columns in names]
    counts = ("predictions", "checked", "not_kept", "different", "values", "values_different")
    totals = {name: sum(int(getattr(part, name)) for part in parts) for name in counts}
    first = next((part.difference for part in parts if part.difference), "")
    return SkewReport(bet_type=bet_type, **totals, difference=first)


def _served_columns(connection: Connection, league: Sport, bet_type: BetType) -> list[tuple[str, ...]]:
    """Return the feature columns of the models that have published."""
    served = feature_vectors.served_vectors(connection, league.code, bet_type.value, "")
    return sorted({tuple(each) for each in served["features"]})


def _skew_of_columns(
    connection: Connection, league: Sport, bet_type: BetType, history: History, columns: tuple[str, ...]
) -> SkewReport:
    served = _served(connection, league, bet_type, columns)
    kept = served.loc[served["feature_values"].notna()].reset_index(drop=True)
    fresh = feature_rows(kept, history, league, columns) if len(kept) else pd.DataFrame(columns=list(columns))
    stored = pd.DataFrame(
        np.array(kept["feature_values"].tolist(), dtype=np.float64).reshape(len(kept), len(columns)),
        columns=list(columns),
    )
    differs = _unequal(stored, fresh)
    explained = feature_vectors.explained_values(connection, league.code, bet_type.value)
    values = _with_fresh(explained, kept, fresh)
    wrong = ~((values["feature_value"] == values["now"]) | (values["feature_value"].isna() & values["now"].isna()))
    first = _first_difference(kept, stored, fresh, differs) or _first_value(values.loc[wrong])
    return SkewReport(
        bet_type=bet_type,
        predictions=len(served),
        checked=len(kept),
        not_kept=len(served) - len(kept),
        different=int(differs.any(axis=1).sum()),
        values=len(values),
        values_different=int(wrong.sum()),
        difference=first,
    )


def _served(connection: Connection, league: Sport, bet_type: BetType, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        version = league.version(columns)
    except UsageError:  # a model of other code, with a feature this code has not
        version = ""
    served = feature_vectors.served_vectors(connection, league.code, bet_type.value, version)
    return served.loc[[tuple(each) == columns for each in served["features"]]].reset_index(drop=True)


def _unequal(stored: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    left, right = stored.to_numpy("float64"), fresh.to_numpy("float64")
    return pd.DataFrame(~((left == right) | (np.isnan(left) & np.isnan(right))), columns=stored.columns)


def _with_fresh(explained: pd.DataFrame, kept: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Return the explained values of the kept predictions with `now`, the value computed now."""
    row = pd.Series(np.arange(len(kept)), index=kept["prediction_id"])
    column = pd.Series(np.arange(fresh.shape[1]), index=fresh.columns)
    known = explained["prediction_id"].isin(row.index) & explained["feature_name"].isin(column.index)
    values = explained.loc[known]
    table = fresh.to_numpy("float64")
    rows = row.loc[values["prediction_id"]].to_numpy()
    return values.assign(now=table[rows, column.loc[values["feature_name"]].to_numpy()])


def _first_difference(kept: pd.DataFrame, stored: pd.DataFrame, fresh: pd.DataFrame, differs: pd.DataFrame) -> str:
    if not differs.to_numpy().any():
        return ""
    at = int(np.argmax(differs.any(axis=1).to_numpy()))
    name = str(differs.columns[int(np.argmax(differs.iloc[at].to_numpy()))])
    place = f"game {kept['game_id'][at]} as of {kept['as_of'][at]:%Y-%m-%d %H:%M}Z"
    return f"{place}: {name} {stored[name].iloc[at]} served, {fresh[name].iloc[at]} now"


def _first_value(wrong: pd.DataFrame) -> str:
    if wrong.empty:
        return ""
    row = wrong.iloc[0]
    place = f"prediction {row['prediction_id'][:8]}: {row['feature_name']}"
    return f"{place} {row['feature_value']} explained, {row['now']} now"
