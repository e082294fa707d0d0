"""Predictions: what was published, how it ended and why it was said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
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
    american,
    one_of,
    references,
    within_unit,
)
from aipro_ml.enums import BetResult, BetType, Selection, Tier

IMPACTS = ("positive", "negative")


class Prediction(Base):
    """A published prediction; the whole pre-image of its hash stands in `fact_predictions`."""

    __tablename__ = "predictions"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("predicted_side", Selection),
        one_of("signal_tier", Tier),
        within_unit("probability"),
        within_unit("kelly_fraction"),
        american("odds_at_prediction"),
        Index("idx_predictions_game_id", "game_id"),
        Index("idx_predictions_signal_tier", "signal_tier"),
        Index("idx_predictions_created_at", "created_at"),
        {"info": {"append_only": True}},
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    model_id: Mapped[UUID | None] = references("ml_models.id")
    bet_type: Mapped[Varchar20]
    predicted_side: Mapped[Varchar20]
    probability: Mapped[float]
    edge: Mapped[float | None]
    signal_tier: Mapped[Char1]
    kelly_fraction: Mapped[float | None]
    line_at_prediction: Mapped[float | None]
    odds_at_prediction: Mapped[int | None]
    prediction_hash: Mapped[Varchar64 | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class PredictionResult(Base):
    """The latest grade of a prediction, in units of stake; a superseded one goes to `audit_logs`."""

    __tablename__ = "prediction_results"
    __table_args__ = (one_of("actual_result", BetResult),)

    id: Mapped[UuidKey]
    prediction_id: Mapped[UUID | None] = references("predictions.id", unique=True)
    actual_result: Mapped[Varchar10 | None]
    profit_loss: Mapped[float | None]
    clv: Mapped[float | None]
    closing_line: Mapped[float | None]
    graded_at: Mapped[datetime]


class PlayerProp(Base):
    """A published prediction of a player's figure; `fact_player_props` holds how it came about."""

    __tablename__ = "player_props"
    __table_args__ = (
        one_of("signal_tier", Tier),
        within_unit("over_probability"),
        within_unit("under_probability"),
    )

    id: Mapped[UuidKey]
    game_id: Mapped[UUID | None] = references("games.id")
    player_id: Mapped[UUID | None] = references("players.id")
    prop_type: Mapped[Varchar50]
    predicted_value: Mapped[float | None]
    over_probability: Mapped[float | None]
    under_probability: Mapped[float | None]
    line: Mapped[float | None]
    signal_tier: Mapped[Char1 | None]
    created_at: Mapped[datetime]


class ShapExplanation(Base):
    """A feature's contribution to a prediction's logit, signed for the predicted side."""

    __tablename__ = "shap_explanations"
    __table_args__ = (
        one_of("impact_direction", IMPACTS),
        UniqueConstraint("prediction_id", "feature_name"),
        {"info": {"append_only": True}},
    )

    id: Mapped[UuidKey]
    prediction_id: Mapped[UUID | None] = references("predictions.id", "CASCADE")
    feature_name: Mapped[Varchar100]
    feature_value: Mapped[float | None]
    shap_value: Mapped[float]
    impact_direction: Mapped[Varchar10 | None]
    rank: Mapped[int | None]
