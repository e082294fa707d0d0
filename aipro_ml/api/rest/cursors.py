"""Cursors: where a page ended, as an opaque word that goes back unchanged or is refused."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from aipro_ml.errors import UsageError
from aipro_ml.times import iso_utc, parse_utc

_CHECK = 6  # bytes of SHA-256 that tell a spoiled cursor; who makes one up only chooses where a page begins
_LARGEST = 2**63 - 1

Part = Callable[[Any], Any]


class CursorError(UsageError):
    """A cursor is not one this API gave out for this very question."""

    def __init__(self) -> None:
        super().__init__("this cursor is none of this question's: begin without one, and keep all other parameters")


def cursor_of(place: Sequence[object], question: Mapping[str, object]) -> str:
    """Return the cursor of a page that ended at `place` (what it was sorted by) of a question's answer."""
    parts = [iso_utc(part) if isinstance(part, datetime) else part for part in place]
    body = json.dumps([_digest(question), *parts], default=str, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(body) + body).decode().rstrip("=")


def place_of(cursor: str, question: Mapping[str, object], parts: Sequence[Part]) -> tuple[Any, ...]:
    """Return the place a cursor stands for, each part read by its function; CursorError where it is spoiled."""
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK], raw[_CHECK:]
        if not hmac.compare_digest(check, _check(body)):
            raise CursorError
        asked, *place = json.loads(body)
        if asked != _digest(question):
            raise CursorError
        return tuple(part(value) for part, value in zip(parts, place, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise CursorError from error


def whole(value: object) -> int:
    """Return a number of the database's range; ValueError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise ValueError("no number")
    return value


def moment(value: object) -> datetime:
    """Return a moment; ValueError for anything else."""
    return parse_utc(_text(value))


def day(value: object) -> date:
    """Return a day; ValueError for anything else."""
    return date.fromisoformat(_text(value))


def key(value: object) -> UUID:
    """Return an id; ValueError for anything else."""
    return UUID(_text(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"aipro cursor\0" + body).digest()[:_CHECK]


def _digest(question: Mapping[str, object]) -> str:
    told = json.dumps(question, default=str, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:12]
