"""Scheduled tasks: when each ran last, when it is due, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.models.system import ScheduledTask
from aipro_ml.identity import derive_id

IDLE, RUNNING, FAILED = "idle", "running", "failed"


@dataclass(frozen=True)
class StoredTask:
    """A row of `scheduled_tasks`."""

    name: str
    cron: str
    last_run: datetime | None
    next_run: datetime | None
    is_enabled: bool
    status: str
    error: str | None

    def is_due(self, now: datetime) -> bool:
        """Return whether the task should have begun by `now`."""
        return self.is_enabled and self.next_run is not None and self.next_run <= now


def list_tasks(connection: Connection) -> list[StoredTask]:
    """Return every task by name."""
    statement = select(*ScheduledTask.__table__.c).order_by(ScheduledTask.task_name)
    return [_stored(row) for row in connection.execute(statement)]


def find_task(connection: Connection, name: str) -> StoredTask | None:
    """Return the task of this name, None where there is none."""
    statement = select(*ScheduledTask.__table__.c).where(ScheduledTask.task_name == name)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _stored(row)


def add_task(connection: Connection, name: str, cron: str, next_run: datetime) -> bool:
    """Store a task that is not there yet; False where one of that name is."""
    row = ScheduledTask
    values = {"task_name": name, "cron_expression": cron, "next_run": next_run, "is_enabled": True, "status": IDLE}
    statement = insert(row).values(id=derive_id("scheduled_task", name), **values).on_conflict_do_nothing()
    return connection.scalar(statement.returning(row.id)) is not None


def change_task(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Set columns of a task."""
    connection.execute(update(ScheduledTask).where(ScheduledTask.task_name == name).values(**values))


def remove_task(connection: Connection, name: str) -> bool:
    """Remove a task; return whether there was one."""
    return bool(connection.execute(delete(ScheduledTask).where(ScheduledTask.task_name == name)).rowcount)


def _stored(row: Any) -> StoredTask:
    return StoredTask(
        name=row.task_name,
        cron=row.cron_expression or "",
        last_run=row.last_run,
        next_run=row.next_run,
        is_enabled=row.is_enabled is not False,
        status=row.status or IDLE,
        error=row.error_message,
    )
