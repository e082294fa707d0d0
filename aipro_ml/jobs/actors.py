"""Who acts: a user of the platform, or a login of the machine; acts of weight are written down with their actor."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import acts
from aipro_ml.errors import ForbiddenError, UsageError


@dataclass(frozen=True)
class Actor:
    """`user_id` of a user, or the machine's `login` where no user acts; `ip` and `agent` of a request."""

    user_id: UUID | None = None
    login: str | None = None
    ip: str | None = None
    agent: str | None = None


def known_person(connection: Connection, email: str) -> acts.Person:
    """Return the user of this address; UsageError where there is none."""
    found = acts.person(connection, email)
    if found is None:
        raise UsageError(f"no user {email!r}: the table `users` has nobody of this address")
    return found


def actor_named(connection: Connection, email: str | None, login: str) -> Actor:
    """Return the user of this address as actor, else the login that typed the command.

    ForbiddenError for a user who is disabled.
    """
    if email is None:
        return Actor(login=login)
    found = known_person(connection, email)
    if not found.is_active:
        raise ForbiddenError(f"the user {found.email} is disabled and may not act")
    return Actor(found.id)


def actor_known(connection: Connection, who: str) -> Actor:
    """Return the user whose address `who` is as actor, else nobody: free words are told in the act's details.

    ForbiddenError for a user who is disabled.
    """
    if acts.person(connection, who) is None:
        return Actor()
    return actor_named(connection, who, "")


def acting(engine: Engine, email: str | None, login: str) -> Actor:
    """Return `actor_named` on a connection of its own."""
    with engine.connect() as connection:
        return actor_named(connection, email, login)


def write_down(
    connection: Connection, actor: Actor, action: str, on: tuple[str, object], details: Mapping[str, Any], now: datetime
) -> None:
    """Append an act on `on` (table, id) to the audit log; `details` name no person, who may ask to be forgotten."""
    named = details if actor.login is None else {**details, "login": actor.login}
    act = acts.Act(action, on[0], str(on[1]), named, actor.user_id, actor.ip, actor.agent)
    acts.record_act(connection, act, now)
