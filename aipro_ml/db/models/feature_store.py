"""The feature store: views and sets by version, vectors, statistics, datasets, and what was known when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Double, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import (
    Base,
    UuidKey,
    Varchar20,
    Varchar50,
    Varchar64,
    Varchar100,
    Varchar500,
    one_of,
    references,
    within_unit,
)
from aipro_ml.enums import BetType, GameStatus, RunStatus, SeasonType


class FeatureView(Base):
    """A group of columns of one function; `version` is the hash of its definition."""

    __tablename__ = "feature_views"
    __table_args__ = (UniqueConstraint("sport_id", "name", "version"),)

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID] = references("sports.id")
    name: Mapped[Varchar100]
    version: Mapped[Varchar64]
    view_group: Mapped[Varchar20]
    columns: Mapped[list[str]]
    description: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("TRUE"))
    created_at: Mapped[datetime]


class FeatureDefinition(Base):
    """A column of a view."""

    __tablename__ = "feature_definitions"
    __table_args__ = (UniqueConstraint("feature_view_id", "name"),)

    id: Mapped[UuidKey]
    feature_view_id: Mapped[UUID] = references("feature_views.id")
    name: Mapped[Varchar100]
    position: Mapped[int]
    dtype: Mapped[Varchar20]
    description: Mapped[str | None]
    created_at: Mapped[datetime]


class FeatureSet(Base):
    """The ordered columns a model of a bet type sees; `version` is the hash of its definition."""

    __tablename__ = "feature_sets"
    __table_args__ = (
        one_of("bet_type", BetType),
        UniqueConstraint("sport_id", "bet_type", "name", "version"),
    )

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID] = references("sports.id")
    bet_type: Mapped[Varchar20]
    name: Mapped[Varchar100]
    version: Mapped[Varchar64]
    feature_names: Mapped[list[str]]
    view_ids: Mapped[list[str]]
    is_active: Mapped[bool] = mapped_column(server_default=text("TRUE"))
    created_at: Mapped[datetime]


class FeatureMaterialization(Base):
    """One building of a set over a span of decision times."""

    __tablename__ = "feature_materializations"
    __table_args__ = (one_of("status", RunStatus),)

    id: Mapped[UuidKey]
    feature_set_id: Mapped[UUID] = references("feature_sets.id")
    status: Mapped[Varchar20]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    first_as_of: Mapped[datetime | None]
    last_as_of: Mapped[datetime | None]
    rows_written: Mapped[int | None]
    data_hash: Mapped[Varchar64 | None]
    error_message: Mapped[str | None]


class FeatureVector(Base):
    """A game's features as known at `as_of`, in the order of the set's names; a missing one is NaN."""

    __tablename__ = "feature_vectors"
    __table_args__ = (UniqueConstraint("feature_set_id", "game_id", "as_of"),)

    id: Mapped[UuidKey]
    feature_set_id: Mapped[UUID] = references("feature_sets.id")
    game_id: Mapped[UUID] = references("games.id")
    as_of: Mapped[datetime]
    feature_values: Mapped[list[float]] = mapped_column(ARRAY(Double()))
    vector_hash: Mapped[Varchar64]
    materialization_id: Mapped[UUID | None] = references("feature_materializations.id")
    created_at: Mapped[datetime]


class FeatureStatistic(Base):
    """A feature's distribution over a window of games, the yardstick of drift."""

    __tablename__ = "feature_statistics"
    __table_args__ = (
        within_unit("null_rate"),
        UniqueConstraint(
            "feature_set_id",
            "feature_name",
            "window_start",
            "window_end",
            name="uq_feature_statistics_window",
        ),
    )

    id: Mapped[UuidKey]
    feature_set_id: Mapped[UUID] = references("feature_sets.id")
    feature_name: Mapped[Varchar100]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    row_count: Mapped[int]
    null_rate: Mapped[float | None]
    mean: Mapped[float | None]
    std_dev: Mapped[float | None]
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    quantiles: Mapped[dict[str, Any] | None]
    computed_at: Mapped[datetime]


class TrainingDataset(Base):
    """What a model was trained on, by the hash of its content."""

    __tablename__ = "training_datasets"
    __table_args__ = (UniqueConstraint("feature_set_id", "data_hash"),)

    id: Mapped[UuidKey]
    feature_set_id: Mapped[UUID] = references("feature_sets.id")
    data_hash: Mapped[Varchar64]
    row_count: Mapped[int]
    first_as_of: Mapped[datetime | None]
    last_as_of: Mapped[datetime | None]
    file_path: Mapped[Varchar500 | None]
    details: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class GameRevision(Base):
    """A game as it was known from `known_at` on; append-only, `revision` counts from 1 within the game."""

    __tablename__ = "game_revisions"
    __table_args__ = (
        one_of("status", GameStatus),
        one_of("season_type", SeasonType),
        UniqueConstraint("game_id", "revision"),
        Index(None, "game_id", "known_at"),
        {"info": {"append_only": True}},
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID] = references("games.id")
    revision: Mapped[int]
    source: Mapped[Varchar50]
    source_game_id: Mapped[Varchar100]
    season_type: Mapped[Varchar20 | None]
    week: Mapped[int | None]
    game_number: Mapped[int | None]
    venue_id: Mapped[UUID | None] = references("venues.id")
    neutral_site: Mapped[bool | None]
    kickoff_estimated: Mapped[bool | None]
    game_date: Mapped[datetime]
    status: Mapped[Varchar20]
    home_score: Mapped[int | None]
    away_score: Mapped[int | None]
    overtime: Mapped[bool | None]
    known_at: Mapped[datetime]
    created_at: Mapped[datetime]


class TeamRating(Base):
    """A team's rating after `game_id`, known from `as_of` on."""

    __tablename__ = "team_ratings"
    __table_args__ = (UniqueConstraint("team_id", "rating_type", "game_id"),)

    id: Mapped[UuidKey]
    team_id: Mapped[UUID] = references("teams.id")
    game_id: Mapped[UUID] = references("games.id")
    rating_type: Mapped[Varchar20]
    rating: Mapped[float]
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]
