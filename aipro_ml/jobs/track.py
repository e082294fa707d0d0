"""What a training leaves in MLflow: parameters, figures, plots and the loadable model."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aipro_ml.calibration.plots import reliability_diagram
from aipro_ml.calibration.reliability import reliability
from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.enums import BetType
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.artifacts import MODEL, ModelArtifact
from aipro_ml.training.leaderboard import LeaderboardRow
from aipro_ml.training.oof import market_rows, reference_rows
from aipro_ml.training.plots import importance_chart, skill_by_season
from aipro_ml.training.tracking import TrackedRun, experiment_name, log_training

EXAMPLE_ROWS = 5


def track_model(
    settings: Settings,
    row: Mapping[str, Any],
    artifact: ModelArtifact,
    matrix: FeatureMatrix,
    board: Sequence[LeaderboardRow],
) -> str:
    """Log one trained model; return MLflow's run id. TrackingError where MLflow cannot be written."""
    identity = artifact.config
    figures = next(entry for entry in board if entry.name == row["name"])
    with tempfile.TemporaryDirectory(prefix="aipro-") as folder:
        plots = _plots(Path(folder), str(row["name"]), artifact)
        return log_training(
            TrackedRun(
                tracking_uri=database.mlflow_url(settings),
                artifact_root=settings.home / "mlflow",
                experiment=experiment_name(identity["sport"], BetType(identity["bet_type"])),
                name=str(row["name"]),
                model_folder=Path(row["folder"]) / MODEL,
                input_example=matrix.X.iloc[-EXAMPLE_ROWS:].astype(np.float64),
                data_hash=matrix.sha256,
                params=_parameters(identity),
                metrics={name: v for name, v in figures.fields.items() if isinstance(v, float | int)},
                tags={
                    "model_id": str(row["model_id"]),
                    "training_run_id": str(row["run_id"]),
                    "framework": str(row["framework"]),
                    "feature_set": str(identity["feature_set"]),
                },
                figures=plots,
            )
        )


def _parameters(identity: Mapping[str, Any]) -> dict[str, Any]:
    config = identity["config"]
    plain = {name: config[name] for name in ("framework", "estimator", "features")}
    plain |= {name: identity[name] for name in ("seed", "decision_minutes", "code_version")}
    tested = identity["test_seasons"]
    return {**plain, **config["params"], "test_seasons": f"{tested[0]}-{tested[-1]}"}


def _plots(folder: Path, name: str, artifact: ModelArtifact) -> dict[str, Path]:
    before = reliability(reference_rows(artifact.oof), seed=int(artifact.config["seed"]))
    plots = {
        "plots/reliability.png": reliability_diagram(folder / "reliability.png", before, title=f"{name}: out of fold"),
        "plots/importance.png": importance_chart(
            folder / "importance.png", artifact.model.feature_importance(), title=name
        ),
    }
    market = market_rows(artifact.oof)
    if len(market):  # without a market there is no skill to measure against
        skill = {name: artifact.oof, "market": market}
        plots["plots/skill_by_season.png"] = skill_by_season(folder / "skill_by_season.png", skill, title=name)
    return plots
