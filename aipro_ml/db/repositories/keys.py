"""API keys: one row each, found by the id that the key itself names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, String, cast, delete, func, insert, or_, select, update

from aipro_ml.db.models.users import ApiKey, User
from aipro_ml.enums import UserRole

_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class StoredKey:
    """A row of `api_keys` with its user."""

    id: UUID
    user_id: UUID
    email: str
    role: UserRole
    is_user_active: bool
    is_active: bool
    name: str | None
    hash: str
    permissions: dict[str, Any] | None
    rate_limit: int | None
    last_used_at: datetime | None
    created_at: datetime


_KEY: Select[*tuple[Any, ...]] = select(
    ApiKey.id,
    ApiKey.user_id,
    User.email,
    User.role,
    func.coalesce(User.is_active, True).label("is_user_active"),
    func.coalesce(ApiKey.is_active, True).label("is_active"),
    ApiKey.name,
    ApiKey.key_hash.label("hash"),
    ApiKey.permissions,
    ApiKey.rate_limit,
    ApiKey.last_used_at,
    ApiKey.created_at,
).join(User, User.id == ApiKey.user_id)


def key(connection: Connection, key_id: UUID) -> StoredKey | None:
    """Return the key, or None."""
    row = connection.execute(_KEY.where(ApiKey.id == key_id)).mappings().one_or_none()
    return None if row is None else _stored(dict(row))


def keys_like(connection: Connection, beginning: str) -> list[StoredKey]:
    """Return the keys whose id (32 hex digits, with or without hyphens) begins so."""
    plain = func.replace(cast(ApiKey.id, String), "-", "")
    statement = _KEY.where(plain.startswith(beginning.replace("-", "").lower(), autoescape=True)).limit(2)
    return [_stored(dict(row)) for row in connection.execute(statement).mappings()]


def list_keys(connection: Connection, user_id: UUID | None = None) -> list[StoredKey]:
    """Return the keys of the user, or of all, by address and age."""
    only = _KEY if user_id is None else _KEY.where(ApiKey.user_id == user_id)
    ordered = only.order_by(User.email, ApiKey.created_at, ApiKey.id)
    return [_stored(dict(row)) for row in connection.execute(ordered).mappings()]


def add_key(connection: Connection, values: dict[str, Any]) -> None:
    """Store a key (columns of `api_keys`)."""
    connection.execute(insert(ApiKey).values(values))


def revoke(connection: Connection, key_id: UUID) -> bool:
    """Switch a key off for good; return whether it was on."""
    statement = update(ApiKey).where(ApiKey.id == key_id, func.coalesce(ApiKey.is_active, True)).values(is_active=False)
    return connection.scalar(statement.returning(ApiKey.id)) is not None


def drop_keys(connection: Connection, user_id: UUID) -> int:
    """Delete all keys of the user; return how many."""
    return len(connection.scalars(delete(ApiKey).where(ApiKey.user_id == user_id).returning(ApiKey.id)).all())


def note_used(connection: Connection, key_id: UUID, now: datetime) -> None:
    """Set when the key was used last, once a minute at most: a busy key is not to write at each request."""
    before = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - _NOTED_EVERY)
    connection.execute(update(ApiKey).where(ApiKey.id == key_id, before).values(last_used_at=now))


def _stored(row: dict[str, Any]) -> StoredKey:
    return StoredKey(**{**row, "role": UserRole(row["role"])})
