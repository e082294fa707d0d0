"""A training job in a process of its own: the job comes in on standard input, events go out on a pipe.

`python -m aipro_ml.training.worker FOLDER DESCRIPTOR`. Standard input stays open as long as the trainer lives: when it
closes, this process ends with all its children, so that a killed trainer leaves nothing running.
"""

import logging
import os
import pickle
import signal
import sys
from pathlib import Path
from threading import Thread


def main() -> None:
    """Read the job, run it, write its events."""
    folder, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the trainer that started this process
    Thread(target=_end_with_the_trainer, daemon=True).start()
    from aipro_ml.training.job import run_job

    with os.fdopen(descriptor, "wb") as out:
        for event in run_job(job, folder):
            pickle.dump(event, out)
            out.flush()


def _end_with_the_trainer() -> None:
    sys.stdin.buffer.read()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
