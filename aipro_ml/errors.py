"""The exceptions of the platform; each carries the exit code the command line ends with."""

import re
from typing import ClassVar


def printable(text: str, keep: str = "") -> str:
    """Return `text` with U+FFFD for what drives a terminal or cannot be stored: names and cells come from others."""
    return "".join(char if char.isprintable() or char in keep else "\ufffd" for char in text)


def without_values(text: str) -> str:
    """Return an error's text, or a traceback, without the details in which PostgreSQL repeats a row's values."""
    return _DETAIL.sub("DETAIL: (a row's values, left out)", text)


_DETAIL = re.compile(r"DETAIL:.*?(?=\n\[SQL|\n\nThe above|\n\nDuring handling|\Z)", re.DOTALL)


class AiproError(Exception):
    """A handled error: one clear sentence saying what, where and what to do (exit code 1)."""

    exit_code: ClassVar[int] = 1


class UsageError(AiproError):
    """The request itself is wrong: unknown sport, bad option value (exit code 2)."""

    exit_code: ClassVar[int] = 2


class GuardError(AiproError):
    """A guard refused: leak, gate, stale or mixed data (exit code 3)."""

    exit_code: ClassVar[int] = 3


class LeakError(GuardError):
    """A feature or a training row knows something its decision time could not."""


class ForbiddenError(GuardError):
    """Who asks is known, and may not do this."""


class StaleDataError(GuardError):
    """Data is too old, or a game has already begun, for what was asked."""


class AccessError(AiproError):
    """Nobody is let in by this; one message for every cause, so that none can be told from another."""

    def __init__(self) -> None:
        super().__init__("not let in: the address, password, code, token or key is not valid")


class LockedOutError(AiproError):
    """Too many failed logins of late; `retry_after` says in how many whole seconds the next is heard."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many failed logins: try again in {retry_after} seconds")
        self.retry_after = retry_after


class ArtifactError(AiproError):
    """An artifact is missing, damaged, or was written by another framework version."""


class DatabaseError(AiproError):
    """The database cannot be reached, started, migrated or does not fit the code."""


class UnreachableError(DatabaseError):
    """The database cannot be reached now; it may be in a moment."""


class NightInterruptedError(AiproError):
    """A night ended in the middle because the database went away; the same command finishes it (exit code 2)."""

    exit_code: ClassVar[int] = 2


class DataFileError(AiproError):
    """A source file cannot be read at all; says file and, where known, line and column."""

    def __init__(self, message: str, *, file: str, line: int | None = None, column: str | None = None) -> None:
        place = printable(file) + (f", line {line}" if line is not None else "")
        place += f", column {column}" if column is not None else ""
        super().__init__(f"{place}: {message}")
        self.file, self.line, self.column = file, line, column


class MissingFileError(UsageError, DataFileError):
    """A place the user names is not there, or is a folder without a file (exit code 2)."""
