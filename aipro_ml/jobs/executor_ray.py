"""Training jobs on a Ray cluster: one task a job; artifacts travel as bytes, so no disk need be shared."""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aipro_ml.errors import AiproError
from aipro_ml.jobs.attempts import Attempt, Happening
from aipro_ml.training.job import Event, Fitted, TrainingJob, run_job, told
from aipro_ml.training.packed import pack, unpack
from aipro_ml.training.ray_cluster import connected

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class RayExecutor:
    """Runs each job as one task of the cluster at `address` (None: one started here for this training)."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address, self._workers = address, workers

    def run(self, jobs: Sequence[TrainingJob], folder: Path) -> Iterator[Happening]:
        """Run the jobs; see `Executor`. A job whose node is lost goes to another."""
        with connected(self._address) as ray:
            task = ray.remote(num_cpus=1, max_retries=0)(_packed_events)
            waiting, running = deque(map(Attempt, jobs)), dict[Any, Attempt]()
            while waiting or running:
                while waiting and len(running) < (self._workers or len(jobs)):
                    attempt = waiting.popleft()
                    running[task.remote(attempt.job)] = attempt
                (ready, *_), _ = ray.wait(list(running), num_returns=1)
                attempt = running[ready]
                happened = _next(ray, ready, folder)
                if happened is not None and not isinstance(happened, str):
                    yield attempt.settle(happened)
                    continue
                del running[ready]
                if not attempt.is_done:
                    rest = attempt.lost(happened or "it ended early")
                    waiting.extendleft([rest] if isinstance(rest, Attempt) else [])
                    yield from [] if isinstance(rest, Attempt) else rest


def mapped(
    where: tuple[str | None, int | None], function: Callable[[S, T], R], shared: S, items: Sequence[T]
) -> Iterator[R]:
    """Yield `function(shared, item)` of each item in order, each a task; `where` is (address, tasks at a time).

    `shared` travels once a node. A task whose node is lost is begun again; an error of the function is raised.
    """
    address, workers = where
    with connected(address) as ray:
        task, place = ray.remote(num_cpus=1, max_retries=2)(function), ray.put(shared)
        ahead = workers or len(items)
        begun = deque(task.remote(place, item) for item in items[:ahead])
        for number in range(len(items)):
            yield _gotten(ray, begun.popleft())
            begun.extend(task.remote(place, item) for item in items[ahead + number : ahead + number + 1])


def _gotten(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise told(error.cause) from error
    except ray.exceptions.RayError as error:
        raise AiproError(f"Ray: {' '.join(str(error).split())[:300]}") from error


def _packed_events(job: TrainingJob) -> Iterator[tuple[Event, bytes | None]]:
    """Run the job on a node of the cluster; yield its events, a Fitted with its artifact's folder as tar bytes."""
    with tempfile.TemporaryDirectory(prefix="aipro-") as name:
        for event in run_job(job, Path(name)):
            yield event, pack(Path(name) / str(event.model_id)) if isinstance(event, Fitted) else None


def _next(ray: Any, stream: Any, folder: Path) -> Event | str | None:
    """Return the stream's next event, its artifact unpacked; None at its end, a reason where its worker was lost."""
    try:
        event, packed = ray.get(next(stream))
    except StopIteration:
        return None
    except ray.exceptions.RayError as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if packed is not None:
        unpack(packed, folder)
    return event  # type: ignore[no-any-return]
