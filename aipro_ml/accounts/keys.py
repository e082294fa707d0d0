"""What an API key may do, as `api_keys.permissions` holds it: a list of permissions and an end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aipro_ml.accounts.permissions import PER_MINUTE, ROLES, known_permission, within
from aipro_ml.enums import UserRole
from aipro_ml.errors import ForbiddenError, UsageError
from aipro_ml.times import iso_utc, parse_utc

DEFAULT_PER_MINUTE = 100
"""Requests a minute of a key for which nothing is said."""


@dataclass(frozen=True)
class Grant:
    """The permissions of a key and when it ends; `expires_at` None: never."""

    permissions: frozenset[str]
    expires_at: datetime | None

    @property
    def document(self) -> dict[str, Any]:
        """Return it as it is stored."""
        end = None if self.expires_at is None else iso_utc(self.expires_at)
        return {"allow": sorted(self.permissions), "expires_at": end}

    def is_over(self, now: datetime) -> bool:
        """Return whether the key has ended."""
        return self.expires_at is not None and now >= self.expires_at

    def of(self, role: UserRole) -> frozenset[str]:
        """Return what the key may do while its user has this role."""
        return within(role, self.permissions)


def stored_grant(document: Mapping[str, Any] | None) -> Grant | None:
    """Return the grant a stored document says, None where it cannot be read: then the key opens nothing."""
    try:
        known = document or {}
        end = known["expires_at"]
        return Grant(frozenset(map(str, known["allow"])), None if end is None else parse_utc(str(end)))
    except (KeyError, TypeError, ValueError):
        return None


def asked_grant(role: UserRole, permissions: Iterable[str], expires_at: datetime | None, now: datetime) -> Grant:
    """Return the grant asked for a user of `role`: no permission named means all of the role that only read.

    UsageError for an unknown permission and an end that has passed, ForbiddenError for one the role has not.
    """
    asked = frozenset(map(known_permission, permissions)) or frozenset(p for p in ROLES[role] if p.endswith(":read"))
    lacking = sorted(asked - within(role, asked))
    if lacking:
        raise ForbiddenError(f"a {role} has not {', '.join(lacking)}, so no key of theirs can have it")
    if expires_at is not None and expires_at <= now:
        raise UsageError(f"the key would have ended before it began: {iso_utc(expires_at)}")
    return Grant(asked, expires_at)


def asked_rate(role: UserRole, per_minute: int | None) -> int:
    """Return the requests a minute asked for, by default 100; UsageError over what the role may have."""
    most = PER_MINUTE[role]
    asked = min(DEFAULT_PER_MINUTE, most) if per_minute is None else per_minute
    if not 1 <= asked <= most:
        raise UsageError(f"{asked} requests a minute: a key of a {role} may have 1 to {most}")
    return asked


def rate_of(role: UserRole, stored: int | None) -> int:
    """Return the requests a minute of a stored key while its user has this role."""
    return min(DEFAULT_PER_MINUTE if stored is None else stored, PER_MINUTE[role])
