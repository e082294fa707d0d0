"""The feature store: views and sets by version, stored vectors, and the datasets models were trained on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import UpsertCount, insert_new, read_frame, upsert
from aipro_ml.db.models.feature_store import (
    FeatureDefinition,
    FeatureMaterialization,
    FeatureSet,
    FeatureVector,
    FeatureView,
    TeamRating,
    TrainingDataset,
)
from aipro_ml.db.models.sports import Team
from aipro_ml.identity import derive_id


def save_views(connection: Connection, sport: str, views: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Store views (keys name, version, group, columns, description) and their columns; return new rows."""
    ids = [derive_id("feature_view", sport, view["name"], view["version"]) for view in views]
    rows = pd.DataFrame(
        {
            "id": ids,
            "sport_id": derive_id("sport", sport),
            "name": [view["name"] for view in views],
            "version": [view["version"] for view in views],
            "view_group": [view["group"] for view in views],
            "columns": [list(view["columns"]) for view in views],
            "description": [view["description"] for view in views],
            "created_at": pd.Timestamp(now),
        }
    )
    columns = [
        (view_id, position, name)
        for view_id, view in zip(ids, views, strict=True)
        for position, name in enumerate(view["columns"])
    ]
    definitions = pd.DataFrame(columns, columns=["feature_view_id", "position", "name"]).assign(
        dtype="float64", created_at=pd.Timestamp(now)
    )
    definitions["id"] = [derive_id("feature_definition", view, name) for view, _, name in columns]
    written = insert_new(connection, FeatureView.__table__, rows)
    return written + insert_new(connection, FeatureDefinition.__table__, definitions)


def save_set(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Store a feature set (columns of `feature_sets` but id); return its id."""
    key = (values["sport_id"], values["bet_type"], values["name"], values["version"])
    set_id = derive_id("feature_set", *key)
    connection.execute(insert(FeatureSet).values(id=set_id, **values).on_conflict_do_nothing())
    return set_id


def start_materialization(connection: Connection, row_id: UUID, set_id: UUID, now: datetime) -> None:
    """Note that a set is being materialised."""
    values = {"id": row_id, "feature_set_id": set_id, "status": "running", "started_at": now}
    connection.execute(insert(FeatureMaterialization).values(**values))


def finish_materialization(connection: Connection, row_id: UUID, values: Mapping[str, Any]) -> None:
    """Set what is known at the end of a materialisation."""
    row = FeatureMaterialization
    connection.execute(update(row).where(row.id == row_id).values(**values))


def save_vectors(connection: Connection, set_id: UUID, vectors: pd.DataFrame, now: datetime) -> int:
    """Store vectors (columns game_id, as_of, feature_values, vector_hash); return the new ones."""
    moments = vectors["as_of"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    keys = zip(vectors["game_id"], moments, strict=True)
    rows = vectors.assign(
        id=[derive_id("feature_vector", set_id, *key) for key in keys],
        feature_set_id=set_id,
        created_at=pd.Timestamp(now),
    )
    return insert_new(connection, FeatureVector.__table__, rows)


def save_dataset(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Store what a model was trained on (columns of `training_datasets` but id); return its id."""
    dataset_id = derive_id("training_dataset", values["feature_set_id"], values["data_hash"])
    connection.execute(insert(TrainingDataset).values(id=dataset_id, **values).on_conflict_do_nothing())
    return dataset_id


def save_ratings(connection: Connection, ratings: pd.DataFrame, now: datetime) -> UpsertCount:
    """Store ratings after each game (columns team_id, game_id, rating, as_of) and each team's present one."""
    rows = ratings.assign(
        id=[
            derive_id("team_rating", team, "elo", game)
            for team, game in zip(ratings["team_id"], ratings["game_id"], strict=True)
        ],
        rating_type="elo",
        created_at=pd.Timestamp(now),
    )
    count = upsert(connection, TeamRating.__table__, rows, key=("id",), update=("rating", "as_of"))
    latest = ratings.sort_values("as_of", kind="stable").drop_duplicates("team_id", keep="last")
    for team, rating in zip(latest["team_id"], latest["rating"], strict=True):
        stored = update(Team).where(Team.id == team, Team.elo_rating.is_distinct_from(rating))
        connection.execute(stored.values(elo_rating=rating, updated_at=now))
    return count


def list_sets(connection: Connection) -> pd.DataFrame:
    """Return every feature set with how many vectors it has and up to when."""
    statement = text(
        """
        SELECT s.code AS sport, f.bet_type, f.name, left(f.version, 12) AS version,
               jsonb_array_length(f.feature_names) AS features, count(v.id) AS vectors, max(v.as_of) AS latest
        FROM feature_sets f JOIN sports s ON s.id = f.sport_id
        LEFT JOIN feature_vectors v ON v.feature_set_id = f.id
        GROUP BY f.id, s.code ORDER BY s.code, f.bet_type, f.name, f.created_at
        """
    )
    return read_frame(connection, statement)


def stored_vectors(connection: Connection, set_id: UUID) -> pd.DataFrame:
    """Return game_id, as_of and vector_hash of every vector of a set."""
    row = FeatureVector
    statement = select(row.game_id, row.as_of, row.vector_hash).where(row.feature_set_id == set_id)
    return read_frame(connection, statement.order_by(row.as_of, row.game_id))
