"""Sessions: one row each, found by the id that its tokens name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from aipro_ml.db.models.users import User, UserSession
from aipro_ml.enums import UserRole


@dataclass(frozen=True)
class StoredSession:
    """A row of `sessions` with its user; `tokens` is the column `token_hash`."""

    id: UUID
    user_id: UUID
    email: str
    role: UserRole
    is_active: bool
    tokens: str
    expires_at: datetime
    created_at: datetime
    ip: str | None
    agent: str | None


_SESSION: Select[*tuple[Any, ...]] = select(
    UserSession.id,
    UserSession.user_id,
    User.email,
    User.role,
    func.coalesce(User.is_active, True).label("is_active"),
    UserSession.token_hash.label("tokens"),
    UserSession.expires_at,
    UserSession.created_at,
    UserSession.ip_address.label("ip"),
    UserSession.user_agent.label("agent"),
).join(User, User.id == UserSession.user_id)


def session(connection: Connection, session_id: UUID, *, lock: bool = False) -> StoredSession | None:
    """Return the session, or None; `lock`: held until the transaction ends, as its last holder left it."""
    statement = _SESSION.where(UserSession.id == session_id)
    row = connection.execute(statement.with_for_update(of=UserSession) if lock else statement).mappings().one_or_none()
    return None if row is None else _stored(dict(row))


def list_sessions(connection: Connection, user_id: UUID, now: datetime) -> list[StoredSession]:
    """Return the user's sessions that have not ended, the oldest first."""
    statement = _SESSION.where(UserSession.user_id == user_id, UserSession.expires_at > now)
    ordered = statement.order_by(UserSession.created_at, UserSession.id)
    return [_stored(dict(row)) for row in connection.execute(ordered).mappings()]


def add_session(connection: Connection, values: dict[str, Any]) -> None:
    """Store a session (columns of `sessions`)."""
    connection.execute(insert(UserSession).values(values))


def turn_session(connection: Connection, session_id: UUID, values: dict[str, Any]) -> None:
    """Set what a session's next pair of tokens changes of it."""
    connection.execute(update(UserSession).where(UserSession.id == session_id).values(values))


def end_session(connection: Connection, session_id: UUID) -> bool:
    """Delete a session; return whether it was there."""
    statement = delete(UserSession).where(UserSession.id == session_id).returning(UserSession.id)
    return connection.scalar(statement) is not None


def end_sessions(connection: Connection, user_id: UUID) -> int:
    """Delete all sessions of the user; return how many."""
    statement = delete(UserSession).where(UserSession.user_id == user_id).returning(UserSession.id)
    return len(connection.scalars(statement).all())


def count_expired(connection: Connection, before: datetime) -> int:
    """Return how many sessions ended before this moment."""
    statement = select(func.count()).select_from(UserSession).where(UserSession.expires_at <= before)
    return int(connection.scalar(statement) or 0)


def drop_expired(connection: Connection, before: datetime) -> int:
    """Delete the sessions that ended before this moment; return how many."""
    statement = delete(UserSession).where(UserSession.expires_at <= before).returning(UserSession.id)
    return len(connection.scalars(statement).all())


def _stored(row: dict[str, Any]) -> StoredSession:
    ip = row["ip"]
    return StoredSession(**{**row, "role": UserRole(row["role"]), "ip": None if ip is None else str(ip)})
