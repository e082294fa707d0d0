"""Feature matrices from the database: for training, for prediction, and materialised in the feature store."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import feature_store, reference
from aipro_ml.enums import BetType, RunStatus
from aipro_ml.errors import AiproError
from aipro_ml.features.build import MatrixRequest, build_matrices, build_matrix
from aipro_ml.features.definition import view_hash
from aipro_ml.features.elo import elo_events
from aipro_ml.features.history import History
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.features.view import ViewGroup
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.facts import load_records

FeatureGroup = Literal["market_free", "market", "all"]


@dataclass(frozen=True)
class Decision:
    """When a game is decided: so many minutes before its kick-off."""

    minutes: int


@dataclass(frozen=True)
class BuildOptions:
    """How to materialise: each game decided `decision_minutes` (None: the sport's) before its kick-off."""

    now: datetime
    decision_minutes: int | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class BuildReport:
    """One materialisation: rows of the matrix, vectors that were new, and the matrix's hash."""

    bet_type: BetType
    features: int
    rows: int
    written: int
    data_hash: str


def columns_of(league: Sport, group: FeatureGroup) -> tuple[str, ...]:
    """Return the feature columns of a group."""
    groups: tuple[ViewGroup, ...] = ("market_free", "market") if group == "all" else (group,)
    return league.columns(groups)


def load_matrix(connection: Connection, league: Sport, bet_type: BetType, decision: Decision) -> FeatureMatrix:
    """Return the labelled matrix of every game of the sport, each decided before its kick-off."""
    records = load_records(connection, league.code)
    return build_matrix(records, league, bet_type, MatrixRequest(decision_minutes=decision.minutes))


def prediction_matrices(
    records: Records, league: Sport, bet_types: Sequence[BetType], as_of: pd.Series
) -> dict[BetType, FeatureMatrix]:
    """Return the unlabelled matrices of the games in the index of `as_of`, at those moments."""
    request = MatrixRequest(game_ids=list(as_of.index), as_of=as_of, with_labels=False)
    return build_matrices(records, league, bet_types, request)


def store_feature_set(
    connection: Connection, league: Sport, bet_type: BetType, matrix: FeatureMatrix, now: datetime
) -> UUID:
    """Store the views and the set behind a matrix's columns; return the set's id."""
    views = league.views_of(matrix.feature_names)
    described = [
        {
            "name": view.name,
            "version": view_hash(view),
            "group": view.group,
            "columns": view.columns,
            "description": (view.compute.__doc__ or "").strip().split("\n")[0],
        }
        for view in views
    ]
    feature_store.save_views(connection, league.code, described, now)
    reference.save_feature_count(connection, league.code, len(league.columns()))
    return feature_store.save_set(
        connection,
        {
            "sport_id": derive_id("sport", league.code),
            "bet_type": bet_type,
            "name": f"{league.code}.{len(matrix.feature_names)}",
            "version": league.version(matrix.feature_names),
            "feature_names": list(matrix.feature_names),
            "view_ids": [
                str(derive_id("feature_view", league.code, view["name"], view["version"])) for view in described
            ],
            "created_at": now,
        },
    )


def build_features(
    engine: Engine,
    code: str,
    bet_types: tuple[BetType, ...],
    options: BuildOptions,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[BuildReport]:
    """Materialise the feature vectors of every game of a sport, and its teams' ratings; known vectors stay."""
    league = sport(code)
    decision = Decision(options.decision_minutes or league.config.decision_minutes)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        records = load_records(connection, league.code)
    matrices = build_matrices(records, league, bet_types, MatrixRequest(decision_minutes=decision.minutes))
    reports = []
    for done, (bet_type, matrix) in enumerate(matrices.items(), start=1):
        reports.append(_materialise(engine, league, bet_type, matrix, options))
        on_step(done, len(bet_types))
    _save_ratings(engine, league, records, options)
    return reports


def _materialise(
    engine: Engine, league: Sport, bet_type: BetType, matrix: FeatureMatrix, options: BuildOptions
) -> BuildReport:
    hashes, now = vector_hashes(matrix), options.now
    row_id = uuid4()
    with unit(engine, dry_run=options.dry_run) as connection:
        set_id = store_feature_set(connection, league, bet_type, matrix, now)
        stored = feature_store.stored_vectors(connection, set_id)
        _refuse_changed(stored, matrix, hashes)
        vectors = pd.DataFrame(
            {
                "game_id": matrix.X.index,
                "as_of": matrix.as_of.reset_index(drop=True),
                "feature_values": list(matrix.X.to_numpy(np.float64)),
                "vector_hash": hashes,
            }
        )
        written = feature_store.save_vectors(connection, set_id, vectors, now)
        if written:
            feature_store.start_materialization(connection, row_id, set_id, now)
            facts = {
                "status": RunStatus.COMPLETED,
                "completed_at": now,
                "first_as_of": matrix.as_of.min().to_pydatetime(),
                "last_as_of": matrix.as_of.max().to_pydatetime(),
                "rows_written": written,
                "data_hash": matrix.sha256,
            }
            feature_store.finish_materialization(connection, row_id, facts)
    return BuildReport(bet_type, len(matrix.feature_names), len(matrix.X), written, matrix.sha256)


def vector_hashes(matrix: FeatureMatrix) -> list[str]:
    """Return the SHA-256 of each row's feature values, as eight-byte floats in column order."""
    values = np.ascontiguousarray(matrix.X.to_numpy(np.float64) + 0.0)
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in values]


def _refuse_changed(stored: pd.DataFrame, matrix: FeatureMatrix, hashes: list[str]) -> None:
    """Raise where a stored vector differs from the same game's, decided at the same moment, computed anew."""
    keys = zip(matrix.X.index.astype(str), matrix.as_of, strict=True)
    fresh = dict(zip(keys, hashes, strict=True))
    for game, as_of, noted in zip(stored["game_id"], stored["as_of"], stored["vector_hash"], strict=True):
        found = fresh.get((str(game), as_of), noted)
        if found != noted:
            raise AiproError(
                f"game {game} as of {as_of}: its stored features differ from those computed now; what was known "
                "then must not change (was a source imported again with other times?)"
            )


def _save_ratings(engine: Engine, league: Sport, records: Records, options: BuildOptions) -> None:
    events = elo_events(History(records).results(), league.config.elo)
    ratings = events.rename(columns={"known_at": "as_of"})[["team_id", "game_id", "rating", "as_of"]]
    with unit(engine, dry_run=options.dry_run) as connection:
        feature_store.save_ratings(connection, ratings, options.now)
