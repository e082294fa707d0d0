"""The audit log, to be read: who did what, on which row, when and from where."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from aipro_ml.db.repositories import acts
from aipro_ml.jobs.actors import known_person


def list_acts(
    engine: Engine, user: str | None, action: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """Return the latest acts, newest first; of a user: what they did, and what was done to their account."""
    with engine.connect() as connection:
        of = None if user is None else known_person(connection, user).id
        return acts.list_acts(connection, acts.Asked(of, action, since), limit)
