"""The warehouse: dimensions, flat facts for reports, prediction runs and the append-only ledger."""

import datetime as dt
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import (
    Base,
    Char1,
    UuidKey,
    Varchar10,
    Varchar20,
    Varchar50,
    Varchar64,
    Varchar100,
    Varchar255,
    american,
    one_of,
    references,
    within_unit,
)
from aipro_ml.enums import BetResult, BetType, Framework, RunMode, RunStatus, Selection, Tier

PROMOTION_ACTIONS = ("promote", "rollback", "force")


class DimDate(Base):
    """A calendar day; `weekday` is ISO's, Monday 1 to Sunday 7."""

    __tablename__ = "dim_dates"

    id: Mapped[UuidKey]
    date: Mapped[dt.date] = mapped_column(unique=True)
    year: Mapped[int]
    quarter: Mapped[int]
    month: Mapped[int]
    day: Mapped[int]
    iso_week: Mapped[int]
    weekday: Mapped[int]
    is_weekend: Mapped[bool]


class DimTeam(Base):
    """A team's name and place during [valid_from, valid_to)."""

    __tablename__ = "dim_teams"
    __table_args__ = (UniqueConstraint("team_id", "valid_from"),)

    id: Mapped[UuidKey]
    team_id: Mapped[UUID] = references("teams.id")
    sport_code: Mapped[Varchar10]
    name: Mapped[Varchar100]
    abbreviation: Mapped[Varchar10]
    conference: Mapped[Varchar50 | None]
    division: Mapped[Varchar50 | None]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    is_current: Mapped[bool]


class DimModel(Base):
    """A model's standing during [valid_from, valid_to)."""

    __tablename__ = "dim_models"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("framework", Framework),
        UniqueConstraint("model_id", "valid_from"),
    )

    id: Mapped[UuidKey]
    model_id: Mapped[UUID] = references("ml_models.id")
    sport_code: Mapped[Varchar10]
    bet_type: Mapped[Varchar20]
    framework: Mapped[Varchar20]
    version: Mapped[Varchar50]
    is_production: Mapped[bool]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    is_current: Mapped[bool]


class FactOdds(Base):
    """Opening and close of one side at one book."""

    __tablename__ = "fact_odds"
    __table_args__ = (
        one_of("market_type", BetType),
        one_of("selection", Selection),
        american("opening_price"),
        american("closing_price"),
        UniqueConstraint("game_id", "sportsbook_id", "market_type", "selection", name="uq_fact_odds_side"),
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID] = references("games.id")
    sportsbook_id: Mapped[UUID] = references("sportsbooks.id")
    market_type: Mapped[Varchar20]
    selection: Mapped[Varchar20]
    opening_line: Mapped[float | None]
    opening_price: Mapped[int | None]
    opening_at: Mapped[datetime | None]
    closing_line: Mapped[float | None]
    closing_price: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    quotes_count: Mapped[int]


class FactTeamGame(Base):
    """A team's figures in a game, known from `known_at` on."""

    __tablename__ = "fact_team_games"
    __table_args__ = (UniqueConstraint("team_id", "game_id"),)

    id: Mapped[UuidKey]
    team_id: Mapped[UUID] = references("teams.id")
    game_id: Mapped[UUID] = references("games.id")
    opponent_id: Mapped[UUID] = references("teams.id")
    is_home: Mapped[bool]
    points_for: Mapped[int | None]
    points_against: Mapped[int | None]
    stats: Mapped[dict[str, Any] | None]
    known_at: Mapped[datetime]
    created_at: Mapped[datetime]


class FactPlayerGame(Base):
    """A player's figures in a game, known from `known_at` on."""

    __tablename__ = "fact_player_games"
    __table_args__ = (UniqueConstraint("player_id", "game_id"),)

    id: Mapped[UuidKey]
    player_id: Mapped[UUID] = references("players.id")
    game_id: Mapped[UUID] = references("games.id")
    team_id: Mapped[UUID] = references("teams.id")
    stats: Mapped[dict[str, Any] | None]
    minutes: Mapped[float | None]
    known_at: Mapped[datetime]
    created_at: Mapped[datetime]


class FactPlayerProp(Base):
    """A player's market, what was predicted of it and how it ended."""

    __tablename__ = "fact_player_props"
    __table_args__ = (
        one_of("result", BetResult),
        american("over_price"),
        american("under_price"),
        within_unit("over_probability"),
        within_unit("under_probability"),
    )

    id: Mapped[UuidKey]
    player_prop_id: Mapped[UUID | None] = references("player_props.id")
    game_id: Mapped[UUID] = references("games.id")
    player_id: Mapped[UUID] = references("players.id")
    prop_type: Mapped[Varchar50]
    line: Mapped[float]
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    over_price: Mapped[int | None]
    under_price: Mapped[int | None]
    as_of: Mapped[datetime]
    model_id: Mapped[UUID | None] = references("ml_models.id")
    predicted_value: Mapped[float | None]
    over_probability: Mapped[float | None]
    under_probability: Mapped[float | None]
    prediction_hash: Mapped[Varchar64 | None] = mapped_column(unique=True)
    actual_value: Mapped[float | None]
    result: Mapped[Varchar10 | None]
    graded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FactPredictionRun(Base):
    """One decision over a slate: its slot and as-of, what it used, published and abstained from.

    Finished, it never changes but for its journal, which grows: an entry a later computation of the same slot that
    had something new to say.
    """

    __tablename__ = "fact_prediction_runs"
    __table_args__ = (
        one_of("mode", RunMode),
        one_of("status", RunStatus),
        UniqueConstraint("sport_id", "slot", "as_of", "mode"),
        {"info": {"never_deleted": True}},
    )

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID] = references("sports.id")
    slot: Mapped[datetime]
    as_of: Mapped[datetime]
    mode: Mapped[Varchar20]
    status: Mapped[Varchar20]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    games_count: Mapped[int | None]
    published_count: Mapped[int | None]
    abstained_count: Mapped[int | None]
    abstentions: Mapped[list[dict[str, Any]] | None]
    versions: Mapped[dict[str, Any] | None]
    journal: Mapped[list[dict[str, Any]] | None]
    error_message: Mapped[str | None]


class FactPrediction(Base):
    """A row of the ledger: the whole pre-image of a prediction's hash and the chain; append-only."""

    __tablename__ = "fact_predictions"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("predicted_side", Selection),
        one_of("signal_tier", Tier),
        american("odds_at_prediction"),
        within_unit("probability"),
        within_unit("kelly_fraction"),
        within_unit("push_probability"),
        within_unit("probability_low"),
        within_unit("probability_high"),
        within_unit("fair_probability"),
        within_unit("model_probability"),
        within_unit("calibrated_probability"),
        {"info": {"append_only": True}},
    )

    id: Mapped[UuidKey]
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    run_id: Mapped[UUID] = references("fact_prediction_runs.id")
    prediction_id: Mapped[UUID] = references("predictions.id", unique=True)
    game_id: Mapped[UUID] = references("games.id")
    model_id: Mapped[UUID] = references("ml_models.id")
    bet_type: Mapped[Varchar20]
    predicted_side: Mapped[Varchar20]
    probability: Mapped[float]
    edge: Mapped[float | None]
    kelly_fraction: Mapped[float | None]
    signal_tier: Mapped[Char1]
    line_at_prediction: Mapped[float | None]
    odds_at_prediction: Mapped[int | None]
    as_of: Mapped[datetime]
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    ev: Mapped[float | None]
    push_probability: Mapped[float | None]
    probability_low: Mapped[float | None]
    probability_high: Mapped[float | None]
    fair_probability: Mapped[float | None]
    model_probability: Mapped[float | None]
    calibrated_probability: Mapped[float | None]
    calibration_version: Mapped[Varchar64 | None]
    blend_version: Mapped[Varchar64 | None]
    prediction_hash: Mapped[Varchar64] = mapped_column(unique=True)
    prev_hash: Mapped[Varchar64]
    chain_hash: Mapped[Varchar64] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class FactBet(Base):
    """A graded prediction or a tracked bet, flat, in units of stake; `clv_ev` is the platform's CLV."""

    __tablename__ = "fact_bets"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("side", Selection),
        one_of("result", BetResult),
        american("price"),
        american("closing_price"),
    )

    id: Mapped[UuidKey]
    prediction_id: Mapped[UUID | None] = references("predictions.id", unique=True)
    bet_id: Mapped[UUID | None] = references("bets.id", unique=True)
    user_id: Mapped[UUID | None] = references("users.id")
    game_id: Mapped[UUID] = references("games.id")
    model_id: Mapped[UUID | None] = references("ml_models.id")
    sportsbook_id: Mapped[UUID | None] = references("sportsbooks.id")
    bet_type: Mapped[Varchar20]
    side: Mapped[Varchar20]
    line: Mapped[float | None]
    price: Mapped[int | None]
    stake_units: Mapped[float]
    result: Mapped[Varchar10 | None]
    profit_units: Mapped[float | None]
    closing_line: Mapped[float | None]
    closing_price: Mapped[int | None]
    clv_price: Mapped[float | None]
    clv_probability: Mapped[float | None]
    clv_points: Mapped[float | None]
    clv_ev: Mapped[float | None]
    placed_at: Mapped[datetime]
    graded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FactModelPromotion(Base):
    """A decision to put a model into production or back, and what the gate said."""

    __tablename__ = "fact_model_promotions"
    __table_args__ = (one_of("bet_type", BetType), one_of("action", PROMOTION_ACTIONS))

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID] = references("sports.id")
    bet_type: Mapped[Varchar20]
    model_id: Mapped[UUID] = references("ml_models.id")
    previous_model_id: Mapped[UUID | None] = references("ml_models.id")
    action: Mapped[Varchar20]
    verdict: Mapped[Varchar20 | None]
    reason: Mapped[str | None]
    actor: Mapped[Varchar255 | None]
    gate: Mapped[dict[str, Any] | None]
    artifact_hash: Mapped[Varchar64 | None]
    decided_at: Mapped[datetime]
