"""Sports data: sports, teams, players, venues, seasons, games and season statistics."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import (
    Base,
    UuidKey,
    Varchar10,
    Varchar20,
    Varchar50,
    Varchar100,
    Varchar200,
    one_of,
    references,
)
from aipro_ml.enums import GameStatus


class Sport(Base):
    """A sport; `default_model_id` is its moneyline production model."""

    __tablename__ = "sports"

    id: Mapped[UuidKey]
    code: Mapped[Varchar10] = mapped_column(unique=True)
    name: Mapped[Varchar100]
    api_key: Mapped[Varchar50 | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    feature_count: Mapped[int | None]
    # the schema's only cycle (ml_models.sport_id): this key is added after both tables
    default_model_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("ml_models.id", ondelete="SET NULL", use_alter=True)
    )
    config: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class Team(Base):
    """A franchise, through every move and name; `elo_rating` is the present one and never a feature."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("sport_id", "abbreviation"),
        Index("idx_teams_sport_id", "sport_id"),
        Index("idx_teams_abbreviation", "abbreviation"),
    )

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID | None] = references("sports.id")
    external_id: Mapped[Varchar50 | None]
    name: Mapped[Varchar100]
    abbreviation: Mapped[Varchar10]
    city: Mapped[Varchar100 | None]
    elo_rating: Mapped[float | None] = mapped_column(server_default=text("1500"))
    conference: Mapped[Varchar50 | None]
    division: Mapped[Varchar50 | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class Player(Base):
    """A player and the team of the present."""

    __tablename__ = "players"

    id: Mapped[UuidKey]
    team_id: Mapped[UUID | None] = references("teams.id", "SET NULL")
    external_id: Mapped[Varchar50 | None]
    name: Mapped[Varchar100]
    position: Mapped[Varchar20 | None]
    jersey_number: Mapped[int | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    birth_date: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class Venue(Base):
    """A place games are played at; latitude and longitude in degrees."""

    __tablename__ = "venues"

    id: Mapped[UuidKey]
    name: Mapped[Varchar200]
    city: Mapped[Varchar100 | None]
    state: Mapped[Varchar50 | None]
    country: Mapped[Varchar50 | None]
    capacity: Mapped[int | None]
    surface_type: Mapped[Varchar50 | None]
    is_dome: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    timezone: Mapped[Varchar50 | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    created_at: Mapped[datetime]


class Season(Base):
    """A season of a sport, by the year it begins in."""

    __tablename__ = "seasons"
    __table_args__ = (UniqueConstraint("sport_id", "year"),)

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID | None] = references("sports.id")
    year: Mapped[int]
    name: Mapped[Varchar50 | None]
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    is_current: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    created_at: Mapped[datetime]


class Game(Base):
    """A game in its present state; what was known of it when stands in `game_revisions`."""

    __tablename__ = "games"
    __table_args__ = (
        one_of("status", GameStatus),
        Index("idx_games_sport_id", "sport_id"),
        Index("idx_games_game_date", "game_date"),
        Index("idx_games_status", "status"),
        Index("idx_games_teams", "home_team_id", "away_team_id"),
    )

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID | None] = references("sports.id")
    season_id: Mapped[UUID | None] = references("seasons.id")
    external_id: Mapped[Varchar50 | None] = mapped_column(unique=True)
    home_team_id: Mapped[UUID | None] = references("teams.id")
    away_team_id: Mapped[UUID | None] = references("teams.id")
    venue_id: Mapped[UUID | None] = references("venues.id")
    game_date: Mapped[datetime]
    week: Mapped[int | None]
    status: Mapped[Varchar20 | None] = mapped_column(server_default=text("'scheduled'"))
    home_score: Mapped[int | None]
    away_score: Mapped[int | None]
    overtime: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class TeamStat(Base):
    """A season statistic of a team: knowledge of the season's end, no feature before it."""

    __tablename__ = "team_stats"
    __table_args__ = (UniqueConstraint("team_id", "season_id", "stat_type"),)

    id: Mapped[UuidKey]
    team_id: Mapped[UUID | None] = references("teams.id")
    season_id: Mapped[UUID | None] = references("seasons.id")
    stat_type: Mapped[Varchar50]
    value: Mapped[float]
    games_played: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class PlayerStat(Base):
    """A season statistic of a player: knowledge of the season's end, no feature before it."""

    __tablename__ = "player_stats"
    __table_args__ = (UniqueConstraint("player_id", "season_id", "stat_type"),)

    id: Mapped[UuidKey]
    player_id: Mapped[UUID | None] = references("players.id")
    season_id: Mapped[UUID | None] = references("seasons.id")
    stat_type: Mapped[Varchar50]
    value: Mapped[float]
    games_played: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
