"""Trainings that run together: each candidate stored as it comes, each training concluded with its last candidate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.errors import AiproError
from aipro_ml.jobs.abandoned import this_process
from aipro_ml.jobs.conclude import conclude
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.jobs.training_bench import Workbench
from aipro_ml.jobs.training_request import FailedRow, TrainedRow, TrainingReport
from aipro_ml.jobs.training_stack import refusal, store_stack
from aipro_ml.jobs.training_store import note_reused, note_runs, reusable, store
from aipro_ml.training.job import Event, Failed, Fitted, Progress, Task, TrainingJob

OnProgress = Callable[[TrainingJob, str, int, int], None]
"""Told with each fit: the job, the candidate's name, the job's fits done and in all."""


@dataclass(frozen=True)
class Way:
    """How trainings run: where, whether with what earlier runs stored, and who is told."""

    where: ExecutorChoice = field(default_factory=ExecutorChoice)
    resume: bool = False
    on_progress: OnProgress = lambda *_: None


class Batch:
    """The trainings of one command."""

    def __init__(self, engine: Engine, settings: Settings, benches: Sequence[Workbench], way: Way) -> None:
        self._engine, self._settings, self._way = engine, settings, way
        self._trainings = [
            _Training(bench, reusable(engine, settings, bench) if way.resume else {}) for bench in benches
        ]

    def run(self, folder: Path) -> list[TrainingReport]:
        """Fit what is missing, artifacts being built in `folder`; return a report a training.

        An error here, or a person's Ctrl-C, marks the runs failed that were not done; what was stored stays.
        """
        jobs = {job: training for training in self._trainings for job in training.bench.jobs(training.rows)}
        self._note()
        with self._failed_on_error():
            for training in self._trainings:
                self._conclude_if_done(training, folder)
            for job, event in self._way.where.executor().run(list(jobs), folder) if jobs else ():
                self._take(jobs[job], job, event, folder)
                self._conclude_if_done(jobs[job], folder)
        return [training.report for training in self._trainings if training.report is not None]

    def _note(self) -> None:
        batch, process = str(uuid4()), this_process()
        with self._engine.begin() as connection:
            for place, training in enumerate(self._trainings):
                facts = {"batch": {"batch": batch, "place": place}, "process": process}
                wanted = [*training.missing, *training.missing_stack]
                training.runs = note_runs(connection, training.bench, wanted, facts)
                for model_id, row in training.rows.items():
                    training.rows[model_id] = note_reused(connection, training.bench, row, facts)

    def _take(self, training: "_Training", job: TrainingJob, event: Event, folder: Path) -> None:
        task = training.bench.task(event.model_id)
        if isinstance(event, Progress):
            done = training.progress(job, event)
            self._way.on_progress(job, task.config.name, done, len(job.tasks) * event.total)
        elif isinstance(event, Fitted):
            built = folder / str(event.model_id)
            fitted = (training.runs[event.model_id], built, event)
            training.rows[event.model_id] = store(self._engine, self._settings, training.bench, task, fitted)
        else:
            self._fail(training, task, event)

    def _fail(self, training: "_Training", task: Task, event: Failed) -> None:
        training.failures[task.model_id] = FailedRow(task.config.name, task.config.framework, event.error)
        with self._engine.begin() as connection:
            run = training.runs[task.model_id]
            models.fail_running(connection, [run], event.error, training.bench.request.ended())

    def _conclude_if_done(self, training: "_Training", folder: Path) -> None:
        if training.report is None and not training.missing:
            for stack in training.missing_stack:
                self._stack(training, stack, folder)
            rows = [training.rows[task.model_id] for task in training.bench.every if task.model_id in training.rows]
            failures = tuple(training.failures.values())
            training.report = conclude(self._engine, self._settings, training.bench, rows, failures)

    def _stack(self, training: "_Training", task: Task, folder: Path) -> None:
        members = [training.rows[one.model_id] for one in training.bench.tasks if one.model_id in training.rows]
        place = (task, training.runs[task.model_id], folder)
        try:
            if training.failures:
                raise refusal(list(training.failures.values()))
            row = store_stack(self._engine, self._settings, training.bench, members, place)
        except AiproError as error:
            self._fail(training, task, Failed(task.model_id, error))
            return
        training.rows[task.model_id] = row

    @contextmanager
    def _failed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            with self._engine.begin() as connection:
                for training in self._trainings:
                    runs = list(training.runs.values())
                    models.fail_running(connection, runs, error, training.bench.request.ended())
            raise


class _Training:
    """Where one training stands."""

    def __init__(self, bench: Workbench, rows: Mapping[UUID, TrainedRow]) -> None:
        self.bench, self.rows = bench, dict(rows)
        self.failures: dict[UUID, FailedRow] = {}
        self.runs: dict[UUID, UUID] = {}
        self.report: TrainingReport | None = None
        self._fits: dict[UUID, int] = {}

    @property
    def missing(self) -> list[Task]:
        """Return the candidates neither stored nor failed."""
        return [task for task in self.bench.tasks if task.model_id not in {*self.rows, *self.failures}]

    @property
    def missing_stack(self) -> list[Task]:
        """Return the stack where there is to be one that is neither stored nor failed."""
        stack = self.bench.stack
        return [] if stack is None or stack.model_id in {*self.rows, *self.failures} else [stack]

    def progress(self, job: TrainingJob, event: Progress) -> int:
        """Note a fit; return how many the job has done."""
        self._fits[event.model_id] = event.done
        return sum(self._fits.get(task.model_id, 0) for task in job.tasks)
