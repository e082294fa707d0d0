"""API keys: shown once, kept as a hash, never able to do what their user may not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from aipro_ml.accounts import tokens
from aipro_ml.accounts.caller import Caller
from aipro_ml.accounts.keys import asked_grant, asked_rate, rate_of, stored_grant
from aipro_ml.db.repositories import accounts, keys
from aipro_ml.errors import AccessError, GuardError, UsageError, printable
from aipro_ml.jobs.actors import Actor, known_person, write_down
from aipro_ml.jobs.authority import require_over

LONGEST_NAME = 100


@dataclass(frozen=True)
class KeyWish:
    """A key asked for: whose (an address), what for, what it may do (none: all its user may read), until when."""

    user: str
    name: str
    permissions: Sequence[str] = ()
    per_minute: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class IssuedKey:
    """A new key; `text` is shown once and stored nowhere."""

    text: str
    stored: keys.StoredKey


def add_key(engine: Engine, wish: KeyWish, actor: Actor, now: datetime) -> IssuedKey:
    """Issue a key; ForbiddenError for a permission its user lacks, GuardError for a disabled user."""
    name = printable(wish.name.strip())
    if not 0 < len(name) <= LONGEST_NAME:
        raise UsageError(f"a key's name has 1 to {LONGEST_NAME} characters: say what it is for")
    with engine.begin() as connection:
        owner = known_person(connection, wish.user)
        held = accounts.account_by_id(connection, owner.id, lock=True)  # its role stays until the key is written
        require_over(connection, actor, owner, "admin:keys", own=True)
        if held is None or not held.is_active:
            raise GuardError(f"the user {wish.user} is disabled and gets no key")
        grant = asked_grant(held.role, wish.permissions, wish.expires_at, now)
        new, rate = tokens.new_key(), asked_rate(held.role, wish.per_minute)
        row = {"id": new.id, "user_id": owner.id, "key_hash": tokens.digest(new.text), "name": name}
        rights = {"permissions": grant.document, "rate_limit": rate, "is_active": True}
        keys.add_key(connection, {**row, **rights, "created_at": now})
        told = {"user": str(owner.id), **grant.document, "per_minute": rate}
        write_down(connection, actor, "key.add", ("api_keys", new.id), told, now)
        return IssuedKey(new.text, _found(connection, new.id.hex))


def list_keys(engine: Engine, user: str | None, now: datetime) -> list[dict[str, object]]:
    """Return the keys of the user, or of all: what each may do today, and whether it opens anything."""
    with engine.connect() as connection:
        only = None if user is None else known_person(connection, user).id
        return [told(each, now) for each in keys.list_keys(connection, only)]


def revoke_key(engine: Engine, reference: str, actor: Actor, now: datetime) -> keys.StoredKey:
    """Switch off the key whose id begins so, for good; UsageError where there is none or it is off already."""
    with engine.begin() as connection:
        found = _found(connection, reference)
        require_over(connection, actor, known_person(connection, found.email), "admin:keys", own=True)
        if not keys.revoke(connection, found.id):
            raise UsageError(f"the key {found.id.hex[:8]} is revoked already")
        write_down(connection, actor, "key.revoke", ("api_keys", found.id), {"user": str(found.user_id)}, now)
        return found


def key_caller(connection: Connection, key: str, now: datetime) -> Caller:
    """Return who presents this key, with what it may do today; AccessError where it opens nothing.

    Notes the use, once a minute: the caller commits.
    """
    presented = tokens.read_key(key)
    row = keys.key(connection, presented.id)
    if row is None or not tokens.is_key(presented, row.hash) or not (row.is_active and row.is_user_active):
        raise AccessError
    grant = stored_grant(row.permissions)
    if grant is None or grant.is_over(now):
        raise AccessError
    keys.note_used(connection, row.id, now)
    return Caller(row.user_id, row.email, row.role, grant.of(row.role), row.id, rate_of(row.role, row.rate_limit))


def told(row: keys.StoredKey, now: datetime) -> dict[str, object]:
    """Return a key as a row of a table; never its hash."""
    grant = stored_grant(row.permissions)
    return {
        "key": row.id.hex[:8],
        "user": row.email,
        "name": row.name,
        "may": "" if grant is None else ", ".join(sorted(grant.of(row.role))),
        "per_minute": rate_of(row.role, row.rate_limit),
        "state": _state(row, now),
        "expires_at": None if grant is None else grant.expires_at,
        "last_used_at": row.last_used_at,
        "created_at": row.created_at,
    }


def _state(row: keys.StoredKey, now: datetime) -> str:
    grant = stored_grant(row.permissions)
    if not row.is_active:
        return "revoked"
    if not row.is_user_active:
        return "user disabled"
    return "expired" if grant is None or grant.is_over(now) else "active"


def _found(connection: Connection, reference: str) -> keys.StoredKey:
    plain = reference.strip().removeprefix("aipro_").partition("_")[0]
    found = keys.keys_like(connection, plain) if plain else []
    if len(found) != 1:
        many = "no key begins" if not found else "more than one key begins"
        raise UsageError(f"{many} with {printable(plain[:40])!r}: see `aipro key list`")
    return found[0]
