"""The step journal of the nights: audit-log rows whose ids say night, step and sport, so that none comes twice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.models.ml import MlModel
from aipro_ml.db.models.sports import Sport
from aipro_ml.db.models.users import AuditLog
from aipro_ml.identity import derive_id
from aipro_ml.times import iso_utc

ACTION = "nightly.step"


def steps_done(connection: Connection, as_of: datetime) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return what the journal says of the night, by (step, sport)."""
    row = AuditLog
    statement = select(row.details).where(row.action == ACTION, row.resource_id == iso_utc(as_of))
    return {(details["step"], details["sport"]): details for details in connection.scalars(statement)}


def note_step(
    connection: Connection, as_of: datetime, place: tuple[str, str], facts: Mapping[str, Any], now: datetime
) -> bool:
    """Note that (step, sport) of the night is done, with what it came to; False where that stands already."""
    step, sport = place
    values = {
        "id": derive_id(ACTION, iso_utc(as_of), step, sport),
        "action": ACTION,
        "resource": "night",
        "resource_id": iso_utc(as_of),
        "details": {"step": step, "sport": sport, **facts},
        "created_at": now,
    }
    return (
        connection.scalar(insert(AuditLog).values(**values).on_conflict_do_nothing().returning(AuditLog.id)) is not None
    )


def first_night(connection: Connection) -> datetime | None:
    """Return when the first step of any night was noted, None before the first night."""
    row = AuditLog
    return connection.scalar(select(func.min(row.created_at)).where(row.action == ACTION))


def sports_in_production(connection: Connection) -> list[str]:
    """Return the codes of the sports that have a production model."""
    statement = select(Sport.code).join(MlModel, MlModel.sport_id == Sport.id).where(MlModel.is_production.is_(True))
    return sorted(connection.scalars(statement.distinct()))


def sports_stored(connection: Connection) -> list[str]:
    """Return the codes of all stored sports."""
    return sorted(connection.scalars(select(Sport.code)))
