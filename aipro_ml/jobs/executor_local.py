"""Training jobs on this machine: one in this process, several each in a process of its own."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Queue
from tempfile import NamedTemporaryFile
from threading import Thread
from typing import IO, cast

from aipro_ml.jobs.attempts import Attempt, Happening
from aipro_ml.training.job import Event, TrainingJob, run_job


class LocalExecutor:
    """Runs one job in this process and several in child processes, `workers` at a time (None: one a processor)."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def run(self, jobs: Sequence[TrainingJob], folder: Path) -> Iterator[Happening]:
        """Run the jobs; see `Executor`. A killed child takes no other job with it."""
        if len(jobs) == 1:
            return ((jobs[0], event) for event in run_job(jobs[0], folder))
        size = min(len(jobs), self._workers or _processors())
        return _Pool(size, folder).run(jobs)


class _Pool:
    """Child processes, `size` at a time."""

    def __init__(self, size: int, folder: Path) -> None:
        self._size, self._folder = size, folder
        self._running: set[_Worker] = set()
        self._events: _Events = Queue()

    def run(self, jobs: Sequence[TrainingJob]) -> Iterator[Happening]:
        waiting = deque(map(Attempt, jobs))
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self._size:
                    self._running.add(_Worker(waiting.popleft(), self._folder, self._threads, self._events))
                worker, event = self._events.get()
                if event is not None:
                    yield worker.attempt.settle(event)
                    continue
                self._running.remove(worker)
                if not worker.attempt.is_done:
                    rest = worker.attempt.lost(worker.reason)
                    waiting.extendleft([rest] if isinstance(rest, Attempt) else [])
                    yield from [] if isinstance(rest, Attempt) else rest
        finally:
            for worker in self._running:
                worker.kill()

    @property
    def _threads(self) -> int:
        return max(1, _processors() // max(1, self._size))


class _Worker:
    """A child process at one attempt; what it says comes into the queue, None when it has ended."""

    def __init__(self, attempt: Attempt, folder: Path, threads: int, events: "_Events") -> None:
        self.attempt, self._events = attempt, events
        reading, writing = os.pipe()
        with NamedTemporaryFile(prefix="worker-", suffix=".log", dir=folder, delete=False) as said:
            self._said = Path(said.name)
            self._process = subprocess.Popen(
                # -P: a file in the user's folder must not stand in for a module
                [sys.executable, "-P", "-m", "aipro_ml.training.worker", str(folder), str(writing)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                start_new_session=True,  # so that its children, a JVM say, can be ended with it
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
        os.close(writing)
        Thread(target=self._read, args=(reading,), daemon=True).start()
        Thread(target=self._clear_up, daemon=True).start()

    @property
    def reason(self) -> str:
        """Return how the process ended: its signal, or exit code and last line."""
        code = self._process.wait()
        if code < 0:
            return f"killed by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
        lines = [line.strip() for line in self._said.read_text(errors="replace").splitlines() if line.strip()]
        return f"exit code {code}" + (f": {lines[-1][:200]}" if lines else "")

    def kill(self) -> None:
        """End the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as events:
            with contextlib.suppress(OSError):  # it died before it had read its job
                pickle.dump(self.attempt.job, self._stdin)
                self._stdin.flush()
            with contextlib.suppress(EOFError, pickle.UnpicklingError):  # it ended, perhaps in mid-word
                while True:
                    self._events.put((self, pickle.load(events)))  # noqa: S301 - our own child's words
        self._process.wait()
        self._events.put((self, None))

    def _clear_up(self) -> None:
        """End the children of a process that has ended: they would hold its pipe open."""
        self._process.wait()
        self.kill()
        with contextlib.suppress(OSError):
            self._stdin.close()

    @property
    def _stdin(self) -> IO[bytes]:
        return cast(IO[bytes], self._process.stdin)


_Events = Queue[tuple[_Worker, Event | None]]


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
