"""Alerts: raised once, acknowledged by a user, sent by webhook and e-mail; sending that fails stops nothing."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from aipro_ml.accounts.preferences import stored_notifications
from aipro_ml.config import Settings
from aipro_ml.db.locks import held
from aipro_ml.db.repositories import accounts
from aipro_ml.db.repositories import alerts as repository
from aipro_ml.db.repositories.alerts import NewAlert, StoredAlert
from aipro_ml.enums import UserRole
from aipro_ml.errors import AiproError
from aipro_ml.jobs.notifiers import NotAllSentError, notifiers, patiently

log = logging.getLogger(__name__)

Send = Callable[[Sequence[StoredAlert]], None]


def raise_alerts(engine: Engine, settings: Settings, alerts: Sequence[NewAlert], now: datetime) -> int:
    """Store the alerts that are new and send what was not sent yet; return how many were new."""
    new = 0
    if alerts:
        with engine.begin() as connection:
            new = len(repository.save_alerts(connection, alerts, now))
    send_open(engine, settings, now)
    return new


def send_open(engine: Engine, settings: Settings, now: datetime) -> list[str]:
    """Send each open alert by every channel it has not gone out by; return what failed, to be tried the next time.

    An alert goes out at least once: killed between sending and noting it, it goes out again.
    """
    failed = []
    for channel, send in channels(engine, settings).items():
        with held(engine, f"alerts by {channel}"):  # whoever else is sending has noted what went out
            failed += _send_by(engine, channel, send, now)
    return failed


def _send_by(engine: Engine, channel: str, send: Send, now: datetime) -> list[str]:
    with engine.connect() as connection:
        waiting = [alert for alert in repository.open_alerts(connection) if channel not in alert.sent]
    if not waiting:
        return []
    sent, failed = tuple(waiting), []
    try:
        patiently(send, waiting)
    except Exception as error:  # noqa: BLE001 - whatever a mail or web server does, the night goes on
        log.warning("alerts were not sent", extra={"channel": channel, "reason": type(error).__name__})
        failed = [f"{channel}: {_told(error)}"]
        sent = error.sent if isinstance(error, NotAllSentError) else ()
    with engine.begin() as connection:
        for alert in sent:
            repository.note_sent(connection, alert.id, channel, now)
    return failed


def channels(engine: Engine, settings: Settings) -> dict[str, Send]:
    """Return the channels alerts go out by: those configured, and mail to the admins who asked for it."""
    with engine.connect() as connection:
        asked = accounts.notifications_of(connection, (UserRole.ADMIN, UserRole.SUPER_ADMIN))
    readers = [(email, stored_notifications(wants)) for email, wants in asked]
    return dict(notifiers(settings, [each for each in readers if each[1].email]))


def list_alerts(engine: Engine, limit: int, *, acknowledged: bool) -> list[dict[str, object]]:
    """Return the latest alerts as rows of a table, newest first."""
    with engine.connect() as connection:
        found = repository.list_alerts(connection, limit, acknowledged=acknowledged)
    return [
        {
            "id": str(alert.id)[:8],
            "created_at": alert.created_at,
            "severity": alert.severity.value,
            "type": alert.alert_type,
            "message": alert.message,
            "sent": ", ".join(sorted(alert.sent)) or "-",
            "acknowledged": alert.acknowledged_by or "-",
        }
        for alert in found
    ]


def acknowledge(engine: Engine, reference: str, who: str, now: datetime) -> StoredAlert:
    """Let the user `who` (e-mail address or id) acknowledge the alert whose id begins with `reference`."""
    with engine.begin() as connection:
        alert = repository.find_alert(connection, reference)
        user = repository.user_named(connection, who)
        if not repository.acknowledge(connection, alert.id, user, now):
            first = repository.find_alert(connection, str(alert.id))  # who it was may stand there since a moment ago
            raise AiproError(f"alert {str(alert.id)[:8]} was acknowledged before, by {first.acknowledged_by}")
    return alert


def _told(error: Exception) -> str:
    """Return an error's own words on one line; of a web address never the query, in which a key may stand."""
    return " ".join(str(error).split("?", 1)[0].split())[:200] or type(error).__name__
