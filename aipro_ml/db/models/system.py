"""The system itself: settings, scheduled tasks, alerts, data quality and health."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from aipro_ml.db.base import Base, UuidKey, Varchar20, Varchar50, Varchar100, one_of, references
from aipro_ml.enums import Severity

VALUE_TYPES = ("string", "int", "float", "bool", "json")
TASK_STATES = ("idle", "running", "failed")
HEALTH_STATES = ("healthy", "degraded", "down")


class SystemSetting(Base):
    """A setting kept in the database, such as a tier's threshold."""

    __tablename__ = "system_settings"
    __table_args__ = (one_of("value_type", VALUE_TYPES),)

    id: Mapped[UuidKey]
    key: Mapped[Varchar100] = mapped_column(unique=True)
    value: Mapped[str]
    value_type: Mapped[Varchar20 | None]
    description: Mapped[str | None]
    updated_at: Mapped[datetime | None]
    updated_by: Mapped[UUID | None] = references("users.id", "SET NULL")


class ScheduledTask(Base):
    """A task that runs by the clock."""

    __tablename__ = "scheduled_tasks"
    __table_args__ = (one_of("status", TASK_STATES),)

    id: Mapped[UuidKey]
    task_name: Mapped[Varchar100] = mapped_column(unique=True)
    cron_expression: Mapped[Varchar50 | None]
    last_run: Mapped[datetime | None]
    next_run: Mapped[datetime | None]
    is_enabled: Mapped[bool | None] = mapped_column(server_default=text("TRUE"))
    status: Mapped[Varchar20 | None]
    error_message: Mapped[str | None]


class Alert(Base):
    """Something a person should look at."""

    __tablename__ = "alerts"
    __table_args__ = (one_of("severity", Severity),)

    id: Mapped[UuidKey]
    alert_type: Mapped[Varchar50]
    severity: Mapped[Varchar20]
    message: Mapped[str]
    details: Mapped[dict[str, Any] | None]
    is_acknowledged: Mapped[bool | None] = mapped_column(server_default=text("FALSE"))
    acknowledged_by: Mapped[UUID | None] = references("users.id", "SET NULL")
    acknowledged_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DataQualityCheck(Base):
    """What a rule found in the data of a source."""

    __tablename__ = "data_quality_checks"

    id: Mapped[UuidKey]
    check_type: Mapped[Varchar50]
    source: Mapped[Varchar100]
    passed: Mapped[bool]
    failed_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    details: Mapped[dict[str, Any] | None]
    checked_at: Mapped[datetime]


class SystemHealthSnapshot(Base):
    """How a component was at a moment."""

    __tablename__ = "system_health_snapshots"
    __table_args__ = (one_of("status", HEALTH_STATES),)

    id: Mapped[UuidKey]
    component: Mapped[Varchar50]
    status: Mapped[Varchar20]
    metrics: Mapped[dict[str, Any] | None]
    snapshot_at: Mapped[datetime]
