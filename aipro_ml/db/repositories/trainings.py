"""Trainings as they are stored: the completed runs of each, with the models they found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from aipro_ml.db.models.ml import TrainingRun
from aipro_ml.db.repositories.models import StoredModel, models_by_id
from aipro_ml.enums import RunStatus


@dataclass(frozen=True)
class StoredRun:
    """A completed run of one candidate; `board` is the leaderboard its training ended with, best first.

    A run of an earlier version names no training and is one of its own, with a leaderboard of one row.
    """

    run_id: UUID
    training_id: str
    started_at: datetime
    model: StoredModel
    request: Mapping[str, Any]
    board: list[dict[str, Any]]


def completed_runs(
    connection: Connection, sport: str | None = None, training_id: UUID | None = None
) -> dict[str, list[StoredRun]]:
    """Return the completed and compared runs by training, the earliest training first."""
    run = TrainingRun
    statement = select(run.id, run.started_at, run.model_id, run.hyperparameters, run.validation_metrics).where(
        run.status == RunStatus.COMPLETED, run.model_id.is_not(None), run.validation_metrics.is_not(None)
    )
    if training_id is not None:
        statement = statement.where(run.hyperparameters["training"]["id"].as_string() == str(training_id))
    rows = connection.execute(statement.order_by(run.started_at, run.id)).all()
    models = models_by_id(connection, {row.model_id for row in rows})
    trainings: dict[str, list[StoredRun]] = {}
    for row in rows:
        model = models[row.model_id]
        if sport is not None and model.sport != sport:
            continue
        request = (row.hyperparameters or {}).get("training", {})
        figures = dict(row.validation_metrics)
        board = figures.pop("board", None) or [figures]
        training = str(request.get("id", row.id))
        stored = StoredRun(row.id, training, row.started_at, model, request, board)
        trainings.setdefault(training, []).append(stored)
    return trainings
