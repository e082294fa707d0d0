"""Feature vectors into the store: a batch a season, each its own transaction and its own materialisation."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import acts, feature_store, feature_vectors, reference
from aipro_ml.enums import BetType, RunStatus
from aipro_ml.features.definition import view_hash
from aipro_ml.features.matrix import FeatureMatrix, canonical
from aipro_ml.features.sport import Sport
from aipro_ml.features.statistics import feature_statistics
from aipro_ml.identity import derive_id


@dataclass(frozen=True)
class Workload:
    """What is to be stored of one set.

    `table`: one row a decided game (game_id, season, as_of, vector_hash, `state`: stored, missing or changed) and
    `X` its features on the same index.
    """

    league: Sport
    bet_type: BetType
    X: pd.DataFrame
    table: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the features of the set in their order."""
        return tuple(self.X.columns)

    @property
    def set_id(self) -> UUID:
        """Return the id the set has, stored or not."""
        version = self.league.version(self.columns)
        return feature_store.set_id_of(
            self.league.code, self.bet_type, set_name(self.league, self.bet_type, self.columns), version
        )

    def count(self, state: str) -> int:
        """Return how many rows are `state`."""
        return int((self.table["state"] == state).sum())

    @property
    def data_hash(self) -> str:
        """Return the SHA-256 over every row's game, moment and vector hash: the same however it was built."""
        return table_hash(self.table)


@dataclass(frozen=True)
class Writing:
    """How batches are written: `clock` tells when one begins and ends, `reason` is why stored vectors are replaced."""

    now: datetime
    clock: Callable[[], datetime] | None = None
    reason: str | None = None

    def moment(self) -> datetime:
        """Return what time it is, by the clock where there is one."""
        return self.now if self.clock is None else self.clock()


def set_name(league: Sport, bet_type: BetType, columns: Sequence[str]) -> str:
    """Return a set's name: sport, bet type, and which of the sport's features it has."""
    groups = {
        league.columns(): "all",
        league.columns(("market_free",)): "market_free",
        league.columns(("market",)): "market",
    }
    return f"{league.code}.{bet_type.value}.{groups.get(tuple(columns), len(columns))}"


def store_feature_set(
    connection: Connection, league: Sport, bet_type: BetType, columns: Sequence[str], now: datetime
) -> UUID:
    """Store the set of these columns and the views behind it; return the set's id."""
    described = [
        {
            "name": view.name,
            "version": view_hash(view),
            "group": view.group,
            "columns": view.columns,
            "description": (view.compute.__doc__ or "").strip().split("\n")[0],
        }
        for view in league.views_of(columns)
    ]
    feature_store.save_views(connection, league.code, described, now)
    reference.save_feature_count(connection, league.code, len(league.columns()))
    ids = [str(derive_id("feature_view", league.code, view["name"], view["version"])) for view in described]
    values = {
        "bet_type": bet_type.value,
        "name": set_name(league, bet_type, columns),
        "version": league.version(columns),
        "feature_names": list(columns),
        "view_ids": ids,
        "created_at": now,
    }
    return feature_store.save_set(connection, league.code, values)


def vector_hashes(values: pd.DataFrame) -> list[str]:
    """Return the SHA-256 of each row's feature values, as eight-byte floats in column order."""
    rows = canonical(values.to_numpy(np.float64))
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]


def table_hash(table: pd.DataFrame) -> str:
    """Return the SHA-256 over game, decision time and vector hash of every row, by time and game."""
    ordered = table.sort_values(["as_of", "game_id"])
    times = ordered["as_of"].astype("datetime64[us, UTC]").astype("int64").astype(str)
    lines = ordered["game_id"].astype(str) + "\x1f" + times + "\x1f" + ordered["vector_hash"]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_batches(engine: Engine, work: Workload, writing: Writing, on_batch: Callable[[], None] = lambda: None) -> int:
    """Store what is missing of `work`, with a reason also what changed; return the rows written.

    A season is a batch: its materialisation is noted as running, then vectors, statistics and `completed` are
    one transaction. Interrupted, it is left `failed` and everything before it stays; run again to go on.
    """
    states = ["missing"] if writing.reason is None else ["missing", "changed"]
    due = work.table.loc[work.table["state"].isin(states)]
    if due.empty:
        return 0
    with engine.begin() as connection:
        set_id = store_feature_set(connection, work.league, work.bet_type, work.columns, writing.now)
    for _, rows in due.groupby("season", sort=True):
        with _batch(engine, set_id, writing) as batch, engine.begin() as connection:
            _write(connection, (set_id, batch), work, rows, writing)
        on_batch()
    return len(due)


@contextmanager
def _batch(engine: Engine, set_id: UUID, writing: Writing) -> Iterator[UUID]:
    """Note a running materialisation; where the block fails or is interrupted, it is marked failed with why."""
    row_id = uuid4()
    with engine.begin() as connection:
        feature_vectors.start_materialization(connection, row_id, set_id, writing.moment())
    try:
        yield row_id
    except BaseException as error:
        facts = {"status": RunStatus.FAILED, "completed_at": writing.moment(), "error_message": _told(error)}
        with engine.begin() as connection:
            feature_vectors.finish_materialization(connection, row_id, facts)
        raise


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _write(
    connection: Connection, place: tuple[UUID, UUID], work: Workload, rows: pd.DataFrame, writing: Writing
) -> None:
    set_id, batch = place
    vectors = rows.assign(feature_values=list(work.X.loc[rows.index].to_numpy(np.float64)))
    if writing.reason is None:
        written = feature_vectors.save_vectors(connection, set_id, vectors, writing.now, batch)
    else:
        count = feature_vectors.replace_vectors(connection, set_id, vectors, writing.now, batch)
        written = count.inserted + count.updated
    season = int(rows["season"].iloc[0])
    stored = feature_vectors.vector_values(connection, set_id, season)
    feature_vectors.save_statistics(connection, set_id, feature_statistics(stored), writing.now)
    facts = {
        "status": RunStatus.COMPLETED,
        "completed_at": writing.moment(),
        "first_as_of": rows["as_of"].min().to_pydatetime(),
        "last_as_of": rows["as_of"].max().to_pydatetime(),
        "rows_written": written,
        "data_hash": table_hash(rows),
    }
    feature_vectors.finish_materialization(connection, batch, facts)


def audit_replacement(
    connection: Connection, work: Workload, first: dict[str, object], reason: str, now: datetime
) -> None:
    """Write to the audit log that stored vectors of a set are replaced: how many, the first difference, why."""
    act = {
        "sport": work.league.code,
        "bet_type": work.bet_type.value,
        "replaced": work.count("changed"),
        "added": work.count("missing"),
        "first_difference": first,
        "reason": reason,
    }
    acts.audit(connection, "features.backfill", "feature_sets", str(work.set_id), act, now)


def save_served(connection: Connection, league: Sport, served: Mapping[BetType, FeatureMatrix], now: datetime) -> int:
    """Store the vectors a prediction run served by bet type; return the new ones. What was served first stays."""
    named = {bet_type: matrix.feature_names for bet_type, matrix in served.items()}
    sets = _set_ids(connection, league, named, now)
    vectors = [_vectors(served[bet_type]).assign(feature_set_id=set_id) for bet_type, set_id in sets.items()]
    return feature_vectors.save_vectors_of_sets(connection, pd.concat(vectors), now) if vectors else 0


def _set_ids(
    connection: Connection, league: Sport, named: Mapping[BetType, Sequence[str]], now: datetime
) -> dict[BetType, UUID]:
    """Return the ids of these sets of columns; what is stored and the active version of its name already stays."""
    version = cache(league.version)
    ids = {
        bet_type: feature_store.set_id_of(
            league.code, bet_type, set_name(league, bet_type, columns), version(tuple(columns))
        )
        for bet_type, columns in named.items()
    }
    active = feature_store.active_sets(connection, ids.values())
    for bet_type, set_id in ids.items():
        if set_id not in active:
            store_feature_set(connection, league, bet_type, named[bet_type], now)
    return ids


def _vectors(matrix: FeatureMatrix) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "game_id": matrix.X.index,
            "as_of": matrix.as_of.array,
            "feature_values": list(matrix.X.to_numpy(np.float64)),
            "vector_hash": vector_hashes(matrix.X),
        }
    )
