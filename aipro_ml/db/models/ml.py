"""ML models: models, training runs, daily performance, importances and calibrators."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
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
)
from aipro_ml.enums import BetType, CalibratorType, Framework, RunStatus


class MlModel(Base):
    """A trained model; at most one a sport and bet type is in production."""

    __tablename__ = "ml_models"
    __table_args__ = (
        one_of("bet_type", BetType),
        one_of("framework", Framework),
        Index(
            "uq_ml_models_production",
            "sport_id",
            "bet_type",
            unique=True,
            postgresql_where=text("is_production"),
        ),
    )

    id: Mapped[UuidKey]
    sport_id: Mapped[UUID | None] = references("sports.id")
    bet_type: Mapped[Varchar20]
    framework: Mapped[Varchar20]
    version: Mapped[Varchar50]
    file_path: Mapped[Varchar500 | None]
    is_production: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    performance_metrics: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class TrainingRun(Base):
    """One training; several may find the same model."""

    __tablename__ = "training_runs"
    __table_args__ = (one_of("status", RunStatus),)

    id: Mapped[UuidKey]
    model_id: Mapped[UUID | None] = references("ml_models.id")
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    status: Mapped[Varchar20]
    hyperparameters: Mapped[dict[str, Any] | None]
    validation_metrics: Mapped[dict[str, Any] | None]
    training_data_hash: Mapped[Varchar64 | None]
    error_message: Mapped[str | None]


class ModelPerformance(Base):
    """How a model's graded predictions did, by day."""

    __tablename__ = "model_performance"
    __table_args__ = (UniqueConstraint("model_id", "date"),)

    id: Mapped[UuidKey]
    model_id: Mapped[UUID | None] = references("ml_models.id")
    date: Mapped[date]
    accuracy: Mapped[float | None]
    auc: Mapped[float | None]
    log_loss: Mapped[float | None]
    brier_score: Mapped[float | None]
    calibration_error: Mapped[float | None]
    predictions_count: Mapped[int | None]


class FeatureImportance(Base):
    """A feature's weight in a model; it follows from the model and goes with it."""

    __tablename__ = "feature_importance"
    __table_args__ = (UniqueConstraint("model_id", "feature_name"),)

    id: Mapped[UuidKey]
    model_id: Mapped[UUID | None] = references("ml_models.id", "CASCADE")
    feature_name: Mapped[Varchar100]
    importance_score: Mapped[float]
    importance_rank: Mapped[int | None]


class CalibrationModel(Base):
    """A calibrator fitted on a model's pooled out-of-fold predictions."""

    __tablename__ = "calibration_models"
    __table_args__ = (one_of("calibrator_type", CalibratorType),)

    id: Mapped[UuidKey]
    model_id: Mapped[UUID | None] = references("ml_models.id")
    calibrator_type: Mapped[Varchar20]
    calibrator_path: Mapped[Varchar500 | None]
    created_at: Mapped[datetime]
