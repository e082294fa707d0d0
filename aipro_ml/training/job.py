"""A training job: candidates fitted on the same folds into a folder of artifacts, on any machine; no database."""

import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, DataFileError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.identity import content_hash
from aipro_ml.training.artifacts import ModelArtifact, write_artifact
from aipro_ml.training.background import background_rows
from aipro_ml.training.registry import candidate, session
from aipro_ml.training.releases import installed_libraries, require_libraries
from aipro_ml.training.splits import Folds, trainable
from aipro_ml.training.threads import one_blas_thread
from aipro_ml.training.walkforward import Candidate, fold_by_fold

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One candidate: its configuration, its features, what its model's identity derives from, and that identity."""

    config: ModelConfig
    columns: tuple[str, ...]
    identity: Mapping[str, Any]
    model_id: UUID


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """The candidates of one framework for one sport and bet type, with all they learn from.

    `train_from`: first season of the final fit. `environment`: variables set while the job runs (AIPRO_H2O_URL).
    `libraries` are those of the machine that asked: another machine with others refuses.
    """

    sport: str
    bet_type: BetType
    framework: str
    tasks: tuple[Task, ...]
    matrix: FeatureMatrix
    folds: Folds
    train_from: int
    seed: int
    rule: MarketRule = MarketRule.TWO_WAY
    environment: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return sport, bet type and framework."""
        return f"{self.sport} {self.bet_type} {self.framework}"

    def without(self, done: Collection[UUID]) -> "TrainingJob":
        """Return the job with only those candidates whose models are not `done`."""
        return replace(self, tasks=tuple(task for task in self.tasks if task.model_id not in done))


@dataclass(frozen=True)
class Progress:
    """A candidate has `done` of `total` fits; the last is the final model on everything."""

    model_id: UUID
    done: int
    total: int


@dataclass(frozen=True)
class Fitted:
    """A candidate's artifact lies whole in the job's folder, under the model's id; its importances beside."""

    model_id: UUID
    importance: pd.Series


@dataclass(frozen=True)
class Failed:
    """A candidate could not be fitted: why."""

    model_id: UUID
    error: AiproError


Event = Progress | Fitted | Failed


def run_job(job: TrainingJob, folder: Path) -> Iterator[Event]:
    """Fit the job's candidates one after another, each artifact into `folder`/<model id>; yield what happens.

    A candidate that fails does not take the next ones with it. What is slow to start (H2O's JVM) is started once.
    """
    with _environment(job.environment), session(job.framework):
        for task in job.tasks:
            try:
                require_libraries(job.libraries)
                yield from _fit(job, task, folder / str(task.model_id))
            except Exception as error:  # whatever a framework raises, its candidate alone has failed
                _LOGGER.debug("candidate failed", exc_info=error)
                yield Failed(task.model_id, told(error))


def told(error: Exception) -> AiproError:
    """Return the error as one that travels between processes; what was not foreseen keeps its kind's name."""
    if isinstance(error, AiproError) and not isinstance(error, DataFileError):
        return error
    return AiproError(f"{type(error).__name__}: {' '.join(str(error).split())}")


def _fit(job: TrainingJob, task: Task, folder: Path) -> Iterator[Event]:
    """Fit one candidate on every fold and on everything; its artifact is written as `folder`."""
    matrix = job.matrix.select(task.columns)
    made = candidate(task.config, job.bet_type, job.seed, job.rule)
    total = len(job.folds) + 1
    parts: list[pd.DataFrame] = []
    steps = fold_by_fold(made, matrix, job.folds)
    while len(parts) < len(job.folds):
        with one_blas_thread():
            parts.append(next(steps))
        yield Progress(task.model_id, len(parts), total)
    trained = matrix.take(trainable(matrix, job.train_from))
    with one_blas_thread():
        model = made.fit(trained)
        background = background_rows(model, trained, job.seed)
    facts = _facts(made, trained, task)
    write_artifact(folder, ModelArtifact(model, pd.concat(parts), facts, task.identity, background))
    yield Progress(task.model_id, total, total)
    yield Fitted(task.model_id, model.feature_importance())


def _facts(made: Candidate, trained: FeatureMatrix, task: Task) -> dict[str, Any]:
    through = pd.Timestamp(trained.meta["result_known_at"].max())
    reason = made.trainer.repeatable(task.config.params)
    return {
        "trained_through": through.isoformat(),
        "trained_rows": len(trained.X),
        "config_hash": content_hash(task.config.model_dump(mode="json")),
        "libraries": installed_libraries(),
        "repeatable": reason is None,
        "not_repeatable_because": reason,
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
