"""Models, their training runs, importances and calibrators."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, String, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import insert_new
from aipro_ml.db.models.ml import CalibrationModel, FeatureImportance, MlModel, TrainingRun
from aipro_ml.db.models.sports import Sport
from aipro_ml.enums import BetType, Framework, RunStatus
from aipro_ml.errors import UsageError
from aipro_ml.identity import derive_id


@dataclass(frozen=True)
class StoredModel:
    """A row of `ml_models` with its sport's code."""

    id: UUID
    sport: str
    bet_type: BetType
    framework: Framework
    version: str
    file_path: str
    is_production: bool
    metrics: Mapping[str, Any]
    created_at: datetime

    @property
    def name(self) -> str:
        """Return the candidate's name in its training configuration."""
        return str(self.metrics.get("name", self.framework))


def start_run(connection: Connection, run_id: UUID, parameters: Mapping[str, Any], now: datetime) -> None:
    """Note that a training began."""
    connection.execute(
        insert(TrainingRun).values(
            id=run_id, started_at=now, status=RunStatus.RUNNING, hyperparameters=dict(parameters)
        )
    )


def finish_run(connection: Connection, run_id: UUID, values: Mapping[str, Any]) -> None:
    """Set what is known at the end of a training: status, completed_at, model_id, metrics, hash or error."""
    connection.execute(update(TrainingRun).where(TrainingRun.id == run_id).values(**values))


def fail_running(connection: Connection, run_ids: Sequence[UUID], error: BaseException, now: datetime) -> None:
    """Mark those of these runs failed, with the error, that are still running."""
    fail_runs(connection, run_ids, f"{type(error).__name__}: {error}", now)


def running_runs(connection: Connection) -> list[tuple[UUID, datetime, Mapping[str, Any]]]:
    """Return (id, started_at, hyperparameters) of every run that says it is running."""
    run = TrainingRun
    statement = select(run.id, run.started_at, run.hyperparameters).where(run.status == RunStatus.RUNNING)
    return [(row.id, row.started_at, row.hyperparameters or {}) for row in connection.execute(statement)]


def fail_runs(connection: Connection, run_ids: Sequence[UUID], reason: str, now: datetime) -> int:
    """Mark those of these runs failed, with the reason, that are still running; return how many."""
    still = TrainingRun.id.in_(run_ids) & (TrainingRun.status == RunStatus.RUNNING)
    values = {"status": RunStatus.FAILED, "completed_at": now, "error_message": reason}
    return connection.execute(update(TrainingRun).where(still).values(**values)).rowcount


def completed_run(connection: Connection, model_id: UUID, training_id: UUID | None = None) -> UUID | None:
    """Return the latest completed run that found this model (of this training, if one is named), None without one."""
    run = TrainingRun
    done = (run.model_id == model_id) & (run.status == RunStatus.COMPLETED)
    if training_id is not None:
        done &= run.hyperparameters["training"]["id"].as_string() == str(training_id)
    statement = select(run.id).where(done).order_by(run.started_at.desc(), run.id).limit(1)
    return connection.scalar(statement)


def noted_trainings(connection: Connection, reference: str | None) -> list[Mapping[str, Any]]:
    """Return the requests noted with the runs of one batch, in their order, one each.

    The batch is the latest, or the one that has a run, a training or itself an id that begins with `reference`;
    UsageError where none or several do.
    """
    training = TrainingRun.hyperparameters["training"]
    batch = training["batch"].as_string()
    found = select(batch.label("batch"), func.max(TrainingRun.started_at)).where(batch.is_not(None))
    if reference is not None:
        ids = (cast(TrainingRun.id, String), training["id"].as_string(), batch)
        found = found.where(or_(*(each.startswith(reference.lower(), autoescape=True) for each in ids)))
    found = found.group_by(batch).order_by(func.max(TrainingRun.started_at).desc(), batch).limit(2)
    batches = [row.batch for row in connection.execute(found)]
    if not batches or (reference is not None and len(batches) > 1):
        raise UsageError(
            f"{'no' if not batches else 'more than one'} training whose id begins with {reference or '…'!r}: "
            "see `aipro train list`"
        )
    statement = select(training).where(batch == batches[0])
    documents = {row["id"]: row for row in connection.scalars(statement)}
    return sorted(documents.values(), key=lambda document: int(document.get("place", 0)))


def save_model(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a model (columns of `ml_models`); True if it is new, False if it was there already."""
    statement = insert(MlModel).values(**values).on_conflict_do_nothing(index_elements=["id"])
    return connection.scalar(statement.returning(MlModel.id)) is not None


def merge_metrics(connection: Connection, model_id: UUID, added: Mapping[str, Any]) -> None:
    """Add keys to the metrics of a model."""
    locked = select(MlModel.performance_metrics).where(MlModel.id == model_id).with_for_update()
    stored = connection.scalar(locked) or {}
    merged = {**stored, **added}
    connection.execute(update(MlModel).where(MlModel.id == model_id).values(performance_metrics=merged))


def save_importance(connection: Connection, model_id: UUID, importance: pd.Series) -> int:
    """Store an importance a feature, ranked; return the rows written."""
    ranked = importance.sort_values(ascending=False, kind="stable")
    rows = pd.DataFrame(
        {
            "id": [derive_id("feature_importance", model_id, name) for name in ranked.index],
            "model_id": model_id,
            "feature_name": ranked.index.astype(str),
            "importance_score": ranked.to_numpy("float64"),
            "importance_rank": range(1, len(ranked) + 1),
        }
    )
    return insert_new(connection, FeatureImportance.__table__, rows)


def save_calibrator(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a calibrator (columns of `calibration_models`); True if it is new."""
    statement = insert(CalibrationModel).values(**values).on_conflict_do_nothing(index_elements=["id"])
    return connection.scalar(statement.returning(CalibrationModel.id)) is not None


def list_calibrators(connection: Connection, sport: str | None = None) -> list[dict[str, Any]]:
    """Return every stored calibrator with its model, the newest first; `in_force`: the model speaks through it now."""
    row = CalibrationModel
    now = MlModel.performance_metrics["calibration"]["path"].astext
    name = func.coalesce(MlModel.performance_metrics["name"].astext, MlModel.framework)
    statement = (
        select(
            row.created_at,
            Sport.code.label("sport"),
            MlModel.bet_type,
            name.label("model"),
            MlModel.id.label("model_id"),
            row.calibrator_type,
            row.calibrator_path,
            func.coalesce(now == row.calibrator_path, False).label("in_force"),
        )
        .join(MlModel, MlModel.id == row.model_id)
        .join(Sport, Sport.id == MlModel.sport_id)
        .order_by(row.created_at.desc(), row.id)
    )
    if sport is not None:
        statement = statement.where(Sport.code == sport)
    return [dict(found) for found in connection.execute(statement).mappings()]


def _stored(model: Any) -> StoredModel:
    return StoredModel(
        id=model.id,
        sport=model.code,
        bet_type=BetType(model.bet_type),
        framework=Framework(model.framework),
        version=model.version,
        file_path=model.file_path or "",
        is_production=bool(model.is_production),
        metrics=model.performance_metrics or {},
        created_at=model.created_at,
    )


def _query() -> Any:
    return select(*MlModel.__table__.c, Sport.code).join(Sport, Sport.id == MlModel.sport_id)


def list_models(connection: Connection, sport: str | None = None, bet_type: BetType | None = None) -> list[StoredModel]:
    """Return models, newest first."""
    statement = _query().order_by(MlModel.created_at.desc(), MlModel.id)
    if sport is not None:
        statement = statement.where(Sport.code == sport)
    if bet_type is not None:
        statement = statement.where(MlModel.bet_type == bet_type)
    return [_stored(row) for row in connection.execute(statement)]


def find_model(connection: Connection, reference: str) -> StoredModel:
    """Return the one model whose id begins with `reference`; UsageError where none or several do."""
    if not reference.strip():  # an unset variable of a shell begins every id: the only model would be meant
        raise UsageError("say which model: its id, or how it begins; see `aipro model list`")
    statement = _query().where(cast(MlModel.id, String).startswith(reference.lower(), autoescape=True))
    rows = list(connection.execute(statement.limit(2)))
    if len(rows) != 1:
        found = "no model" if not rows else "more than one model"
        raise UsageError(f"{found} whose id begins with {reference!r}: see `aipro model list`")
    return _stored(rows[0])


def models_by_id(connection: Connection, ids: Collection[UUID]) -> dict[UUID, StoredModel]:
    """Return the models with these ids."""
    return {row.id: _stored(row) for row in connection.execute(_query().where(MlModel.id.in_(ids)))}


def production_models(connection: Connection, sport: str) -> dict[BetType, StoredModel]:
    """Return the production model of each bet type that has one."""
    return {model.bet_type: model for model in list_models(connection, sport) if model.is_production}


def set_production(connection: Connection, model: StoredModel) -> UUID | None:
    """Make the model the production model of its sport and bet type; return the one before, if any."""
    sport_id = derive_id("sport", model.sport)
    peers = (MlModel.sport_id == sport_id) & (MlModel.bet_type == model.bet_type) & MlModel.is_production
    previous = connection.scalar(select(MlModel.id).where(peers).with_for_update())
    connection.execute(update(MlModel).where(peers).values(is_production=False))
    connection.execute(update(MlModel).where(MlModel.id == model.id).values(is_production=True))
    if model.bet_type is BetType.MONEYLINE:
        connection.execute(update(Sport).where(Sport.id == sport_id).values(default_model_id=model.id))
    return previous


def list_runs(connection: Connection, limit: int) -> list[dict[str, object]]:
    """Return the latest training runs."""
    run = TrainingRun
    noted = run.hyperparameters
    columns = (
        run.id,
        noted["training"]["sport"].as_string().label("sport"),
        noted["training"]["bet_type"].as_string().label("bet_type"),
        noted["name"].as_string().label("candidate"),
        run.started_at,
        run.completed_at,
        run.status,
        run.model_id,
        run.error_message,
    )
    statement = select(*columns).order_by(run.started_at.desc(), run.id).limit(limit)
    return [dict(found) for found in connection.execute(statement).mappings()]


def importance_of(connection: Connection, model_id: UUID, limit: int) -> list[dict[str, object]]:
    """Return the model's most important features."""
    row = FeatureImportance
    statement = select(row.importance_rank, row.feature_name, row.importance_score)
    statement = statement.where(row.model_id == model_id).order_by(row.importance_rank).limit(limit)
    return [dict(found) for found in connection.execute(statement).mappings()]
