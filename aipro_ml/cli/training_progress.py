"""How a training shows where it stands: a bar a job on a terminal, lines where it is piped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aipro_ml.cli.output import errors, warn

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from aipro_ml.jobs.training_batch import OnProgress
    from aipro_ml.training.job import TrainingJob

EVERY_S = 10.0
"""Seconds between two lines of a job, where there is no terminal."""


@contextmanager
def job_progress() -> "Iterator[OnProgress]":
    """Show on standard error how far every job is while the block runs."""
    if not errors.is_terminal:
        yield _Lines().tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[candidate]}"), console=errors, transient=True) as bars:
        yield _Bars(bars).tell


class _Bars:
    """A bar a job, with the candidate being fitted."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def tell(self, job: "TrainingJob", candidate: str, done: int, total: int) -> None:
        """Show that `done` of the job's `total` fits are finished."""
        if job.name not in self._tasks:
            self._tasks[job.name] = self._bars.add_task(job.name, total=total, candidate=candidate)
        self._bars.update(self._tasks[job.name], completed=done, total=total, candidate=candidate)


class _Lines:
    """A line a job now and then, and one at its end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told: dict[str, float] = {}

    def tell(self, job: "TrainingJob", candidate: str, done: int, total: int) -> None:
        """Print that `done` of the job's `total` fits are finished, unless that was said a moment ago."""
        now = time.monotonic()
        if done < total and now - self._told.get(job.name, self._began) < EVERY_S:
            return
        self._told[job.name] = now
        warn(f"{job.name}: {candidate}, {done}/{total} fits, {now - self._began:.0f} s")
