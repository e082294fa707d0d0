"""A night of the small league: its plan, the request for it, and the whole database as text to compare."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aipro_ml.db.models import metadata
from aipro_ml.jobs.nightly import NightReport, NightRequest, run_night
from tests.fixtures_platform import NOW, Platform

PLAN = """
timezone: America/New_York
lead_minutes: 0
horizon_hours: 200
tasks: {nightly: "0 7 * * *"}
"""

LEFT_OUT = {
    "system_health_snapshots": {"metrics"},  # free space of the disk, processor time
    "feature_materializations": {"id"},  # of chance; a killed one stays, marked failed
    "feature_vectors": {"materialization_id"},
    "audit_logs": {"id"},
}
"""Columns no two runs have alike: everything else of the database must be equal."""


@pytest.fixture
def untagged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep MLflow out of a night: the ledger's head is kept in its file alone."""
    monkeypatch.setattr("aipro_ml.jobs.ledger.tag_models", lambda *_: [])


def planned(platform: Platform, more: str = "") -> Path:
    """Write the plan of the small league's nights into the platform's home, and let it want no MLflow."""
    platform.settings = platform.settings.model_copy(update={"mlflow_tracking_uri": "file:unused"})
    place = platform.settings.home / "nightly.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(PLAN + more)
    return place


def night(platform: Platform, as_of: datetime = NOW, now: datetime | None = None, **changed: Any) -> NightReport:
    """Run the night of the small league, at one moment of the clock."""
    clock: Callable[[], datetime] = lambda: now or as_of  # noqa: E731
    return run_night(platform.settings, NightRequest(as_of, clock, **changed))


def dump(engine: sa.Engine) -> dict[str, list[str]]:
    """Return every table's rows as sorted text, without the columns of LEFT_OUT."""
    with engine.connect() as connection:
        return {table.name: sorted(_rows(connection, table)) for table in metadata.sorted_tables}


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    names = [name for name in (column.name for column in table.columns) if name not in LEFT_OUT.get(table.name, set())]
    columns = ", ".join(f'"{name}"' for name in names)
    only = " WHERE status <> 'failed'" if table.name == "feature_materializations" else ""
    return iter(
        connection.scalars(sa.text(f'SELECT row_to_json(r)::text FROM (SELECT {columns} FROM "{table.name}"{only}) r'))
    )


def differing(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    """Return the tables that differ, each with how many rows either has alone and the first of them."""
    found = []
    for name, rows in one.items():
        if rows != other[name]:
            alone, there = sorted(set(rows) - set(other[name])), sorted(set(other[name]) - set(rows))
            found.append(f"{name}: {len(rows)} and {len(other[name])} rows, {(alone or there or ['doubled'])[0][:300]}")
    return found
