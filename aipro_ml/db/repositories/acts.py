"""Acts of people on the platform: audit log, promotions and settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select

from aipro_ml.db.models.system import SystemSetting
from aipro_ml.db.models.users import AuditLog
from aipro_ml.db.models.warehouse import FactModelPromotion


def audit(
    connection: Connection, action: str, resource: str, resource_id: str, act: Mapping[str, Any], now: datetime
) -> None:
    """Write one act to the audit log."""
    connection.execute(
        insert(AuditLog).values(
            id=uuid4(), action=action, resource=resource, resource_id=resource_id, details=dict(act), created_at=now
        )
    )


def save_promotion(connection: Connection, values: Mapping[str, Any]) -> None:
    """Append a promotion decision (columns of `fact_model_promotions`)."""
    connection.execute(insert(FactModelPromotion).values(id=uuid4(), **values))


def settings_like(connection: Connection, prefix: str) -> dict[str, str]:
    """Return the system settings whose key begins with `prefix`."""
    statement = select(SystemSetting.key, SystemSetting.value)
    statement = statement.where(SystemSetting.key.startswith(prefix, autoescape=True))
    return {row.key: row.value for row in connection.execute(statement)}
