"""Structured logs on standard error; every line carries the id of the run it belongs to."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from aipro_ml.errors import without_values

_RUN: ContextVar[str] = ContextVar("run", default="-")
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "run"}


def bind_run(run_id: str) -> None:
    """Make every later log line of this context carry `run_id`."""
    _RUN.set(run_id)


def run_id() -> str:
    """Return the id of the run this context belongs to."""
    return _RUN.get()


def _extras(record: logging.LogRecord) -> dict[str, object]:
    extras = {name: value for name, value in vars(record).items() if name not in _RESERVED}
    return {name: value for name, value in extras.items() if not name.startswith("_")}  # Ray adds such to every record


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
            line["error"] = without_values(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one readable line a record."""
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        line = f"{record.levelname.lower()} [{run_id()}] {record.getMessage()}{extras}"
        return line + ("\n" + without_values(self.formatException(record.exc_info)) if record.exc_info else "")


def configure(*, level: str, as_json: bool, folder: Path) -> None:
    """Send the package's logs to standard error at `level`, and everything as JSON lines to a file in `folder`.

    Standard error is readable text, or JSON lines if `as_json`. The file is started anew at 5 MB; two are kept.
    """
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    terminal.setLevel(level.upper())
    logger = logging.getLogger("aipro_ml")
    for old in logger.handlers:
        old.close()
    logger.handlers[:] = [terminal, *_file_handler(folder)]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


class _LogFile(RotatingFileHandler):
    """A log file that cannot be written any more, on a full disk, says nothing: the terminal has the message."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, N802
        """Return whether the file is full; logging's own way formats every record once more to find out."""
        self.stream = self.stream or self._open()
        return self.stream.tell() >= self.maxBytes

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        """Drop the record; logging's own way prints a traceback for each."""


def _file_handler(folder: Path) -> list[logging.Handler]:
    """Return the handler of the log file, none where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / "aipro.log", maxBytes=5_000_000, backupCount=2, delay=True)
    except OSError:
        return []
    handler.setFormatter(_JsonFormatter())
    return [handler]
