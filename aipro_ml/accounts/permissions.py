"""What each role may do: the one table; a wildcard such as `admin:*` holds every permission of its area."""

from collections.abc import Iterable, Set
from types import MappingProxyType
from typing import Final

from aipro_ml.enums import UserRole
from aipro_ml.errors import UsageError

_USER: Final = frozenset({"predictions:read", "performance:read", "ledger:read", "bank:read", "bets:write"})
_PRO: Final = _USER | {"models:read", "predictions:backfilled"}
_ADMIN: Final = _PRO | {"predictions:shadow", "health:read", "admin:*"}

ROLES: Final = MappingProxyType(
    {UserRole.USER: _USER, UserRole.PRO_USER: _PRO, UserRole.ADMIN: _ADMIN, UserRole.SUPER_ADMIN: _ADMIN}
)
"""The permissions of each role: `predictions:read` shows what models in production published live, of every tier;
`:backfilled` and `:shadow` show more. Only a super_admin may also act on admins and super_admins (`may_manage`)."""

PER_MINUTE: Final = MappingProxyType(
    {UserRole.USER: 100, UserRole.PRO_USER: 600, UserRole.ADMIN: 20_000, UserRole.SUPER_ADMIN: 20_000}
)
"""Requests a minute of a session of this role, and the most a key of it may have."""

ADMIN_AREAS: Final = ("admin:keys", "admin:models", "admin:money", "admin:settings", "admin:users")
"""What `admin:*` holds, each of which a key may have alone."""

PERMISSIONS: Final = frozenset({*_ADMIN, *ADMIN_AREAS})
"""Every permission there is."""

_MANAGED: Final = MappingProxyType(
    {UserRole.ADMIN: frozenset({UserRole.USER, UserRole.PRO_USER}), UserRole.SUPER_ADMIN: frozenset(UserRole)}
)


def granted(held: Set[str], wanted: str) -> bool:
    """Return whether who holds these permissions has `wanted`, by itself or by its area's wildcard."""
    return wanted in held or f"{wanted.partition(':')[0]}:*" in held


def within(role: UserRole, permissions: Iterable[str]) -> frozenset[str]:
    """Return those of `permissions` that the role has: what is stored for a key never outlives its user's role."""
    return frozenset(each for each in permissions if each in PERMISSIONS and granted(ROLES[role], each))


def may_manage(role: UserRole, target: UserRole) -> bool:
    """Return whether somebody of `role` may act on accounts of role `target`, and give that role."""
    return target in _MANAGED.get(role, frozenset())


def known_permission(text: str) -> str:
    """Return the permission `text` names; UsageError where there is none."""
    name = text.strip().lower()
    if name not in PERMISSIONS:
        raise UsageError(f"no permission {text[:60]!r}: there are {', '.join(sorted(PERMISSIONS))}")
    return name
