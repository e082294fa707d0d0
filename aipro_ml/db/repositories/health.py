"""How the system stands: what health and the nights' checks ask of the database, and where the answers are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from aipro_ml.db.copy import insert_new
from aipro_ml.db.models.system import DataQualityCheck, SystemHealthSnapshot
from aipro_ml.identity import derive_id
from aipro_ml.times import ensure_utc, iso_utc

_NEWEST_QUOTE = text(
    "SELECT max(o.recorded_at) FROM odds o JOIN games g ON g.id = o.game_id "
    "WHERE g.sport_id = :sport AND o.recorded_at <= :now"
)
_RUNS = text(
    """
    SELECT r.mode, r.status, r.games_count AS games, r.published_count AS published, r.abstained_count AS abstained,
           r.completed_at, (SELECT count(*) FROM jsonb_object_keys(r.versions->'models')) AS models,
           (SELECT count(*) FROM fact_predictions f JOIN ml_models m ON m.id = f.model_id
             WHERE f.run_id = r.id AND r.versions->'models' ? f.bet_type
               AND r.versions->'models'->f.bet_type->>'model_id' = f.model_id::text) AS rows
    FROM fact_prediction_runs r WHERE r.sport_id = :sport AND r.as_of = :as_of ORDER BY r.mode
    """
)
_UNQUOTED = text(
    """
    SELECT count(*) FROM games g
    WHERE g.sport_id = :sport AND g.status = 'scheduled' AND g.game_date > :now AND g.game_date <= :until
      AND NOT EXISTS (SELECT FROM odds o WHERE o.game_id = g.id AND o.recorded_at > :since AND o.recorded_at <= :now)
    """
)
_SERVER = text(
    "SELECT pg_database_size(current_database()) AS size, current_setting('server_version') AS version, "
    "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections, "
    "current_setting('max_connections')::int AS most_connections"
)
_SNAPSHOT = text("SELECT pg_current_snapshot()::text")


@dataclass(frozen=True)
class ComponentHealth:
    """How one component is: `status` healthy, degraded or down, and figures."""

    component: str
    status: str
    says: str
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NightCheck:
    """A rule the night was held against: how often it was broken, and figures."""

    rule: str
    failed: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunCount:
    """A prediction run as its row counts it, and how many ledger rows of its production models it has."""

    mode: str
    status: str
    games: int
    published: int
    abstained: int
    models: int
    rows: int
    completed_at: datetime | None


def server_facts(connection: Connection) -> dict[str, Any]:
    """Return size in bytes, version and connections of the database, and how many connections its server allows."""
    return dict(connection.execute(_SERVER).mappings().one())


def ping(connection: Connection) -> None:
    """Ask the server the least there is to ask."""
    connection.execute(select(1))


def snapshot(connection: Connection) -> str:
    """Return which transactions this connection sees the ends of; nothing was committed between two equal ones."""
    return str(connection.scalar(_SNAPSHOT))


def newest_quote(connection: Connection, code: str, now: datetime) -> datetime | None:
    """Return when the sport's newest quote up to `now` was recorded, None where there is none."""
    found = connection.scalar(_NEWEST_QUOTE, {"sport": derive_id("sport", code), "now": _naive(now)})
    return None if found is None else ensure_utc(pd.Timestamp(found).tz_localize("UTC").to_pydatetime())


def runs_at(connection: Connection, code: str, as_of: datetime) -> list[RunCount]:
    """Return the sport's prediction runs decided at `as_of`."""
    rows = connection.execute(_RUNS, {"sport": derive_id("sport", code), "as_of": _naive(as_of)}).mappings()
    return [RunCount(**{**row, "completed_at": _aware(row["completed_at"])}) for row in rows]


def unquoted_games(connection: Connection, code: str, span: tuple[datetime, datetime], since: datetime) -> int:
    """Return how many games kick off in `span` (now, until] and were not quoted after `since`."""
    now, until = span
    bound = {"sport": derive_id("sport", code), "now": _naive(now), "until": _naive(until), "since": _naive(since)}
    return int(connection.scalar(_UNQUOTED, bound) or 0)


def save_health(connection: Connection, found: Sequence[ComponentHealth], at: datetime) -> int:
    """Keep a snapshot of each component at a moment; the same moment again adds nothing."""
    rows = pd.DataFrame(
        {
            "id": [derive_id("health", one.component, iso_utc(at)) for one in found],
            "component": [one.component for one in found],
            "status": [one.status for one in found],
            "metrics": [{**one.metrics, "says": one.says} for one in found],
            "snapshot_at": pd.Timestamp(at),
        }
    )
    return insert_new(connection, SystemHealthSnapshot.__table__, rows)


def save_night_checks(
    connection: Connection, as_of: datetime, sport: str, checks: Sequence[NightCheck], now: datetime
) -> int:
    """Keep what a night's checks of a sport found; the same night again adds nothing."""
    source = f"night {sport}"
    rows = pd.DataFrame(
        {
            "id": [derive_id("night_check", iso_utc(as_of), sport, check.rule) for check in checks],
            "check_type": [check.rule for check in checks],
            "source": source,
            "passed": [check.failed == 0 for check in checks],
            "failed_count": [check.failed for check in checks],
            "details": [{**check.details, "as_of": iso_utc(as_of)} for check in checks],
            "checked_at": pd.Timestamp(now),
        }
    )
    return insert_new(connection, DataQualityCheck.__table__, rows)


def failed_checks(connection: Connection, as_of: datetime) -> list[tuple[str, str, int, Mapping[str, Any]]]:
    """Return (source, rule, failed, details) of the night's checks that did not pass."""
    row = DataQualityCheck
    statement = select(row.source, row.check_type, row.failed_count, row.details).where(
        row.source.startswith("night "), row.passed.is_(False), row.details["as_of"].as_string() == iso_utc(as_of)
    )
    ordered = statement.order_by(row.source, row.check_type)
    return [
        (one.source, one.check_type, one.failed_count or 0, one.details or {}) for one in connection.execute(ordered)
    ]


def latest_health(connection: Connection) -> list[dict[str, Any]]:
    """Return the latest snapshot of each component."""
    row = SystemHealthSnapshot
    statement = select(row.component, row.status, row.metrics, row.snapshot_at).ext(distinct_on(row.component))
    ordered = statement.order_by(row.component, row.snapshot_at.desc())
    return [dict(found) for found in connection.execute(ordered).mappings()]


def _naive(moment: datetime) -> datetime:
    return ensure_utc(moment).replace(tzinfo=None)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else pd.Timestamp(moment).tz_localize("UTC").to_pydatetime()
