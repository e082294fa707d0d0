"""What every executor of training jobs does, and how often a job is begun whose worker dies."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

from aipro_ml.errors import AiproError
from aipro_ml.training.job import Event, Failed, Fitted, TrainingJob

_LOGGER = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a job is begun whose worker dies: a machine may be taken away once; twice, and the job is at fault."""

Happening = tuple[TrainingJob, Event]


class Executor(Protocol):
    """Runs training jobs."""

    def run(self, jobs: Sequence[TrainingJob], folder: Path) -> Iterator[Happening]:
        """Run the jobs and yield what happens, each event with its job as it was given.

        The artifact of a Fitted lies in `folder`/<model id> when it is yielded. A job whose worker dies is begun
        once more with the candidates still missing; dies it again, they come back as Failed.
        """
        ...


class Attempt:
    """One attempt at a job: what of it is done, and what becomes of the rest if its worker dies."""

    def __init__(self, given: TrainingJob, job: TrainingJob | None = None, number: int = 1) -> None:
        self.given, self.job, self.number = given, job or given, number
        self._settled: set[UUID] = set()

    def settle(self, event: Event) -> Happening:
        """Note the event; return it with the job as it was given."""
        if isinstance(event, Fitted | Failed):
            self._settled.add(event.model_id)
        return self.given, event

    @property
    def is_done(self) -> bool:
        """Return whether every candidate is fitted or has failed."""
        return not self.job.without(self._settled).tasks

    def lost(self, reason: str) -> "Attempt | list[Happening]":
        """Return the next attempt at what is missing, or the failures where there is none left."""
        rest = self.job.without(self._settled)
        if self.number < ATTEMPTS:
            _LOGGER.warning("the worker of %s ended (%s); begun once more", self.given.name, reason)
            return Attempt(self.given, rest, self.number + 1)
        error = AiproError(f"its worker ended {ATTEMPTS} times: {reason}")
        return [(self.given, Failed(task.model_id, error)) for task in rest.tasks]
