"""When an error means that the database went away, and not that a statement was wrong."""

import psycopg
from sqlalchemy.exc import DBAPIError

from aipro_ml.errors import UnreachableError

_GOING = ("08", "57P")
"""SQLSTATE classes of a broken connection and of a server that stops or recovers."""


def is_lost(error: BaseException) -> bool:
    """Return whether the error, or what it came from, is a lost connection: the same may work in a moment."""
    return any(_says_lost(cause) for cause in _chain(error))


def reason_of(error: BaseException) -> str:
    """Return the server's or driver's own first line."""
    lost = next((cause for cause in _chain(error) if _says_lost(cause)), error)
    text = str(lost.orig) if isinstance(lost, DBAPIError) else str(lost)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(lost).__name__)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _says_lost(error: BaseException) -> bool:
    if isinstance(error, UnreachableError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and _says_lost(error.orig))
    if isinstance(error, psycopg.InterfaceError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_GOING)
