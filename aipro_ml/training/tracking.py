"""The one door to MLflow: a run per training, with parameters, metrics, plots and a loadable model."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError
from aipro_ml.training.registry import load_model

MAX_METRICS = 40
"""More metric names than this make MLflow's pages crawl."""

ENVIRONMENT: Final[Mapping[str, str]] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # 2 processes instead of 10
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # a machine without git is no fault
}
"""What MLflow's process must be told, ours and its server's alike."""

_UNNAMEABLE = re.compile(r"[/:.%\"']")  # what MLflow refuses in a model's name

_EXPORTED = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
"""What MLflow writes into our environment, passwords and all, where the next settings would read it."""

_CHATTY = ("mlflow", "alembic", "alembic.runtime.migration", "huey", "psycopg")


class TrackingError(AiproError):
    """MLflow's store cannot be reached or refused the run; training itself is not affected."""


@dataclass(frozen=True)
class TrackedRun:
    """Everything one training leaves in MLflow.

    `experiment`: see `experiment_name`. `artifact_root`: folder of new experiments' files.
    `model_folder`: what `TrainedModel.save` wrote. `input_example`: a few rows of features.
    `figures` and `files` by the path they get in the run. `data_hash`: SHA-256 of the training matrix
    (MLflow's own digest covers 10,000 rows only).
    """

    tracking_uri: str
    artifact_root: Path
    experiment: str
    name: str
    model_folder: Path
    input_example: pd.DataFrame
    data_hash: str
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def experiment_name(sport: str, bet_type: BetType) -> str:
    """Return the experiment of a sport's bet type."""
    return f"aipro/{sport}/{bet_type}"


def log_training(run: TrackedRun) -> str:
    """Log `run` and return MLflow's run id; TrackingError where its store cannot be reached or refuses."""
    if len(run.metrics) > MAX_METRICS:
        raise ValueError(f"{len(run.metrics)} metrics in one run: at most {MAX_METRICS}")
    with _quiet():
        try:
            return _log(run)
        except Exception as error:
            # mlflow lets the driver's, the file system's and its own errors through alike
            raise TrackingError(f"MLflow did not take run {run.name}: {_first_line(error)}") from error


def ui_command(tracking_uri: str, artifact_root: Path, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """Return command and additional environment of MLflow's pages; passwords go by environment only."""
    environment = {
        **ENVIRONMENT,
        "MLFLOW_TRACKING_URI": tracking_uri,
        "MLFLOW_BACKEND_STORE_URI": tracking_uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": artifact_root.resolve().as_uri(),
    }
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    return [*command, "--workers", "1", "--no-serve-artifacts"], environment


def _log(run: TrackedRun) -> str:
    import mlflow

    mlflow.set_tracking_uri(run.tracking_uri)
    mlflow.set_registry_uri(run.tracking_uri)
    experiment = mlflow.get_experiment_by_name(run.experiment)
    experiment_id = (
        mlflow.create_experiment(run.experiment, run.artifact_root.resolve().as_uri())
        if experiment is None
        else experiment.experiment_id
    )
    with mlflow.start_run(experiment_id=experiment_id, run_name=run.name) as active:
        mlflow.set_tags({**run.tags, "data_sha256": run.data_hash})
        mlflow.log_params(dict(run.params))
        for place, path in {**run.figures, **run.files}.items():
            mlflow.log_artifact(str(path), artifact_path=str(Path(place).parent))
        # metrics after the model and with its id: logged before, MLflow writes them twice and the second fails
        metrics = {name: float(value) for name, value in run.metrics.items()}
        mlflow.log_metrics(metrics, model_id=_log_model(run))
        return str(active.info.run_id)


def _log_model(run: TrackedRun) -> str:
    """Log the model folder as a pyfunc and return the id MLflow gives it."""
    import mlflow
    from mlflow.models import infer_signature

    from aipro_ml.training import pyfunc

    predicted = pyfunc.outcome_frame(load_model(run.model_folder), run.input_example)
    logged = mlflow.pyfunc.log_model(
        name=_UNNAMEABLE.sub("-", run.name),
        python_model=str(Path(pyfunc.__file__)),
        artifacts={"model": str(run.model_folder)},
        signature=infer_signature(run.input_example, predicted),
        input_example=run.input_example,
        pip_requirements=[f"{name}=={version(name)}" for name in ("aipro-ml", "scikit-learn", "lightgbm")],
    )
    return str(logged.model_id)


@contextmanager
def _quiet() -> Iterator[None]:
    """Set MLflow's environment and keep its progress chatter out of our terminal; errors still raise."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow.store.db.utils as store  # the import sets MLflow's log levels, so ours come after

    store.MAX_RETRY_COUNT = 3  # its 10 attempts, each twice as late, hold a training for minutes

    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    given = {name: os.environ.get(name) for name in _EXPORTED}
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, before in given.items():
            _set_environment(name, before)


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _first_line(error: Exception) -> str:
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text.splitlines()[0]}"
