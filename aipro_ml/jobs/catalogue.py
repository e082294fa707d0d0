"""Listings of models, runs and calibrations."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from aipro_ml.calibration.load import load_calibrator
from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.jobs.database import opened
from aipro_ml.training.artifacts import ModelArtifact, artifact_hash, read_artifact


def list_models(settings: Settings, sport: str | None, bet_type: BetType | None) -> list[dict[str, Any]]:
    """Return one row a model with its walk-forward figures."""
    code = None if sport is None else find_sport(sport).code
    with opened(settings) as engine, engine.connect() as connection:
        found = models.list_models(connection, code, bet_type)
    return [_row(model) for model in found]


def _row(model: models.StoredModel) -> dict[str, Any]:
    figures = model.metrics.get("leaderboard", {})
    calibration = model.metrics.get("calibration", {})
    return {
        "id": str(model.id)[:8],
        "sport": model.sport,
        "bet_type": model.bet_type.value,
        "framework": model.framework.value,
        "name": model.name,
        "n": figures.get("n"),
        "log_loss": figures.get("log_loss"),
        "vs_market": figures.get("delta_log_loss_vs_market"),
        "calibration": calibration.get("method", "-"),
        "leak": model.metrics.get("leak") or "-",
        "production": model.is_production,
        "created_at": model.created_at,
    }


def show_model(settings: Settings, reference: str) -> tuple[dict[str, Any], list[dict[str, object]]]:
    """Return the facts of one model and its fifteen most important features."""
    with opened(settings) as engine, engine.connect() as connection:
        model = models.find_model(connection, reference)
        importance = models.importance_of(connection, model.id, 15)
    facts: dict[str, Any] = {
        **_row(model),
        "id": str(model.id),
        "version": model.version,
        "file_path": model.file_path,
        "trained_rows": model.metrics.get("trained_rows"),
        "trained_through": model.metrics.get("trained_through"),
        "trials": model.metrics.get("trials"),
        "artifact_hash": model.metrics.get("artifact_hash"),
        "blend": model.metrics.get("blend"),
    }
    return facts, importance


def artifact_of(engine: Engine, settings: Settings, reference: str) -> ModelArtifact:
    """Return the artifact of the model whose id begins with `reference`; ArtifactError where it is damaged."""
    with engine.connect() as connection:
        model = models.find_model(connection, reference)
    folder = settings.artifacts_dir / model.file_path
    artifact = read_artifact(folder)
    if artifact_hash(folder) != model.metrics["artifact_hash"]:
        raise ArtifactError(f"{folder}: not the artifact the database names; train the model again")
    return artifact


def list_training_runs(settings: Settings, limit: int) -> list[dict[str, object]]:
    """Return the latest training runs."""
    with opened(settings) as engine, engine.connect() as connection:
        return models.list_runs(connection, limit)


def list_calibrators(settings: Settings, sport: str | None) -> list[dict[str, Any]]:
    """Return one row a stored calibrator, the newest first, and whether its file is there and reads as what it was."""
    code = None if sport is None else find_sport(sport).code
    with opened(settings) as engine, engine.connect() as connection:
        found = models.list_calibrators(connection, code)
    return [
        {
            **{name: value for name, value in row.items() if name != "calibrator_path"},
            "model_id": str(row["model_id"])[:8],
            "file": _calibrator_file(settings, row["calibrator_path"]),
        }
        for row in found
    ]


def _calibrator_file(settings: Settings, path: str | None) -> str:
    """Return `whole`, or what is wrong; a calibrator's file is named after the beginning of its hash."""
    try:
        version = load_calibrator(settings.artifacts_dir / str(path)).version
    except AiproError as error:
        return str(error)
    return "whole" if Path(str(path)).stem.endswith(version[:16]) else "damaged"
