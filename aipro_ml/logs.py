"""Structured logs on standard error; every line carries the id of the run it belongs to."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

_RUN: ContextVar[str] = ContextVar("run", default="-")
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "run"}


def bind_run(run_id: str) -> None:
    """Make every later log line of this context carry `run_id`."""
    _RUN.set(run_id)


def run_id() -> str:
    """Return the id of the run this context belongs to."""
    return _RUN.get()


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _RESERVED}


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "run": run_id(),
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one readable line a record."""
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        line = f"{record.levelname.lower()} [{run_id()}] {record.getMessage()}{extras}"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(*, level: str, as_json: bool) -> None:
    """Send the package's logs to standard error at `level`, as JSON lines if `as_json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    logger = logging.getLogger("aipro_ml")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
