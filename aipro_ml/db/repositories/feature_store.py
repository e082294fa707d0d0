"""The feature store: views and sets by version, the datasets models were trained on, and team ratings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import UpsertCount, insert_new, read_frame, upsert
from aipro_ml.db.models.feature_store import (
    FeatureDefinition,
    FeatureSet,
    FeatureView,
    TeamRating,
    TrainingDataset,
)
from aipro_ml.db.models.sports import Team
from aipro_ml.identity import derive_id
from aipro_ml.times import ensure_utc


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


def set_id_of(sport: str, bet_type: str, name: str, version: str) -> UUID:
    """Return the id a feature set has by its natural key."""
    return derive_id("feature_set", derive_id("sport", sport), bet_type, name, version)


def active_sets(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these sets are stored and the active version of their name."""
    return set(connection.scalars(select(FeatureSet.id).where(FeatureSet.id.in_(list(ids)), FeatureSet.is_active)))


def save_set(connection: Connection, sport: str, values: Mapping[str, Any]) -> UUID:
    """Store a feature set (columns of `feature_sets` but id and sport_id); return its id.

    Of the versions of one name the last stored is the active one.
    """
    set_id = set_id_of(sport, values["bet_type"], values["name"], values["version"])
    row, sport_id = FeatureSet, derive_id("sport", sport)
    statement = insert(row).values(id=set_id, sport_id=sport_id, **values).on_conflict_do_nothing()
    connection.execute(statement)
    same_name = (row.sport_id == sport_id) & (row.bet_type == values["bet_type"]) & (row.name == values["name"])
    wrong = row.is_active != (row.id == set_id)
    connection.execute(update(row).where(same_name, wrong).values(is_active=row.id == set_id))
    return set_id


def sets_of(connection: Connection, sport: str, bet_type: str, name: str) -> list[Mapping[str, Any]]:
    """Return id, version and feature_names of every version of a set, the newest first."""
    row = FeatureSet
    statement = select(row.id, row.version, row.feature_names, row.created_at, row.is_active).where(
        row.sport_id == derive_id("sport", sport), row.bet_type == bet_type, row.name == name
    )
    statement = statement.order_by(row.is_active.desc(), row.created_at.desc(), row.version)
    return [dict(found) for found in connection.execute(statement).mappings()]


def save_dataset(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Store what a model was trained on (columns of `training_datasets` but id); return its id."""
    dataset_id = derive_id("training_dataset", values["feature_set_id"], values["data_hash"])
    row = TrainingDataset
    # not DO UPDATE: it guards one unique rule, and two who note the same dataset at once would break the other
    connection.execute(insert(row).values(id=dataset_id, **values).on_conflict_do_nothing())
    other = (row.id == dataset_id) & row.details.is_distinct_from(values["details"])
    kept = {name: values[name] for name in ("file_path", "details")}
    connection.execute(update(row).where(other).values(**kept))
    return dataset_id


def datasets(connection: Connection, reference: str = "") -> list[dict[str, Any]]:
    """Return the datasets whose data hash begins with `reference`, each with its sport, bet type and set."""
    statement = text(
        """
        SELECT s.code AS sport, f.bet_type, f.name AS feature_set, d.row_count AS rows,
               jsonb_array_length(f.feature_names) AS features, d.first_as_of, d.last_as_of, d.data_hash,
               d.file_path, d.details->>'file_sha256' AS file_sha256
        FROM training_datasets d JOIN feature_sets f ON f.id = d.feature_set_id JOIN sports s ON s.id = f.sport_id
        WHERE starts_with(d.data_hash, :reference) ORDER BY s.code, f.bet_type, d.created_at
        """
    ).bindparams(reference=reference)
    return [dict(found) for found in connection.execute(statement).mappings()]


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
               f.is_active AS active, jsonb_array_length(f.feature_names) AS features, count(v.id) AS vectors,
               max(v.as_of) AS latest
        FROM feature_sets f JOIN sports s ON s.id = f.sport_id
        LEFT JOIN feature_vectors v ON v.feature_set_id = f.id
        GROUP BY f.id, s.code ORDER BY s.code, f.bet_type, f.name, f.created_at
        """
    )
    return read_frame(connection, statement)


def list_views(connection: Connection, sport: str) -> pd.DataFrame:
    """Return every version of the sport's views with its columns; `is_used`: an active set is made of it."""
    statement = text(
        """
        SELECT v.name AS view, v.version, v.view_group AS "group", EXISTS (
                   SELECT FROM feature_sets f WHERE f.is_active AND f.view_ids @> to_jsonb(v.id::text)
               ) AS is_used, v.created_at, string_agg(d.name, ', ' ORDER BY d.position) AS columns
        FROM feature_views v JOIN feature_definitions d ON d.feature_view_id = v.id
        WHERE v.sport_id = :sport GROUP BY v.id ORDER BY v.name, v.created_at DESC, v.version
        """
    )
    return read_frame(connection, statement.bindparams(sport=derive_id("sport", sport)))


def ratings_at(connection: Connection, sport: str, moment: datetime) -> pd.DataFrame:
    """Return each team's rating as known at a moment, the best first: team, rating, since, games, change.

    `games`: how many changed it by then; `change`: what the last one did to it.
    """
    statement = text(
        """
        SELECT team, rating, since, games, rating - before AS change FROM (
            SELECT t.name AS team, r.rating, r.as_of AS since, count(*) OVER (PARTITION BY r.team_id)::int AS games,
                   lag(r.rating) OVER earlier AS before,
                   row_number() OVER (PARTITION BY r.team_id ORDER BY r.as_of DESC, r.game_id DESC) AS nth
            FROM team_ratings r JOIN teams t ON t.id = r.team_id
            WHERE t.sport_id = :sport AND r.as_of <= :moment
            WINDOW earlier AS (PARTITION BY r.team_id ORDER BY r.as_of, r.game_id)
        ) known WHERE nth = 1 ORDER BY rating DESC, team
        """
    )
    bound = statement.bindparams(sport=derive_id("sport", sport), moment=ensure_utc(moment).replace(tzinfo=None))
    return read_frame(connection, bound)
