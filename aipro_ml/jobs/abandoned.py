"""What a killed training leaves, found and cleared by the next: runs that seem to run, folders half written."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import models

ABANDONED_AFTER_S = 6 * 3600
"""After so long a run counts as abandoned whose process cannot be asked: it ran on another machine."""

BUILDING, OWNER = ".building", "process.json"

_START_TOLERANCE_S = 1.0


def this_process() -> dict[str, Any]:
    """Return host, number and start (seconds since 1970) of this process: together they name it for ever."""
    import psutil

    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": process.pid, "started": round(process.create_time(), 2)}


def has_ended(process: Mapping[str, Any]) -> bool | None:
    """Return whether the process `this_process` once named has ended; None where it ran on another machine."""
    import psutil

    if process.get("host") != socket.gethostname():
        return None
    try:
        found = psutil.Process(int(process["pid"]))
        same = abs(found.create_time() - float(process["started"])) < _START_TOLERANCE_S
        return not same or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def fail_abandoned(engine: Engine, now: datetime) -> int:
    """Mark the runs failed whose process has ended, or cannot be asked and began long ago; return how many."""
    limit = now - timedelta(seconds=ABANDONED_AFTER_S)
    failed = 0
    with engine.begin() as connection:
        for run_id, started_at, noted in models.running_runs(connection):
            process = noted.get("process") or {}
            ended = has_ended(process) if process else None
            if ended or (ended is None and started_at < limit):
                failed += models.fail_runs(connection, [run_id], _reason(process), now)
    return failed


def _reason(process: Mapping[str, Any]) -> str:
    who = f" (process {process['pid']} on {process['host']})" if process else ""
    return f"the training process ended{who}"


@contextmanager
def building_folder(settings: Settings) -> Iterator[Path]:
    """Yield a folder of this process's own on the artifacts' file system, removed at the end.

    What killed processes left of theirs goes first.
    """
    place = settings.artifacts_dir / BUILDING
    place.mkdir(parents=True, exist_ok=True)
    for folder in place.iterdir():
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        (folder / OWNER).write_text(json.dumps(this_process()))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    try:
        return has_ended(json.loads((folder / OWNER).read_text())) is True
    except (OSError, ValueError):
        return False
