"""Training: prepare matrices and folds, fit the candidates wherever, store each at once, then compare them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.errors import AiproError
from aipro_ml.jobs.abandoned import building_folder, fail_abandoned
from aipro_ml.jobs.training_batch import Batch, Way
from aipro_ml.jobs.training_bench import Workbench, prepare, prepared
from aipro_ml.jobs.training_request import TrainedRow, TrainingReport, TrainingRequest, request_of
from aipro_ml.training.job import TrainingJob

__all__ = ["TrainedRow", "TrainingReport", "TrainingRequest", "Way", "plan", "resumed", "train", "train_all"]


def train(
    engine: Engine,
    settings: Settings,
    request: TrainingRequest,
    on_fold: Callable[[int, int], None] = lambda _done, _total: None,
) -> TrainingReport:
    """Train every candidate of one request on the same folds and store models, runs, importances, artifacts.

    The same configuration, seed, data and code find the same model again. A candidate that fails is in the
    report; where none could be trained, or none compared, the error is raised.
    """
    fail_abandoned(engine, request.now)
    bench = prepared(engine, request)
    done: dict[str, int] = {}

    def tick(job: TrainingJob, _: str, steps: int, __: int) -> None:
        done[job.name] = steps
        on_fold(sum(done.values()), bench.fits)

    (report,) = _run(engine, settings, [bench], Way(on_progress=tick))
    if report.problem is not None:
        raise report.problem
    if report.failures and not report.models:
        raise report.failures[0].error
    return report


def train_all(
    engine: Engine, settings: Settings, requests: Sequence[TrainingRequest], way: Way
) -> list[TrainingReport]:
    """Train every request, its jobs side by side where `way` says; return a report each, in their order.

    A job that fails, or a sport without data, is in its report and stops no other.
    """
    fail_abandoned(engine, requests[0].now)
    found = list(prepare(engine, requests))
    benches = [bench for bench in found if isinstance(bench, Workbench)]
    reports = iter(_run(engine, settings, benches, way))
    return [
        next(reports) if isinstance(bench, Workbench) else _unprepared(request, bench)
        for request, bench in zip(requests, found, strict=True)
    ]


def resumed(
    engine: Engine, reference: str | None, now: datetime, clock: Callable[[], datetime]
) -> list[TrainingRequest]:
    """Return the requests of an earlier batch: the latest, or the one `reference` begins an id of."""
    with engine.connect() as connection:
        noted = models.noted_trainings(connection, reference)
    return [request_of(document, now, clock) for document in noted]


def plan(engine: Engine, request: TrainingRequest) -> list[dict[str, Any]]:
    """Return what `train` would fit, one row a test season with its row counts; write nothing."""
    bench = prepared(engine, request)
    names = ", ".join(task.config.name for task in bench.tasks)
    return [
        {"test season": fold.season, "train rows": len(fold.train), "test rows": len(fold.test), "candidates": names}
        for fold in bench.folds
    ]


def _unprepared(request: TrainingRequest, problem: AiproError) -> TrainingReport:
    return TrainingReport(request.sport, request.bet_type, (), (), "", problem=problem, training_id=request.training_id)


def _run(engine: Engine, settings: Settings, benches: Sequence[Workbench], way: Way) -> list[TrainingReport]:
    with building_folder(settings) as folder:
        return Batch(engine, settings, benches, way).run(folder)
