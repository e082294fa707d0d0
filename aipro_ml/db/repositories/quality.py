"""Data-quality checks: what an import found wrong, by rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, func, select

from aipro_ml.db.copy import insert_new
from aipro_ml.db.models.system import DataQualityCheck
from aipro_ml.identity import derive_id


def save_checks(
    connection: Connection, *, source: str, content: str, checks: Sequence[Mapping[str, Any]], now: datetime
) -> int:
    """Store one row a rule (keys rule, failed, details); the same content checked again adds nothing."""
    rows = pd.DataFrame(
        {
            "id": [derive_id("data_quality_check", source, content, check["rule"]) for check in checks],
            "check_type": [check["rule"] for check in checks],
            "source": source[:100],
            "passed": [check["failed"] == 0 for check in checks],
            "failed_count": [check["failed"] for check in checks],
            "details": [{**check["details"], "content": content} for check in checks],
            "checked_at": pd.Timestamp(now),
        }
    )
    return insert_new(connection, DataQualityCheck.__table__, rows)


def first_checked(connection: Connection, *, source: str, content: str) -> datetime | None:
    """Return when this very content of the source was first imported, None where it never was."""
    first = select(func.min(DataQualityCheck.checked_at)).where(DataQualityCheck.source == source[:100])
    return connection.scalar(first.where(DataQualityCheck.details["content"].astext == content))


def contents(connection: Connection, *, source: str) -> set[str]:
    """Return the hashes of all contents of a source that were imported."""
    statement = select(DataQualityCheck.details["content"].astext).where(DataQualityCheck.source == source[:100])
    return {content for content in connection.scalars(statement.distinct()) if content is not None}


def recent_checks(connection: Connection, limit: int) -> list[dict[str, object]]:
    """Return the latest checks, newest first."""
    row = DataQualityCheck
    statement = select(row.checked_at, row.source, row.check_type, row.passed, row.failed_count)
    statement = statement.order_by(row.checked_at.desc(), row.source, row.check_type).limit(limit)
    return [dict(found) for found in connection.execute(statement).mappings()]
