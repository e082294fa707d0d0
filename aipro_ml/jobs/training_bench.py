"""What a training works on: matrix, folds and candidates, and the jobs they make."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from aipro_ml import __version__
from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import ModelConfig
from aipro_ml.db.repositories import reference
from aipro_ml.enums import BetType, Framework
from aipro_ml.errors import AiproError
from aipro_ml.features.build import MatrixRequest, build_matrices
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import content_hash, derive_id
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.matrices import columns_of
from aipro_ml.jobs.training_request import TrainingRequest
from aipro_ml.training.ensemble import ESTIMATOR
from aipro_ml.training.job import Task, TrainingJob
from aipro_ml.training.lines import line_column, points_hash
from aipro_ml.training.margins import REGRESSIONS
from aipro_ml.training.releases import installed_libraries
from aipro_ml.training.splits import Folds, walk_forward

STACK = "stack"
"""Name of the candidate that pools the others."""


@dataclass(frozen=True)
class Workbench:
    """Everything one training shares between its candidates; `tasks` are the candidates in configuration order.

    `stack` pools them once they are stored; None where it is not asked for.
    """

    request: TrainingRequest
    league: Sport
    matrix: FeatureMatrix
    folds: Folds
    minutes: int
    tasks: tuple[Task, ...]
    stack: Task | None = None

    @property
    def every(self) -> tuple[Task, ...]:
        """Return the candidates and, at the end, the stack where there is one."""
        return self.tasks if self.stack is None else (*self.tasks, self.stack)

    def task(self, model_id: UUID) -> Task:
        """Return the candidate, or the stack, of this model."""
        return next(task for task in self.every if task.model_id == model_id)

    @property
    def train_from(self) -> int:
        """Return the first training season."""
        return _train_from(self.request, self.league, self.matrix)

    @property
    def fits(self) -> int:
        """Return how many models are fitted in all: each candidate on every fold and on everything."""
        return len(self.tasks) * (len(self.folds) + 1)

    def jobs(self, done: Collection[UUID] = ()) -> list[TrainingJob]:
        """Return one job a framework, in configuration order, without the candidates already `done`."""
        frameworks = dict.fromkeys(task.config.framework for task in self.tasks)
        jobs = [self._job(framework).without(done) for framework in frameworks]
        return [job for job in jobs if job.tasks]

    def _job(self, framework: str) -> TrainingJob:
        url = self.request.h2o_url
        return TrainingJob(
            sport=self.league.code,
            bet_type=self.request.bet_type,
            framework=framework,
            tasks=tuple(task for task in self.tasks if task.config.framework == framework),
            matrix=self.matrix,
            folds=self.folds,
            train_from=self.train_from,
            seed=self.request.config.seed,
            rule=MarketRule(self.league.config.moneyline),
            environment={} if url is None else {"AIPRO_H2O_URL": url},
            libraries=installed_libraries(),
        )


def prepare(engine: Engine, requests: Sequence[TrainingRequest]) -> Iterator[Workbench | AiproError]:
    """Yield each request's bench, or what is wrong with it; a sport's facts are read and its views computed once."""
    for _, group in groupby(requests, key=lambda request: (request.sport, request.decision_minutes)):
        asked = list(group)
        try:
            league, minutes, matrices = _matrices(engine, asked)
        except AiproError as error:
            yield from [error] * len(asked)
            continue
        for request in asked:
            try:
                yield _bench(request, league, minutes, matrices[request.bet_type])
            except AiproError as error:
                yield error


def prepared(engine: Engine, request: TrainingRequest) -> Workbench:
    """Return the bench of one request, or raise what is wrong with it."""
    (found,) = prepare(engine, [request])
    if isinstance(found, AiproError):
        raise found
    return found


def _matrices(engine: Engine, requests: Sequence[TrainingRequest]) -> tuple[Sport, int, dict[BetType, FeatureMatrix]]:
    league = sport(requests[0].sport)
    minutes = requests[0].decision_minutes or league.config.decision_minutes
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        records = load_records(connection, league.code)
    bet_types = [request.bet_type for request in requests]
    return league, minutes, build_matrices(records, league, bet_types, MatrixRequest(decision_minutes=minutes))


def _bench(request: TrainingRequest, league: Sport, minutes: int, matrix: FeatureMatrix) -> Workbench:
    if request.test_to is not None:
        matrix = matrix.take(matrix.meta["season"].to_numpy("int64") <= request.test_to)
    folds = walk_forward(
        matrix,
        test_from=request.test_from,
        test_to=request.test_to,
        train_from=_train_from(request, league, matrix),
        min_train_seasons=request.config.min_train_seasons,
    )
    configs = request.config.models.get(request.bet_type, ())
    if not configs:
        raise AiproError(f"the training configuration names no models for {request.bet_type}")
    bare = Workbench(request, league, matrix, folds, minutes, ())
    tasks = tuple(_task(bare, config) for config in configs)
    stack = _stack(bare, tasks) if request.config.stack and len(tasks) > 1 else None
    return Workbench(request, league, matrix, folds, minutes, tasks, stack)


def _stack(bench: Workbench, tasks: Sequence[Task]) -> Task:
    """Return the stack as a candidate: known by its members' identities before one of them is fitted."""
    groups = {task.config.features for task in tasks}
    config = ModelConfig(
        name=STACK,
        framework=Framework.ENSEMBLE,
        estimator=ESTIMATOR,
        features=groups.pop() if len(groups) == 1 else "all",
        params={"members": {task.config.name: str(task.model_id) for task in tasks}},
    )
    return _with_columns(bench, config, tuple(dict.fromkeys(name for task in tasks for name in task.columns)))


def _train_from(request: TrainingRequest, league: Sport, matrix: FeatureMatrix) -> int:
    """Return the first training season: as configured, else after the seasons that only warm ratings up."""
    if request.config.train_from is not None:
        return request.config.train_from
    return int(matrix.meta["season"].min()) + league.config.burn_in_seasons


def _task(bench: Workbench, config: ModelConfig) -> Task:
    columns = columns_of(bench.league, config.features)
    line = line_column(config.estimator, bench.request.bet_type)
    if line is not None and line not in columns:
        columns = (*columns, line)  # what its probability is asked at, and no regressor
    return _with_columns(bench, config, columns)


def _with_columns(bench: Workbench, config: ModelConfig, columns: tuple[str, ...]) -> Task:
    identity = _identity(bench, config, bench.matrix.select(columns))
    return Task(config, columns, identity, derive_id("ml_model", content_hash(identity)))


def _identity(bench: Workbench, config: ModelConfig, matrix: FeatureMatrix) -> dict[str, Any]:
    """Return everything a model's identity derives from."""
    learned = {"points": points_hash(matrix)} if config.estimator in REGRESSIONS else {}
    return {
        **learned,
        "sport": bench.league.code,
        "bet_type": bench.request.bet_type.value,
        "config": config.model_dump(mode="json"),
        "seed": bench.request.config.seed,
        "data_hash": matrix.sha256,
        "feature_set": bench.league.version(matrix.feature_names),
        "code_version": __version__,
        "decision_minutes": bench.minutes,
        "test_seasons": list(bench.folds.seasons),
    }
