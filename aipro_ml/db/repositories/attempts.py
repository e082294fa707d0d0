"""Attempts to log in, as the audit log holds them: counted there, so that a restart forgets none.

An attempt is written before the password is looked at (`login.attempt`), its outcome after it (`login` or
`login.failed`, whose details name the attempt). What is tried is counted under a user's id, or under one of a few
names for addresses nobody has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, String, cast, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import INET

from aipro_ml.db.models.users import AuditLog

ATTEMPT, SUCCESS, FAILURE, UNLOCK = "login.attempt", "login", "login.failed", "login.unlock"


@dataclass(frozen=True)
class Tried:
    """What is tried and from where: an account's id or its stand-in, the owner where there is one, the network."""

    account: str
    owner: UUID | None
    network: str | None


@dataclass(frozen=True)
class Client:
    """Where a request comes from, cleaned for storing."""

    ip: str | None = None
    agent: str | None = None


@dataclass(frozen=True)
class Failed:
    """An attempt that did not succeed: when, on what account, from which address."""

    at: datetime
    account: str
    ip: str | None


def lock(connection: Connection, tried: Tried) -> None:
    """Let no other attempt on this account or from this network be counted until this transaction ends."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    for name in (f"login account {tried.account}", f"login network {tried.network}"):  # in one order: no deadlock
        connection.execute(statement, {"name": name})


def failures(connection: Connection, tried: Tried, since: datetime) -> list[Failed]:
    """Return the attempts after `since`, on the account or from the network, that no success ended.

    One whose password is being looked at counts too. What was on the account before it was unlocked does not.
    """
    row = AuditLog
    unlocked = select(func.max(row.created_at)).where(row.action == UNLOCK, row.resource_id == tried.account)
    after = connection.scalar(unlocked.where(row.created_at > since)) or since
    # one pass over an attempt and what ended it: a join of the two would be planned by statistics of a quiet hour
    attempt = func.coalesce(row.details["attempt"].astext, cast(row.id, String))
    statement = (
        select(func.min(row.created_at), func.min(row.resource_id), func.min(row.ip_address))
        .where(
            row.action.in_((ATTEMPT, SUCCESS)),
            row.created_at > since,
            or_(row.resource_id == tried.account, _within(tried.network)),
            or_(row.resource_id != tried.account, row.created_at > after),
        )
        .group_by(attempt)
        .having(func.bool_and(row.action == ATTEMPT))
    )
    return [Failed(each[0], each[1] or "", _text(each[2])) for each in connection.execute(statement)]


def last_success(connection: Connection, tried: Tried, since: datetime) -> datetime | None:
    """Return when somebody last logged in to the account from this network, None where nobody did after `since`."""
    row = AuditLog
    statement = select(func.max(row.created_at)).where(row.action == SUCCESS, row.resource_id == tried.account)
    found: datetime | None = connection.scalar(statement.where(row.created_at > since, _within(tried.network)))
    return found


def known_ips(connection: Connection, owner: UUID | None, since: datetime) -> set[str]:
    """Return the addresses the owner logged in from after `since`."""
    if owner is None:
        return set()
    statement = select(AuditLog.ip_address).distinct().where(AuditLog.action == SUCCESS, AuditLog.user_id == owner)
    found = connection.scalars(statement.where(AuditLog.created_at > since, AuditLog.ip_address.is_not(None)))
    return {str(ip) for ip in found}


def record(
    connection: Connection, action: str, tried: Tried, client: Client, details: Mapping[str, Any], now: datetime
) -> UUID:
    """Append an attempt or its outcome; only a success says which user acted."""
    key = uuid4()
    connection.execute(
        insert(AuditLog).values(
            id=key,
            user_id=tried.owner if action == SUCCESS else None,
            action=action,
            resource="users",
            resource_id=tried.account,
            ip_address=client.ip,
            user_agent=client.agent,
            details=dict(details),
            created_at=now,
        )
    )
    return key


def _within(network: str | None) -> ColumnElement[bool]:
    if network is None:
        return AuditLog.ip_address.is_(None)
    return AuditLog.ip_address.bool_op("<<=")(cast(network, INET))


def _text(ip: object) -> str | None:
    return None if ip is None else str(ip)
