"""Performance: what graded predictions say of each model, by day and in sum."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.db.repositories import grades
from aipro_ml.enums import RunMode
from aipro_ml.evaluation.performance import daily_performance, last_before_kickoff, summary
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.grade import grade_sport

SEED = 20260101


@dataclass(frozen=True)
class PerformanceReport:
    """Days written, and the summary by bet type and tier."""

    inserted: int
    updated: int
    summary: pd.DataFrame
    graded: pd.DataFrame


def update_performance(
    engine: Engine, code: str, now: datetime, *, backfilled: bool = False, dry_run: bool = False
) -> PerformanceReport:
    """Write `model_performance` per model and day from the last prediction before each kick-off.

    Back-filled predictions never count as published: they are included only where `backfilled` asks for them.
    """
    rows = _counted(grade_sport(engine, code, now, dry_run=True).rows, backfilled=backfilled)
    if rows.empty:
        return PerformanceReport(0, 0, pd.DataFrame(), rows)
    with unit(engine, dry_run=dry_run) as connection:
        count = grades.save_performance(connection, _day_rows(daily_performance(rows)))
    by_tier = summary(rows, ["bet_type", "signal_tier"], SEED)
    return PerformanceReport(count.inserted, count.updated, by_tier, rows)


def _counted(rows: pd.DataFrame, *, backfilled: bool) -> pd.DataFrame:
    if rows.empty:
        return rows
    kept = rows if backfilled else rows[rows["mode"] == RunMode.LIVE.value]
    return last_before_kickoff(kept) if len(kept) else kept


def _day_rows(days: pd.DataFrame) -> pd.DataFrame:
    keys = zip(days["model_id"], days["date"], strict=True)
    return days.assign(id=[derive_id("model_performance", model, day) for model, day in keys])


def list_days(engine: Engine, code: str, limit: int) -> list[dict[str, object]]:
    """Return the latest stored days of performance."""
    with engine.connect() as connection:
        return grades.list_performance(connection, sport(code).code, limit)
