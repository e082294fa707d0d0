"""The system's settings kept in the database, and who changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.copy import read_frame
from aipro_ml.db.models.system import SystemSetting
from aipro_ml.db.models.users import User
from aipro_ml.identity import derive_id

_HISTORY = text(
    """
    SELECT a.created_at AS at, a.resource_id AS key, a.details->>'before' AS before, a.details->>'after' AS after,
           coalesce(u.email, a.details->>'login') AS by, a.details->>'reason' AS reason
    FROM audit_logs a LEFT JOIN users u ON u.id = a.user_id
    WHERE a.resource = 'system_settings' AND (CAST(:key AS text) IS NULL OR a.resource_id = :key)
    ORDER BY a.created_at DESC, a.id LIMIT :limit
    """
)


@dataclass(frozen=True)
class StoredSetting:
    """A row of `system_settings`; `updated_by` is the address of a user."""

    key: str
    value: str
    value_type: str | None
    updated_at: datetime | None
    updated_by: str | None


def settings_under(connection: Connection, prefixes: Sequence[str]) -> dict[str, str]:
    """Return the values of the settings whose key begins with one of these."""
    row = SystemSetting
    begins = or_(*(row.key.startswith(prefix, autoescape=True) for prefix in prefixes))
    return {found.key: found.value for found in connection.execute(select(row.key, row.value).where(begins))}


def stored_settings(connection: Connection) -> dict[str, StoredSetting]:
    """Return every setting kept in the database, by its key."""
    row = SystemSetting
    statement = select(row.key, row.value, row.value_type, row.updated_at, User.email.label("updated_by"))
    found = connection.execute(statement.outerjoin(User, User.id == row.updated_by).order_by(row.key)).mappings()
    return {each["key"]: StoredSetting(**each) for each in found}


def save_setting(connection: Connection, stored: StoredSetting, says: str, user_id: UUID | None) -> None:
    """Store a setting, in place of the value it had."""
    values = {
        "value": stored.value,
        "value_type": stored.value_type,
        "description": says,
        "updated_at": stored.updated_at,
        "updated_by": user_id,
    }
    statement = insert(SystemSetting).values(id=derive_id("system_setting", stored.key), key=stored.key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def drop_setting(connection: Connection, key: str) -> int:
    """Remove a setting; return how many rows went."""
    return connection.execute(delete(SystemSetting).where(SystemSetting.key == key)).rowcount


def history(connection: Connection, key: str | None, limit: int) -> pd.DataFrame:
    """Return the latest changes (of one key): at, key, before, after, by, reason; the newest first."""
    return read_frame(connection, _HISTORY.bindparams(key=key, limit=limit))
