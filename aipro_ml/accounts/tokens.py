"""Tokens of sessions and API keys: what the holder gets, and the hashes that are stored of it.

A session is one row: `token_hash` holds the hash of the family's secret, of the present refresh token and of the
present access token. A refresh token carries the family's secret and that of its turn, so that one of an earlier
turn is told from a forged one: only who once held a token of the family knows its secret.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from aipro_ml.errors import AccessError

_RANDOM = r"[A-Za-z0-9_-]{43}"
_ID = r"[0-9a-f]{32}"
_ACCESS = re.compile(rf"aipro_a\.({_ID})\.({_RANDOM})", re.ASCII)
_REFRESH = re.compile(rf"aipro_r\.({_ID})\.({_RANDOM})\.({_RANDOM})", re.ASCII)
_KEY = re.compile(rf"aipro_({_ID})_({_RANDOM})", re.ASCII)


@dataclass(frozen=True)
class Presented:
    """A token somebody presents: the id it names, the whole text, and of a refresh token its family's secret."""

    id: UUID
    text: str
    family: str = ""


@dataclass(frozen=True)
class StoredTokens:
    """The hashes of a session's tokens, and until when its access token is good."""

    family: str
    refresh: str
    access: str
    access_until: datetime

    @property
    def column(self) -> str:
        """Return them as `sessions.token_hash` holds them."""
        return f"{self.family}.{self.refresh}.{self.access}.{int(self.access_until.timestamp())}"

    def is_access(self, presented: Presented) -> bool:
        """Return whether this is the session's present access token, whatever the time."""
        return hmac.compare_digest(self.access, digest(presented.text))

    def is_refresh(self, presented: Presented) -> bool:
        """Return whether this is the session's present refresh token."""
        return hmac.compare_digest(self.refresh, digest(presented.text))

    def is_family(self, presented: Presented) -> bool:
        """Return whether who presents this refresh token held one of this session, now or earlier."""
        return hmac.compare_digest(self.family, _family_digest(presented.id, presented.family))


@dataclass(frozen=True)
class NewTokens:
    """A session's new pair of tokens as its holder gets it, and what is stored of it."""

    access: str
    refresh: str
    stored: StoredTokens


def first_tokens(session_id: UUID, access_until: datetime) -> NewTokens:
    """Return the first pair of a session."""
    return _pair(session_id, _secret(), access_until)


def next_tokens(presented: Presented, access_until: datetime) -> NewTokens:
    """Return the pair that follows a presented refresh token, of the same family."""
    return _pair(presented.id, presented.family, access_until)


def stored_tokens(column: str) -> StoredTokens | None:
    """Return what `sessions.token_hash` holds, None where it is nothing of ours."""
    parts = column.split(".")
    if len(parts) != 4 or not parts[3].isdecimal():
        return None
    return StoredTokens(parts[0], parts[1], parts[2], datetime.fromtimestamp(int(parts[3]), UTC))


def read_access(text: str) -> Presented:
    """Return the presented access token; AccessError where it has not the form of one."""
    found = _ACCESS.fullmatch(text)
    if found is None:
        raise AccessError
    return Presented(UUID(found[1]), text)


def read_refresh(text: str) -> Presented:
    """Return the presented refresh token; AccessError where it has not the form of one."""
    found = _REFRESH.fullmatch(text)
    if found is None:
        raise AccessError
    return Presented(UUID(found[1]), text, found[2])


def is_refresh_text(text: str) -> bool:
    """Return whether this has the form of a refresh token."""
    return _REFRESH.fullmatch(text) is not None


def new_key() -> Presented:
    """Return a new API key: `aipro_<its id>_<secret>`, to be shown once."""
    key_id = uuid4()
    return Presented(key_id, f"aipro_{key_id.hex}_{_secret()}")


def read_key(text: str) -> Presented:
    """Return the presented API key; AccessError where it has not the form of one."""
    found = _KEY.fullmatch(text)
    if found is None:
        raise AccessError
    return Presented(UUID(found[1]), text)


def is_key(presented: Presented, stored: str) -> bool:
    """Return whether the presented key is the one of the stored hash."""
    return hmac.compare_digest(stored.encode(), digest(presented.text).encode())


def digest(text: str) -> str:
    """Return the SHA-256 of a token as 43 characters; the secrets have 256 random bits, so no slow hash is needed."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode("ascii")


def _pair(session_id: UUID, family: str, access_until: datetime) -> NewTokens:
    access = f"aipro_a.{session_id.hex}.{_secret()}"
    refresh = f"aipro_r.{session_id.hex}.{family}.{_secret()}"
    stored = StoredTokens(_family_digest(session_id, family), digest(refresh), digest(access), access_until)
    return NewTokens(access, refresh, stored)


def _family_digest(session_id: UUID, family: str) -> str:
    return digest(f"{session_id.hex}.{family}")


def _secret() -> str:
    return secrets.token_urlsafe(32)
