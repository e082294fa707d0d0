"""The connection to MLflow's store: its environment, its silence, and one error for whatever it raises."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aipro_ml.errors import AiproError

ENVIRONMENT: Final[Mapping[str, str]] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # 2 processes instead of 10
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # a machine without git is no fault
}
"""What MLflow's process must be told, ours and its server's alike."""

_EXPORTED = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
"""What MLflow writes into our environment, passwords and all, where the next settings would read it."""

_CHATTY = ("mlflow", "alembic", "alembic.runtime.migration", "huey", "psycopg")


class TrackingError(AiproError):
    """MLflow's store cannot be reached or refused the run; training itself is not affected."""


@contextmanager
def connected(tracking_uri: str, doing: str) -> Iterator[Any]:
    """Yield a client of MLflow's store; whatever it or its driver raises is a TrackingError that says what for."""
    with _quiet():
        try:
            import mlflow

            mlflow.set_tracking_uri(tracking_uri)
            mlflow.set_registry_uri(tracking_uri)
            yield mlflow.MlflowClient(tracking_uri)
        except Exception as error:
            # mlflow lets the driver's, the file system's and its own errors through alike
            raise TrackingError(f"MLflow did not take {doing}: {_first_line(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Set MLflow's environment and keep its progress chatter out of our terminal; errors still raise."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow.store.db.utils as store  # the import sets MLflow's log levels, so ours come after

    store.MAX_RETRY_COUNT = 3  # its 10 attempts, each twice as late, hold a training for minutes

    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    given = {name: os.environ.get(name) for name in _EXPORTED}
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, before in given.items():
            _set_environment(name, before)


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _first_line(error: Exception) -> str:
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text.splitlines()[0]}"
