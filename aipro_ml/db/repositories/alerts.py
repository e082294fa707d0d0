"""Alerts: kept once until somebody acknowledges them, with where they were sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.locks import wait_for
from aipro_ml.db.models.system import Alert
from aipro_ml.db.models.users import User
from aipro_ml.enums import Severity
from aipro_ml.errors import UsageError
from aipro_ml.identity import derive_id

KEY, SENT = "key", "sent"
"""Names in `alerts.details`: what the alert is about, and the channels it went out by."""


@dataclass(frozen=True)
class NewAlert:
    """Something to be told; an alert of the same type and key that nobody acknowledged yet is the same alert."""

    alert_type: str
    key: str
    severity: Severity
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredAlert:
    """A row of `alerts`."""

    id: UUID
    alert_type: str
    severity: Severity
    message: str
    details: Mapping[str, Any]
    created_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def sent(self) -> Mapping[str, str]:
        """Return when the alert went out, by channel."""
        return dict(self.details.get(SENT, {}))


def save_alerts(connection: Connection, alerts: Sequence[NewAlert], now: datetime) -> list[UUID]:
    """Store the alerts that do not stand open already; return the ids of the new ones."""
    wait_for(connection, "alerts")
    row, stored = Alert, []
    for alert in alerts:
        same = (row.alert_type == alert.alert_type) & (row.details[KEY].as_string() == alert.key)
        statement = select(func.count(), func.count().filter(row.is_acknowledged.is_not(True))).where(same)
        count, still_open = connection.execute(statement).one()
        if still_open:
            continue
        alert_id = derive_id("alert", alert.alert_type, alert.key, count)
        values = {
            "id": alert_id,
            "alert_type": alert.alert_type,
            "severity": alert.severity,
            "message": alert.message,
            "details": {**alert.details, KEY: alert.key},
            "is_acknowledged": False,
            "created_at": now,
        }
        connection.execute(insert(row).values(**values))
        stored.append(alert_id)
    return stored


def open_alerts(connection: Connection) -> list[StoredAlert]:
    """Return the alerts nobody acknowledged, oldest first."""
    statement = _query().where(Alert.is_acknowledged.is_not(True)).order_by(Alert.created_at, Alert.id)
    return [_stored(found) for found in connection.execute(statement)]


def list_alerts(connection: Connection, limit: int, *, acknowledged: bool) -> list[StoredAlert]:
    """Return the latest alerts, newest first; those that were acknowledged only where asked for."""
    statement = _query().order_by(Alert.created_at.desc(), Alert.id).limit(limit)
    if not acknowledged:
        statement = statement.where(Alert.is_acknowledged.is_not(True))
    return [_stored(found) for found in connection.execute(statement)]


def find_alert(connection: Connection, reference: str) -> StoredAlert:
    """Return the one alert whose id begins with `reference`; UsageError where none or several do."""
    statement = _query().where(cast(Alert.id, String).startswith(reference.lower(), autoescape=True)).limit(2)
    found = list(connection.execute(statement))
    if len(found) != 1:
        raise UsageError(
            f"{'no alert' if not found else 'more than one alert'} whose id begins with {reference!r}: "
            "see `aipro alert list`"
        )
    return _stored(found[0])


def acknowledge(connection: Connection, alert_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Note who acknowledged the alert; False where somebody did before."""
    mine = (Alert.id == alert_id) & Alert.is_acknowledged.is_not(True)
    values = {"is_acknowledged": True, "acknowledged_by": user_id, "acknowledged_at": now}
    return bool(connection.execute(update(Alert).where(mine).values(**values)).rowcount)


def note_sent(connection: Connection, alert_id: UUID, channel: str, now: datetime) -> None:
    """Note that the alert went out by a channel."""
    details = connection.scalar(select(Alert.details).where(Alert.id == alert_id).with_for_update()) or {}
    sent = {**details.get(SENT, {}), channel: now.isoformat()}
    connection.execute(update(Alert).where(Alert.id == alert_id).values(details={**details, SENT: sent}))


def user_named(connection: Connection, who: str) -> UUID:
    """Return the id of the active user of this e-mail address or id; UsageError where there is none."""
    named = (func.lower(User.email) == who.strip().lower()) | (cast(User.id, String) == who.strip().lower())
    found = connection.scalar(select(User.id).where(named, User.is_active.is_not(False)))
    if found is None:
        count = connection.scalar(select(func.count()).select_from(User))
        known = "there are no users yet: add one first" if not count else "no active user has this address or id"
        raise UsageError(f"{who}: {known}; an alert is acknowledged by somebody who has an account")
    return found


def _query() -> Any:
    return select(*Alert.__table__.c, User.email.label("by")).outerjoin(User, User.id == Alert.acknowledged_by)


def _stored(row: Any) -> StoredAlert:
    return StoredAlert(
        id=row.id,
        alert_type=row.alert_type,
        severity=Severity(row.severity),
        message=row.message,
        details=row.details or {},
        created_at=row.created_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.by,
    )
