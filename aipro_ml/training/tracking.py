"""The door to MLflow: a run a training, under it one a candidate with figures, plots and a loadable model."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from aipro_ml.enums import BetType, Framework
from aipro_ml.training.base import HEADER
from aipro_ml.training.header import read_header
from aipro_ml.training.mlflow_store import ENVIRONMENT, connected
from aipro_ml.training.model_versions import register
from aipro_ml.training.registry import load_model, requirements_of

MAX_METRICS = 40
"""More metric names than this make MLflow's pages crawl."""

NOTE: Final = "mlflow.note.content"
LEVEL: Final = "aipro.level"
"""Tags: what MLflow shows as a run's description; whether a run is a `training` or one `candidate` of it."""

_UNNAMEABLE = re.compile(r"[/:.%\"']")  # what MLflow refuses in a model's name


@dataclass(frozen=True)
class TrackedRun:
    """Everything one candidate leaves in MLflow.

    `experiment`: see `experiment_name`. `artifact_root`: folder of new experiments' files.
    `model_folder`: what `TrainedModel.save` wrote. `input_example`: a few rows of features.
    `figures` and `files` by the path they get in the run. `data_hash`: SHA-256 of the training matrix
    (MLflow's own digest covers 10,000 rows only). `parent`: MLflow's id of the training's run. `note`: Markdown.
    `registered`: the registered model that gets a version of it; versions are told apart by the tag `model_id`.
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
    parent: str | None = None
    note: str = ""
    registered: str | None = None


@dataclass(frozen=True)
class TrackedTraining:
    """What a training leaves beside its candidates: the parent run, found again by the tag `training_id`."""

    tracking_uri: str
    artifact_root: Path
    experiment: str
    name: str
    training_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Logged:
    """What MLflow has of a training: its run (None: none), whether it was ended, its finished candidates' runs."""

    run_id: str | None
    complete: bool
    candidates: Mapping[str, str]  # tag training_run_id to MLflow's run id


def experiment_name(sport: str, bet_type: BetType) -> str:
    """Return the experiment of a sport's bet type."""
    return f"aipro/{sport}/{bet_type}"


def log_candidate(run: TrackedRun) -> str:
    """Log `run` and return MLflow's run id; TrackingError where its store cannot be reached or refuses."""
    _refuse_many(run.metrics)
    with connected(run.tracking_uri, f"run {run.name}"):
        return _log(run)


def find_training(tracking_uri: str, experiment: str, training_id: str) -> Logged:
    """Return what MLflow has of a training; candidates whose logging was cut off are removed."""
    with connected(tracking_uri, f"training {training_id}"):
        return _found(experiment, training_id)


def begin_training(training: TrackedTraining) -> str:
    """Return MLflow's id of the training's run, made if it is not there; its candidates name it as parent."""
    _refuse_many(training.metrics)
    with connected(training.tracking_uri, f"training {training.name}"):
        found = _found(training.experiment, training.training_id)
        return found.run_id or _begun(training)


def end_training(training: TrackedTraining, run_id: str) -> None:
    """Log what is known once every candidate is logged: figures, files and note; the run is finished then."""
    with connected(training.tracking_uri, f"training {training.name}") as client:
        for name, value in training.metrics.items():
            client.log_metric(run_id, name, float(value))
        _log_files(client, run_id, training.files)
        client.set_tag(run_id, NOTE, training.note)
        client.set_terminated(run_id)


def tag_models(tracking_uri: str, experiments: Mapping[str, str], tags: Mapping[str, str]) -> list[str]:
    """Set tags on the runs of these models (model id to its experiment); return the models that have no run.

    TrackingError where MLflow's store cannot be reached.
    """
    with connected(tracking_uri, "the ledger's head") as client:
        missing = []
        for model_id, name in experiments.items():
            known = client.get_experiment_by_name(name)
            wanted = f"tags.model_id = '{model_id}'"
            runs = [] if known is None else client.search_runs([known.experiment_id], filter_string=wanted)
            missing += [] if runs else [model_id]
            for run in runs:
                for tag, value in tags.items():
                    client.set_tag(run.info.run_id, tag, value)
        return missing


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


def _refuse_many(metrics: Mapping[str, float]) -> None:
    if len(metrics) > MAX_METRICS:
        raise ValueError(f"{len(metrics)} metrics in one run: at most {MAX_METRICS}")


def _experiment_id(name: str, artifact_root: Path) -> str:
    import mlflow

    found = mlflow.get_experiment_by_name(name)
    if found is None:
        return str(mlflow.create_experiment(name, artifact_root.resolve().as_uri()))
    return str(found.experiment_id)


def _found(experiment: str, training_id: str) -> Logged:
    import mlflow

    client, known = mlflow.MlflowClient(), mlflow.get_experiment_by_name(experiment)
    if known is None:
        return Logged(None, complete=False, candidates={})
    runs = client.search_runs([known.experiment_id], filter_string=f"tags.training_id = '{training_id}'")
    parents = [run for run in runs if run.data.tags.get(LEVEL) == "training"]
    candidates = {}
    for run in runs:
        if run.data.tags.get(LEVEL) != "candidate":
            continue
        if run.info.status == "FINISHED":
            candidates[run.data.tags["training_run_id"]] = run.info.run_id
        else:
            client.delete_run(run.info.run_id)
    parent = parents[0] if parents else None
    return Logged(
        None if parent is None else str(parent.info.run_id),
        parent is not None and parent.info.status == "FINISHED",
        candidates,
    )


def _begun(training: TrackedTraining) -> str:
    import mlflow

    client = mlflow.MlflowClient()
    tags = {**training.tags, "training_id": training.training_id, LEVEL: "training"}
    experiment_id = _experiment_id(training.experiment, training.artifact_root)
    run_id = str(client.create_run(experiment_id, tags=tags, run_name=training.name).info.run_id)
    for name, value in training.params.items():
        client.log_param(run_id, name, value)
    return run_id


def _log(run: TrackedRun) -> str:
    import mlflow

    experiment_id = _experiment_id(run.experiment, run.artifact_root)
    own = {"data_sha256": run.data_hash, LEVEL: "candidate", NOTE: run.note}
    parent = {} if run.parent is None else {"mlflow.parentRunId": run.parent}
    with mlflow.start_run(experiment_id=experiment_id, run_name=run.name, tags=parent) as active:
        mlflow.set_tags({**run.tags, **{name: value for name, value in own.items() if value}})
        mlflow.log_params(dict(run.params))
        _log_files(mlflow.MlflowClient(), active.info.run_id, {**run.figures, **run.files})
        # metrics after the model and with its id: logged before, MLflow writes them twice and the second fails
        metrics = {name: float(value) for name, value in run.metrics.items()}
        mlflow.log_metrics(metrics, model_id=_log_model(run))
        return str(active.info.run_id)


def _log_files(client: Any, run_id: str, files: Mapping[str, Path]) -> None:
    for place, path in files.items():
        folder = str(Path(place).parent)
        client.log_artifact(run_id, str(path), None if folder == "." else folder)


def _log_model(run: TrackedRun) -> str:
    """Log the model folder as a pyfunc, as a version of the registered model too; return the id MLflow gives it."""
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
        pip_requirements=_requirements(run.model_folder),
    )
    if run.registered is not None:
        register(mlflow.MlflowClient(), run.registered, logged, run.tags["model_id"], run.note)
    return str(logged.model_id)


def _requirements(folder: Path) -> list[str]:
    """Return what a process that serves the model installs: this package and its framework's, or its members'."""
    frameworks = sorted({read_header(header.parent).framework for header in folder.rglob(HEADER)})
    needed = [f"aipro-ml=={version('aipro-ml')}"]
    return list(dict.fromkeys(needed + [each for name in frameworks for each in requirements_of(Framework(name))]))
