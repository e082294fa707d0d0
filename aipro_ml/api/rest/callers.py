"""Who asks: the key or token of a request, and the caller it stands for, remembered for a few seconds."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from aipro_ml.accounts.caller import Caller
from aipro_ml.errors import AccessError
from aipro_ml.jobs.keys import key_caller
from aipro_ml.jobs.sessions import session_caller

REMEMBERED_S = 5.0
"""Seconds a caller is taken for granted: so long a revoked key or a lowered role still has effect."""

MOST_REMEMBERED = 10_000
_LONGEST = 500  # characters of a credential or an agent; no key or token of ours is near it


@dataclass(frozen=True)
class Credential:
    """What a request shows: an API key, or a session's access token."""

    text: str
    is_key: bool

    @property
    def digest(self) -> bytes:
        """Return what it is remembered under: never itself."""
        return hashlib.sha256(b"\0\1"[self.is_key : self.is_key + 1] + self.text.encode("utf-8", "replace")).digest()


def credential_of(headers: Mapping[str, str]) -> Credential:
    """Return the credential of a request; AccessError where it shows none."""
    key = headers.get("x-api-key")
    if key:
        return Credential(key[:_LONGEST], is_key=True)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AccessError
    return Credential(token.strip()[:_LONGEST], is_key=False)


class Callers:
    """Finds out who a credential stands for, and remembers it for REMEMBERED_S; strangers are never remembered."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine, self._clock, self._ticks = engine, clock, ticks
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def known(self, credential: Credential) -> Caller | None:
        """Return the remembered caller, or None."""
        until, caller = self._known.get(credential.digest, (0.0, None))
        return caller if self._ticks() < until else None

    def look_up(self, credential: Credential) -> Caller:
        """Return the caller the database knows; AccessError for a stranger."""
        asked = self._ticks()  # before the database answers: what changes from now on has effect in time
        with self._engine.begin() as connection:  # it may note when a key was last used
            find = key_caller if credential.is_key else session_caller
            caller = find(connection, credential.text, self._clock())
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[credential.digest] = (asked + REMEMBERED_S, caller)
        return caller

    def forget(self, credential: Credential) -> None:
        """Forget a caller at once, such as one who logged out."""
        with self._lock:
            self._known.pop(credential.digest, None)
