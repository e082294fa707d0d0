"""The rows a training leaves: its runs from their beginning, and each candidate as soon as it is fitted."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from aipro_ml import __version__
from aipro_ml.config import Settings
from aipro_ml.db.locks import wait_for
from aipro_ml.db.repositories import models
from aipro_ml.enums import RunStatus
from aipro_ml.identity import content_hash, derive_id
from aipro_ml.jobs.datasets import save_snapshot
from aipro_ml.jobs.training_bench import Workbench
from aipro_ml.jobs.training_request import TrainedRow
from aipro_ml.jobs.vectors import store_feature_set
from aipro_ml.training.artifacts import artifact_hash, is_whole, put_in_place, read_metrics
from aipro_ml.training.job import Fitted, Task


def note_runs(
    connection: Connection, bench: Workbench, tasks: Sequence[Task], facts: Mapping[str, Any]
) -> dict[UUID, UUID]:
    """Note a running row for every candidate that will be fitted; return its id by model.

    `facts`: the batch the training belongs to, its place there, and the process that runs it.
    """
    runs = {}
    for task in tasks:
        run_id = runs[task.model_id] = uuid4()
        models.start_run(connection, run_id, _noted(bench, task, facts), bench.request.now)
    return runs


def note_reused(connection: Connection, bench: Workbench, row: TrainedRow, facts: Mapping[str, Any]) -> TrainedRow:
    """Return a reused candidate with its completed run of this training, noted now if an earlier one trained it."""
    own = models.completed_run(connection, row.model_id, bench.request.training_id)
    if own is not None:
        return replace(row, run_id=own)
    task, run_id, request = bench.task(row.model_id), uuid4(), bench.request
    noted = {**_noted(bench, task, facts), "reused_run": str(row.run_id)}
    models.start_run(connection, run_id, noted, request.now)
    models.finish_run(connection, run_id, _completed(bench, task))
    return replace(row, run_id=run_id)


def _noted(bench: Workbench, task: Task, facts: Mapping[str, Any]) -> dict[str, Any]:
    training = {**bench.request.document(), **facts["batch"]}
    return {**_parameters(bench, task), "training": training, "process": facts["process"]}


def _completed(bench: Workbench, task: Task) -> dict[str, Any]:
    return {
        "status": RunStatus.COMPLETED,
        "completed_at": bench.request.ended(),
        "model_id": task.model_id,
        "training_data_hash": task.identity["data_hash"],
    }


def _parameters(bench: Workbench, task: Task) -> dict[str, Any]:
    return {
        **task.config.model_dump(mode="json"),
        "seed": bench.request.config.seed,
        "test_seasons": list(bench.folds.seasons),
        "decision_minutes": bench.minutes,
    }


def reusable(engine: Engine, settings: Settings, bench: Workbench) -> dict[UUID, TrainedRow]:
    """Return the candidates an earlier run stored: a model row, a completed run and a whole artifact each."""
    found = {}
    with engine.connect() as connection:
        for task in bench.every:
            row = _reusable(connection, settings, bench, task)
            if row is not None:
                found[task.model_id] = row
    return found


def _reusable(connection: Connection, settings: Settings, bench: Workbench, task: Task) -> TrainedRow | None:
    run_id = models.completed_run(connection, task.model_id)
    if run_id is None:
        return None
    folder = folder_of(settings, bench, task)
    stored = models.find_model(connection, str(task.model_id))
    if not is_whole(folder) or artifact_hash(folder) != stored.metrics.get("artifact_hash"):
        return None
    return TrainedRow(
        task.model_id, run_id, task.config.name, task.config.framework, folder, is_new=False, is_reused=True
    )


def folder_of(settings: Settings, bench: Workbench, task: Task) -> Path:
    """Return where the candidate's artifact belongs."""
    return settings.artifacts_dir / bench.league.code / bench.request.bet_type / str(task.model_id)


def store(
    engine: Engine, settings: Settings, bench: Workbench, task: Task, fitted: tuple[UUID, Path, Fitted]
) -> TrainedRow:
    """Write artifact, model, run and importances; the artifact of a model trained before is kept if it is whole.

    `fitted`: the run, the folder the new artifact was built in, and what the job said of it. The figures of the
    leaderboard come when the training is concluded.
    """
    run_id, built, said = fitted
    folder = folder_of(settings, bench, task)
    request, matrix = bench.request, bench.matrix.select(task.columns)
    with engine.begin() as connection:
        wait_for(connection, f"artifact {task.model_id}")  # the row is to name the hash of the folder that stays
        if is_whole(folder):
            shutil.rmtree(built)
        else:
            put_in_place(built, folder)
        set_id = store_feature_set(connection, bench.league, request.bet_type, task.columns, request.now)
        save_snapshot(connection, settings, set_id, matrix, request.now, built.parent)
        is_new = models.save_model(connection, _model_row(settings, bench, task, folder))
        models.save_importance(connection, task.model_id, said.importance)
        models.finish_run(connection, run_id, _completed(bench, task))
    return TrainedRow(task.model_id, run_id, task.config.name, task.config.framework, folder, is_new)


def _model_row(settings: Settings, bench: Workbench, task: Task, folder: Path) -> dict[str, Any]:
    found = task.config.search
    metrics = {
        **read_metrics(folder),
        **({} if found is None else {"trials": found.trials}),
        "name": task.config.name,
        "artifact_hash": artifact_hash(folder),
        "identity": dict(task.identity),
        "features": list(task.columns),
    }
    return {
        "id": task.model_id,
        "sport_id": derive_id("sport", bench.league.code),
        "bet_type": bench.request.bet_type,
        "framework": task.config.framework,
        "version": f"{__version__}+{task.config.name}.{content_hash(task.identity)[:8]}",
        "file_path": folder.relative_to(settings.artifacts_dir).as_posix(),
        "is_production": False,
        "performance_metrics": metrics,
        "created_at": bench.request.now,
    }
