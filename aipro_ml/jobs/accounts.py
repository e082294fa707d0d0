"""Accounts: who there is, what role each has, and whether it may be used at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from aipro_ml.accounts import passwords
from aipro_ml.accounts.addresses import checked_email
from aipro_ml.accounts.preferences import Preferences, stored_preferences
from aipro_ml.db.repositories import accounts, acts, attempts, sessions
from aipro_ml.db.repositories.accounts import StoredAccount
from aipro_ml.enums import UserRole
from aipro_ml.errors import GuardError, UsageError, printable
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.authority import require, require_over, require_rank

LONGEST_NAME = 100
ERASED_DOMAIN = "erased.invalid"
"""Where the addresses of erased persons are: a domain nobody can have (RFC 2606)."""


@dataclass(frozen=True)
class NewUser:
    """An account to add."""

    email: str
    password: str
    name: str | None = None
    role: UserRole = UserRole.USER


@dataclass(frozen=True)
class Change:
    """Who acts on whose account (an address), and when."""

    email: str
    actor: Actor
    now: datetime


def add_user(engine: Engine, new: NewUser, actor: Actor, now: datetime) -> StoredAccount:
    """Add an account; UsageError where there is one of this address, or the password is refused."""
    email, name = checked_email(new.email), _name(new.name)
    hashed = passwords.hashed(passwords.checked(new.password, email=email, name=name))
    with engine.begin() as connection:
        accounts.lock_accounts(connection)
        require(connection, actor, "admin:users")
        require_rank(connection, actor, new.role)
        if is_erased(email) or accounts.account(connection, email) is not None:
            raise UsageError(f"there is a user {email} already")
        key = uuid4()
        row = {"id": key, "email": email, "name": name, "hashed_password": hashed, "role": new.role}
        accounts.add_account(connection, {**row, "is_active": True, "two_factor_enabled": False, "created_at": now})
        write_down(connection, actor, "user.add", ("users", key), {"role": new.role.value}, now)
        return _of_id(connection, key)


def list_users(engine: Engine) -> list[StoredAccount]:
    """Return every account, by address."""
    with engine.connect() as connection:
        return accounts.list_accounts(connection)


def set_role(engine: Engine, change: Change, role: UserRole) -> StoredAccount:
    """Give the account a role; keys and sessions can do from that moment on what the role may.

    GuardError where no other super_admin would be left.
    """
    with engine.begin() as connection:
        found = held_account(connection, change)
        require_rank(connection, change.actor, role)
        if found.role is not role:
            if role is not UserRole.SUPER_ADMIN:
                keep_a_super_admin(connection, found)
            told = {"before": found.role.value, "role": role.value}
            _change(connection, change, found, {"role": role}, ("user.role", told))
        return _of_id(connection, found.id)


def disable(engine: Engine, change: Change) -> StoredAccount:
    """Disable the account and end its sessions: neither login, session nor key opens anything any more.

    GuardError for the last super_admin.
    """
    with engine.begin() as connection:
        found = held_account(connection, change)
        if found.is_active:
            keep_a_super_admin(connection, found)
            _change(connection, change, found, {"is_active": False}, ("user.disable", {}))
            sessions.end_sessions(connection, found.id)
        return _of_id(connection, found.id)


def enable(engine: Engine, change: Change) -> StoredAccount:
    """Enable the account again; its keys that are not revoked work again. GuardError where it has no password."""
    with engine.begin() as connection:
        found = held_account(connection, change)
        if not found.password.startswith("$"):
            raise GuardError(f"{found.email} has no password to log in with: set one first (`aipro user password`)")
        if not found.is_active:
            _change(connection, change, found, {"is_active": True}, ("user.enable", {}))
        return _of_id(connection, found.id)


def set_password(engine: Engine, change: Change, password: str) -> StoredAccount:
    """Set the account's password and end its sessions; UsageError where the password is refused."""
    with engine.connect() as connection:
        asked = known_account(connection, change.email)
    hashed = passwords.hashed(passwords.checked(password, email=asked.email, name=asked.name))
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        _change(connection, change, found, {"hashed_password": hashed}, ("user.password", {}))
        sessions.end_sessions(connection, found.id)
        return _of_id(connection, found.id)


def unlock(engine: Engine, change: Change) -> None:
    """Forgive the failed logins on the account so far; those of a whole network run out by themselves."""
    with engine.begin() as connection:
        found = held_account(connection, change)
        write_down(connection, change.actor, attempts.UNLOCK, ("users", found.id), {}, change.now)


def open_sessions(engine: Engine, email: str, now: datetime) -> list[sessions.StoredSession]:
    """Return the account's sessions, the oldest first."""
    with engine.connect() as connection:
        return sessions.list_sessions(connection, known_account(connection, email).id, now)


def end_sessions(engine: Engine, change: Change) -> int:
    """End all sessions of the account; return how many there were."""
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        count = sessions.end_sessions(connection, found.id)
        write_down(connection, change.actor, "user.sessions", ("users", found.id), {"ended": count}, change.now)
        return count


def preferences(engine: Engine, email: str) -> Preferences:
    """Return what the user set, defaults where nothing was."""
    with engine.connect() as connection:
        found = known_account(connection, email)
        return stored_preferences(*accounts.preferences(connection, found.id))


def set_preferences(engine: Engine, change: Change, wishes: dict[str, str]) -> Preferences:
    """Set preferences by name; UsageError, with nothing set, where one does not fit."""
    with engine.begin() as connection:
        found = held_account(connection, change, own=True)
        wanted = stored_preferences(*accounts.preferences(connection, found.id))
        for name, value in wishes.items():
            wanted = wanted.changed(name, value)
        stored = (wanted.notifications.model_dump(), wanted.display.model_dump(), wanted.timezone)
        accounts.save_preferences(connection, found.id, stored, change.now)
        write_down(connection, change.actor, "user.prefs", ("users", found.id), {"set": sorted(wishes)}, change.now)
        return wanted


def known_account(connection: Connection, email: str) -> StoredAccount:
    """Return the account of this address; UsageError where there is none."""
    found = accounts.account(connection, email)
    if found is None or is_erased(found.email):
        raise UsageError(f"no user {printable(email[:80])!r}: see `aipro user list`")
    return found


def is_erased(email: str) -> bool:
    """Return whether this is what stands for the address of an erased person."""
    return email.lower().endswith(f"@{ERASED_DOMAIN}")


def held_account(connection: Connection, change: Change, *, own: bool = False) -> StoredAccount:
    """Return the account, held until the transaction ends; ForbiddenError where the actor may not touch it.

    `own`: everybody may do this to their own account.
    """
    accounts.lock_accounts(connection)
    known = known_account(connection, change.email)
    found = accounts.account_by_id(connection, known.id, lock=True) or known
    person = acts.Person(found.id, found.email, found.role, found.is_active)
    require_over(connection, change.actor, person, "admin:users", own=own)
    return found


def keep_a_super_admin(connection: Connection, found: StoredAccount) -> None:
    """Raise GuardError where this account is the last active super_admin; others wait for the accounts' lock."""
    if accounts.active_of_role(connection, UserRole.SUPER_ADMIN) == {found.id}:
        raise GuardError(f"{found.email} is the last super_admin: name another first (`aipro user role`)")


def _change(
    connection: Connection,
    change: Change,
    found: StoredAccount,
    values: dict[str, Any],
    act: tuple[str, dict[str, Any]],
) -> None:
    accounts.change_account(connection, found.id, values, change.now)
    write_down(connection, change.actor, act[0], ("users", found.id), act[1], change.now)


def _of_id(connection: Connection, user_id: UUID) -> StoredAccount:
    found = accounts.account_by_id(connection, user_id)
    if found is None:
        raise UsageError(f"no user {user_id}")
    return found


def _name(name: str | None) -> str | None:
    plain = printable((name or "").strip())
    if len(plain) > LONGEST_NAME:
        raise UsageError(f"a name has at most {LONGEST_NAME} characters")
    return plain or None
