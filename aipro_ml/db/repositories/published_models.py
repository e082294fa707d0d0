"""Models and their daily performance for those who read them from outside, a page at a time, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, tuple_

from aipro_ml.db.models.ml import MlModel, ModelPerformance
from aipro_ml.db.models.sports import Sport
from aipro_ml.db.models.warehouse import FactModelPromotion
from aipro_ml.enums import BetType

_FIGURES = MlModel.performance_metrics
_IN_PRODUCTION = func.coalesce(MlModel.is_production, False)
_NAME = func.coalesce(_FIGURES["name"].as_string(), MlModel.framework)
_EVER_PROMOTED = exists().where(
    FactModelPromotion.model_id == MlModel.id,
    or_(FactModelPromotion.action != "promote", FactModelPromotion.verdict == "PROMOTE"),
)


@dataclass(frozen=True)
class WantedModels:
    """Which models a reader asks for; None leaves a filter out. `shadow`: those never in production too."""

    sport: str | None = None
    bet_type: BetType | None = None
    production: bool | None = None
    model_id: UUID | None = None
    shadow: bool = False


def models_before(
    connection: Connection, wanted: WantedModels, before: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` models created before `before` (created_at, id; None: the newest), newest first."""
    statement = (
        select(
            MlModel.id,
            Sport.code.label("sport"),
            MlModel.bet_type,
            MlModel.framework,
            _NAME.label("name"),
            MlModel.version,
            _IN_PRODUCTION.label("production"),
            MlModel.created_at,
            _FIGURES.label("metrics"),
        )
        .join(Sport, Sport.id == MlModel.sport_id)
        .where(*_asked(wanted))
        .order_by(MlModel.created_at.desc(), MlModel.id.desc())
    )
    if before is not None:
        statement = statement.where(tuple_(MlModel.created_at, MlModel.id) < before)
    return [_model(dict(row)) for row in connection.execute(statement.limit(limit)).mappings()]


def performance_before(
    connection: Connection,
    wanted: WantedModels,
    days: tuple[date, date] | None,
    before: tuple[date, UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return at most `limit` days of performance before `before` (date, id), newest first; `days` both included."""
    row = ModelPerformance
    statement = (
        select(
            row.id,
            row.date,
            row.model_id,
            Sport.code.label("sport"),
            MlModel.bet_type,
            _NAME.label("name"),
            row.predictions_count.label("n"),
            row.accuracy,
            row.auc,
            row.log_loss,
            row.brier_score,
            row.calibration_error,
        )
        .join(MlModel, MlModel.id == row.model_id)
        .join(Sport, Sport.id == MlModel.sport_id)
        .where(*_asked(wanted))
        .order_by(row.date.desc(), row.id.desc())
    )
    if days is not None:
        statement = statement.where(row.date.between(*days))
    if before is not None:
        statement = statement.where(tuple_(row.date, row.id) < before)
    return [dict(each) for each in connection.execute(statement.limit(limit)).mappings()]


def _asked(wanted: WantedModels) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.sport is not None:
        conditions.append(Sport.code == wanted.sport)
    if wanted.bet_type is not None:
        conditions.append(MlModel.bet_type == wanted.bet_type)
    if wanted.production is not None:
        conditions.append(_IN_PRODUCTION.is_(wanted.production))
    if wanted.model_id is not None:
        conditions.append(MlModel.id == wanted.model_id)
    if not wanted.shadow:
        conditions.append(or_(_IN_PRODUCTION, _EVER_PROMOTED))
    return conditions


def _model(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model with the figures of its training that are told outside."""
    plain = dict(row)
    figures = plain.pop("metrics") or {}
    board, calibration = figures.get("leaderboard") or {}, figures.get("calibration") or {}
    return {
        **plain,
        "test_games": board.get("n"),
        "log_loss": board.get("log_loss"),
        "log_loss_vs_market": board.get("delta_log_loss_vs_market"),
        "calibration": calibration.get("method"),
        "trained_rows": figures.get("trained_rows"),
        "trained_through": figures.get("trained_through"),
        "artifact_hash": figures.get("artifact_hash"),
    }
