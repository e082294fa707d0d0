"""Grading: every prediction on the line and price it took, by what is known of its game now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import grades
from aipro_ml.evaluation.grading import Accounting
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.grading import STORED, Graded, grade_predictions


@dataclass(frozen=True)
class GradeReport:
    """Where every prediction of the sport stands, and what this call wrote."""

    accounting: Accounting
    inserted: int
    regraded: int
    rows: pd.DataFrame
    superseded: Sequence[Mapping[str, Any]] = ()
    """What was replaced or taken back: prediction_id, and result, profit, CLV and close before and after."""


def grade_sport(
    engine: Engine, code: str, now: datetime, *, games: Collection[str] | None = None, dry_run: bool = False
) -> GradeReport:
    """Grade every prediction of the sport; a grade that a correction changed is replaced, the old one kept.

    The grade of a game that is not final any more goes the same way. Grading again without news writes nothing. With
    `games` (ids) only their predictions are graded and counted.
    """
    league = sport(code)
    with unit(engine, dry_run=dry_run) as connection:
        grades.lock_grades(connection, league.code)  # two at once would each keep the same superseded grade
        graded = grade_predictions(connection, league, games)
        inserted, superseded = _store(connection, graded, now) if len(graded.predictions) else (0, [])
    rows = graded.rows if len(graded.predictions) else graded.predictions
    return GradeReport(graded.accounting, inserted, len(superseded), rows, superseded)


def _store(connection: Connection, graded: Graded, now: datetime) -> tuple[int, list[dict[str, object]]]:
    """Write what changed; return how many grades are new, and what was replaced or taken back."""
    changed = _changed(graded.predictions, graded.grades)
    withdrawn = _withdrawn(graded.predictions, graded.grades)
    superseded = [*_spoken(changed[changed["graded_at"].notna()]), *_spoken(withdrawn)]
    if superseded:
        grades.keep_superseded(connection, superseded, now)
        grades.withdraw_results(connection, withdrawn["prediction_id"].tolist())
    return grades.save_results(connection, _result_rows(changed, now)).inserted, superseded


def _changed(found: pd.DataFrame, graded: pd.DataFrame) -> pd.DataFrame:
    """Return grades that are new or differ from the stored ones (whose values come with suffix `_before`)."""
    stored = found[["prediction_id", *STORED, "graded_at"]].set_index("prediction_id")
    before = stored.reindex(graded["prediction_id"]).reset_index(drop=True)
    same = before["graded_at"].notna()
    for name in STORED:
        left, right = graded[name].reset_index(drop=True), before[name]
        if name != "actual_result":
            left, right = left.astype("float64"), right.astype("float64")
        same &= (left == right) | (left.isna() & right.isna())
    joined = graded.reset_index(drop=True).join(
        before.add_suffix("_before").rename(columns={"graded_at_before": "graded_at"})
    )
    return joined[~same]


def _withdrawn(found: pd.DataFrame, graded: pd.DataFrame) -> pd.DataFrame:
    """Return the stored grades whose game is not final any more, in the columns of `_changed`."""
    gone = found["graded_at"].notna() & ~found["prediction_id"].isin(graded["prediction_id"])
    return found.loc[gone].rename(columns={name: f"{name}_before" for name in STORED})


def _spoken(superseded: pd.DataFrame) -> list[dict[str, object]]:
    """Return each superseded grade: what it said (`…_before`) and what stands in its place, nothing if taken back."""
    columns = ["prediction_id", *(f"{name}_before" for name in STORED)]
    told = superseded.reindex(columns=[*columns, *STORED]).rename(columns={name: f"{name}_after" for name in STORED})
    columns += [f"{name}_after" for name in STORED]
    plain = told[columns].astype(object).where(told[columns].notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _result_rows(changed: pd.DataFrame, now: datetime) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [derive_id("prediction_result", prediction) for prediction in changed["prediction_id"]],
            "prediction_id": changed["prediction_id"],
            **{name: changed[name] for name in STORED},
            "graded_at": pd.Timestamp(now),
        }
    )
