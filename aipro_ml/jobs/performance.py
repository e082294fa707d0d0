"""Performance: what graded predictions say of each model, by day and in sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import grades
from aipro_ml.enums import RunMode
from aipro_ml.evaluation.grading import Accounting
from aipro_ml.evaluation.performance import daily_performance, last_before_kickoff, summary
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.grading import Graded, grade_predictions

SEED = 20260101
KIND = ["role", "mode"]
"""What is never added up: production and shadow, live and back-filled."""


@dataclass(frozen=True)
class PerformanceReport:
    """Days written, and the summary by bet type and tier."""

    inserted: int
    updated: int
    summary: pd.DataFrame
    graded: pd.DataFrame


@dataclass(frozen=True)
class Counted:
    """The predictions that count: `graded` ones and `open` ones, with role and mode; where all of them stand."""

    graded: pd.DataFrame
    open: pd.DataFrame
    accounting: Accounting
    emptied: pd.DataFrame  # model_id and date of days of which no prediction is graded


def update_performance(
    engine: Engine, code: str, now: datetime, *, backfilled: bool = False, dry_run: bool = False
) -> PerformanceReport:
    """Write `model_performance` per model and day from the last prediction before each kick-off.

    Back-filled predictions never count as published: they are included only where `backfilled` asks for them, and
    then only where the model said nothing live of the game, and in rows of days on which it said nothing live at all.
    Games that begin after `now` do not count. A day on which nothing is graded any more loses its row.
    """
    with unit(engine, dry_run=dry_run) as connection:
        grades.lock_grades(connection, sport(code).code)  # figures of older grades must not come after newer ones
        counted = counted_predictions(connection, sport(code), backfilled=backfilled)
        rows = counted.graded
        if len(rows):
            rows = rows.loc[rows["kickoff"] <= pd.Timestamp(now)]
        days = daily_performance(rows) if len(rows) else pd.DataFrame()
        grades.drop_performance(connection, counted.emptied)
        if days.empty:
            return PerformanceReport(0, 0, pd.DataFrame(), rows)
        count = grades.save_performance(connection, _day_rows(days))
    return PerformanceReport(count.inserted, count.updated, by_kind(rows, ["bet_type", "signal_tier"]), rows)


def counted_predictions(connection: Connection, league: Sport, *, backfilled: bool) -> Counted:
    """Return of each model and game the last prediction before kick-off, live ones before back-filled ones."""
    graded = grade_predictions(connection, league)
    found = graded.predictions
    if found.empty:
        return Counted(found, found, graded.accounting, pd.DataFrame(columns=["model_id", "date"]))
    return Counted(
        graded=_counted(_with_role(graded.rows), backfilled=backfilled),
        open=_counted(_with_role(_of_standing(graded, "pending")), backfilled=backfilled),
        accounting=graded.accounting,
        emptied=_emptied(found, found["prediction_id"].isin(graded.grades["prediction_id"])),
    )


def by_kind(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the summary by columns `by`; role and mode stand first where there is more than one of them."""
    several = [name for name in KIND if rows[name].nunique() > 1]
    return summary(rows, [*several, *by], SEED)


def _of_standing(graded: Graded, standing: str) -> pd.DataFrame:
    found = graded.predictions
    return found.loc[(graded.standing.reindex(found["prediction_id"]) == standing).to_numpy()]


def _with_role(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(role=rows["in_production"].map({True: "production", False: "shadow"}).astype(object))


def _counted(rows: pd.DataFrame, *, backfilled: bool) -> pd.DataFrame:
    if rows.empty:
        return rows
    live = last_before_kickoff(rows.loc[rows["mode"] == RunMode.LIVE.value])
    if not backfilled:
        return live
    later = last_before_kickoff(rows.loc[rows["mode"] != RunMode.LIVE.value])
    keys = ["model_id", "game_id"]
    said = pd.MultiIndex.from_frame(later[keys]).isin(pd.MultiIndex.from_frame(live[keys]))
    return pd.concat([live, later.loc[~said]]).sort_values("seq", kind="stable")


def _emptied(found: pd.DataFrame, is_graded: pd.Series) -> pd.DataFrame:
    """Return the days (model_id, date) none of whose predictions is graded: a row of them says nothing any more."""
    dates = found["kickoff"].dt.tz_convert("UTC").dt.date
    days = pd.DataFrame({"model_id": found["model_id"].astype(str), "date": dates, "graded": is_graded})
    some = days.groupby(["model_id", "date"], sort=True)["graded"].any()
    return some.loc[~some].reset_index()[["model_id", "date"]]


def _day_rows(days: pd.DataFrame) -> pd.DataFrame:
    keys = zip(days["model_id"], days["date"], strict=True)
    return days.assign(id=[derive_id("model_performance", model, day) for model, day in keys])


def list_days(engine: Engine, code: str, limit: int) -> list[dict[str, object]]:
    """Return the latest stored days of performance."""
    with engine.connect() as connection:
        return grades.list_performance(connection, sport(code).code, limit)
