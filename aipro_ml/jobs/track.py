"""What a training leaves in MLflow, made from what the database and the artifacts hold: again at any time."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.db.locks import held
from aipro_ml.db.repositories.trainings import StoredRun, completed_runs
from aipro_ml.errors import ArtifactError
from aipro_ml.evaluation.review import Review, ReviewedModel, board_table, write_review
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.jobs.review import Reviewed, drawn, overview
from aipro_ml.training.artifacts import MODEL
from aipro_ml.training.model_versions import registered_name
from aipro_ml.training.tracking import (
    TrackedRun,
    TrackedTraining,
    begin_training,
    end_training,
    experiment_name,
    find_training,
    log_candidate,
)

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class _Place:
    """Where MLflow keeps a training, and the folder its pictures are drawn in."""

    uri: str
    root: Path
    experiment: str
    folder: Path


def track_training(engine: Engine, settings: Settings, training_id: UUID) -> int:
    """Log a stored training: its run, its candidates under it; return how many runs were added.

    What is there already stays, so that the same again adds nothing. TrackingError where MLflow cannot be reached.
    """
    with engine.connect() as connection:
        trainings = completed_runs(connection, training_id=training_id)
    return sum(track_runs(engine, settings, runs) for runs in trainings.values())


def track_runs(engine: Engine, settings: Settings, runs: Sequence[StoredRun]) -> int:
    """Log the runs of one training that MLflow lacks; return how many runs were added."""
    model = runs[0].model
    experiment = experiment_name(model.sport, model.bet_type)
    with held(engine, f"mlflow {experiment}"):  # who looks for runs cut off must not find those of one at work
        return _track(engine, settings, runs, experiment)


def _track(engine: Engine, settings: Settings, runs: Sequence[StoredRun], experiment: str) -> int:
    uri, root = database.mlflow_url(settings), settings.home / "mlflow"
    there = find_training(uri, experiment, runs[0].training_id)
    missing = [run for run in runs if str(run.run_id) not in there.candidates]
    if there.complete and not missing:
        return 0
    with tempfile.TemporaryDirectory(prefix="aipro-") as folder:
        place = _Place(uri, root, experiment, Path(folder))
        reviewed = [drawn(engine, settings, run, place.folder / str(run.run_id)) for run in runs]
        training = _training(place, runs, overview(reviewed, place.folder))
        parent = begin_training(training)
        for one in reviewed:
            if one.run in missing:
                log_candidate(_candidate(place, one, parent))
        end_training(training, parent)
    return len(missing) + (there.run_id is None)


def _training(place: _Place, runs: Sequence[StoredRun], review: Review) -> TrackedTraining:
    best = review.best
    figures = {name: best.get(name) for name in ("log_loss", "delta_log_loss_vs_market", "ci_low", "ci_high", "n")}
    first = runs[0].model.metrics["identity"]
    return TrackedTraining(
        tracking_uri=place.uri,
        artifact_root=place.root,
        experiment=place.experiment,
        name=review.title,
        training_id=runs[0].training_id,
        tags={"sport": review.sport, "bet_type": review.bet_type.value, "best": str(best["name"])},
        params={
            "candidates": ", ".join(run.model.name for run in runs),
            "test_seasons": f"{review.seasons[0]}-{review.seasons[-1]}",
            **{name: first[name] for name in ("seed", "decision_minutes", "code_version")},
        },
        metrics=_numbers({f"best_{name}": value for name, value in figures.items()}),
        files=_overview_files(place.folder, review),
        note=_markdown(review.note),
    )


def _overview_files(folder: Path, review: Review) -> dict[str, Path]:
    board = pd.DataFrame([dict(row) for row in review.board])
    board.to_csv(folder / "leaderboard.csv", index=False)
    (folder / "leaderboard.html").write_text(board_table(review), encoding="utf-8")
    files = {"report.html": write_review(folder / "report.html", review)}
    files |= {name: folder / name for name in ("leaderboard.csv", "leaderboard.html")}
    return files | {f"plots/{png.name}": png for png, _ in review.pictures}


def _candidate(place: _Place, one: Reviewed, parent: str) -> TrackedRun:
    run, model = one.run, one.run.model
    row = next(row for row in run.board if row["name"] == model.name)
    return TrackedRun(
        tracking_uri=place.uri,
        artifact_root=place.root,
        experiment=place.experiment,
        name=model.name,
        model_folder=one.folder / MODEL,
        input_example=_example(one.matrix, model.metrics["features"]),
        data_hash=str(model.metrics["identity"]["data_hash"]),
        params=_parameters(model.metrics["identity"]),
        metrics=_numbers({**row, **one.model.figures}),
        tags=_tags(run),
        figures={f"plots/{png.name}": png for png, _ in one.model.pictures},
        files=_gate_file(place.folder / str(run.run_id), one.model),
        parent=parent,
        note=_markdown(_candidate_note(row, one.model)),
        registered=registered_name(model.sport, model.bet_type),
    )


def _tags(run: StoredRun) -> dict[str, str]:
    model = run.model
    return {
        "model_id": str(model.id),
        "training_id": run.training_id,
        "training_run_id": str(run.run_id),
        "framework": model.framework.value,
        "feature_set": str(model.metrics["identity"]["feature_set"]),
        "artifact_hash": str(model.metrics.get("artifact_hash")),
        "leak": str(model.metrics.get("leak") or "none"),
        "repeatable": str(model.metrics.get("repeatable", "unknown")).lower(),
    }


def _candidate_note(row: Mapping[str, Any], model: ReviewedModel) -> list[str]:
    lines = [f"{model.name} ({model.framework}), model {model.model_id}."]
    lines.append(f"Log loss {row['log_loss']:.4f} on {row['n']:,} out-of-fold games.")
    if row.get("ci_low") is not None:
        delta = row["delta_log_loss_vs_market"]
        lines.append(f"To the market: {delta:+.4f} (95 %: {row['ci_low']:+.4f} to {row['ci_high']:+.4f}).")
    lines.append(f"Gate when logged: {model.gate.sentence}.")
    return lines


def _gate_file(folder: Path, model: ReviewedModel) -> dict[str, Path]:
    if model.gate is None:
        return {}
    path = folder / "gate.json"
    path.write_text(json.dumps(model.gate.document, indent=2) + "\n", encoding="utf-8")
    return {"gate.json": path}


def _example(matrix: FeatureMatrix | None, features: Sequence[str]) -> pd.DataFrame:
    if matrix is None:
        raise ArtifactError("no file of the training data was kept: an input example cannot be given; train again")
    return matrix.X[list(features)].iloc[-EXAMPLE_ROWS:].astype(np.float64)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, float | int) and not isinstance(value, bool) and np.isfinite(value)
    }


def _parameters(identity: Mapping[str, Any]) -> dict[str, Any]:
    config = identity["config"]
    plain = {name: config[name] for name in ("framework", "estimator", "features")}
    plain |= {name: identity[name] for name in ("seed", "decision_minutes", "code_version")}
    tested = identity["test_seasons"]
    params = {name: str(value)[:500] for name, value in config["params"].items()}  # MLflow's pages show no more
    return {**plain, **params, "test_seasons": f"{tested[0]}-{tested[-1]}"}


def _markdown(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
