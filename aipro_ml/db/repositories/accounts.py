"""Accounts: users and what they set for themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from aipro_ml.db.models.betting import Bankroll, Bet
from aipro_ml.db.models.users import User, UserPreference
from aipro_ml.enums import BetResult, UserRole
from aipro_ml.identity import derive_id

_ACTIVE = func.coalesce(User.is_active, True)
_TWO_FACTOR = func.coalesce(User.two_factor_enabled, False)
_ACCOUNT: Select[*tuple[Any, ...]] = select(
    User.id,
    User.email,
    User.name,
    User.role,
    User.hashed_password,
    _ACTIVE.label("is_active"),
    _TWO_FACTOR.label("two_factor"),
    User.two_factor_secret,
    User.created_at,
    User.last_login_at,
)


@dataclass(frozen=True)
class StoredAccount:
    """A row of `users`; `factor` is the sealed second factor, asked for at login where `two_factor`."""

    id: UUID
    email: str
    name: str | None
    role: UserRole
    password: str
    is_active: bool
    two_factor: bool
    factor: str | None
    created_at: datetime
    last_login_at: datetime | None


def account(connection: Connection, email: str, *, lock: bool = False) -> StoredAccount | None:
    """Return the account of this address (any letter case), or None; `lock`: held until the transaction ends."""
    return _one(connection, _ACCOUNT.where(func.lower(User.email) == email.strip().lower()), lock=lock)


def account_by_id(connection: Connection, user_id: UUID, *, lock: bool = False) -> StoredAccount | None:
    """Return the account of this id, or None; `lock`: held until the transaction ends."""
    return _one(connection, _ACCOUNT.where(User.id == user_id), lock=lock)


def list_accounts(connection: Connection) -> list[StoredAccount]:
    """Return every account, by address."""
    return [_account(row) for row in connection.execute(_ACCOUNT.order_by(User.email))]


def sealed_accounts(connection: Connection) -> list[StoredAccount]:
    """Return the accounts with a second factor, begun or in force, held until the transaction ends."""
    sealed = _ACCOUNT.where(User.two_factor_secret.is_not(None)).order_by(User.id)
    return [_account(row) for row in connection.execute(_held(sealed))]


def add_account(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store an account (columns of `users`)."""
    connection.execute(insert(User).values(values))


def change_account(connection: Connection, user_id: UUID, values: Mapping[str, Any], now: datetime) -> None:
    """Set columns of an account."""
    connection.execute(update(User).where(User.id == user_id).values(**values, updated_at=now))


def note_login(connection: Connection, user_id: UUID, values: Mapping[str, Any], now: datetime) -> None:
    """Set when the user logged in last, and what else changed by it."""
    connection.execute(update(User).where(User.id == user_id).values(**values, last_login_at=now))


def lock_accounts(connection: Connection) -> None:
    """Wait for the exclusive right to change who may do what, until this transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('accounts', 0))"))


def active_of_role(connection: Connection, role: UserRole) -> set[UUID]:
    """Return the users of this role who are not disabled."""
    return set(connection.scalars(select(User.id).where(User.role == role, _ACTIVE)))


def preferences(connection: Connection, user_id: UUID) -> tuple[dict[str, Any], dict[str, Any], str | None]:
    """Return what the user set: notifications, display, time zone; empty where nothing was."""
    row = UserPreference
    statement = select(row.notification_settings, row.display_preferences, row.timezone).where(row.user_id == user_id)
    found = connection.execute(statement).one_or_none()
    return ({}, {}, None) if found is None else (found[0] or {}, found[1] or {}, found[2])


def save_preferences(
    connection: Connection,
    user_id: UUID,
    stored: tuple[Mapping[str, Any], Mapping[str, Any], str],
    now: datetime,
) -> None:
    """Store what the user set: notifications, display, time zone."""
    values = dict(zip(("notification_settings", "display_preferences", "timezone"), stored, strict=True))
    statement = postgresql.insert(UserPreference).values(
        id=derive_id("user_preference", user_id), user_id=user_id, created_at=now, **values
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=[UserPreference.user_id], set_={**values, "updated_at": now})
    )


def notifications_of(connection: Connection, roles: Collection[UserRole]) -> list[tuple[str, dict[str, Any]]]:
    """Return (address, what they want to hear of) of the active users of these roles who set it, by address."""
    statement = select(User.email, UserPreference.notification_settings).join(
        UserPreference, UserPreference.user_id == User.id
    )
    asked = statement.where(User.role.in_(roles), _ACTIVE, UserPreference.notification_settings.is_not(None))
    return [(row[0], row[1]) for row in connection.execute(asked.order_by(User.email))]


def drop_preferences(connection: Connection, user_id: UUID) -> int:
    """Delete what the user set; return whether there was anything."""
    statement = UserPreference.__table__.delete().where(UserPreference.user_id == user_id)
    return len(connection.scalars(statement.returning(UserPreference.id)).all())


def holdings(connection: Connection, user_id: UUID) -> tuple[Any, int]:
    """Return the balance of the user's bankroll (None: no bankroll) and how many bets are open."""
    balance = connection.scalar(select(Bankroll.current_amount).where(Bankroll.user_id == user_id))
    pending = select(func.count()).select_from(Bet).where(Bet.user_id == user_id, Bet.result == BetResult.PENDING)
    return balance, int(connection.scalar(pending) or 0)


def _one(connection: Connection, statement: Select[*tuple[Any, ...]], *, lock: bool) -> StoredAccount | None:
    row = connection.execute(_held(statement) if lock else statement).one_or_none()
    return None if row is None else _account(row)


def _held(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the statement holding its accounts; rows that only name one are still written: waiting for those locks."""
    return statement.with_for_update(of=User, key_share=True)


def _account(row: Row[*tuple[Any, ...]]) -> StoredAccount:
    named = row._mapping
    renamed = {**named, "password": named["hashed_password"], "factor": named["two_factor_secret"]}
    del renamed["hashed_password"], renamed["two_factor_secret"]
    return StoredAccount(**{**renamed, "role": UserRole(named["role"])})
