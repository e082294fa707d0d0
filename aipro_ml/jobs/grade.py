"""Grading: every prediction on the line and price it took, by what is known of its game now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.db.repositories import grades, odds, reference
from aipro_ml.evaluation.grading import Accounting, Grading, grade
from aipro_ml.features.history import History
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.jobs.facts import load_records

COMPARED = ("actual_result", "profit_loss", "clv", "closing_line")


@dataclass(frozen=True)
class GradeReport:
    """Where every prediction of the sport stands, and what this call wrote."""

    accounting: Accounting
    inserted: int
    regraded: int
    rows: pd.DataFrame


def grade_sport(engine: Engine, code: str, now: datetime, *, dry_run: bool = False) -> GradeReport:
    """Grade every prediction of the sport; a grade that a correction changed is replaced, the old one kept.

    The grade of a game that is not final any more goes the same way. Grading again without news writes nothing.
    """
    league = sport(code)
    with unit(engine, dry_run=dry_run) as connection:
        reference.sport_id(connection, league.code)
        found = grades.predictions_to_grade(connection, league.code)
        if found.empty:
            return GradeReport(Accounting(0, 0, 0, 0), 0, 0, found)
        closing = odds.closing_of(connection, sorted(found["game_id"].unique()))
        history = History(load_records(connection, league.code))
        gradings = [_grade_season(history, league, part, closing) for _, part in found.groupby("season", sort=True)]
        graded = pd.concat([one.grades for one in gradings], ignore_index=True)
        changed = _changed(found, graded)
        withdrawn = _withdrawn(found, graded)
        superseded = [*_spoken(changed[changed["graded_at"].notna()]), *_spoken(withdrawn)]
        if superseded:
            grades.keep_superseded(connection, superseded, now)
            grades.withdraw_results(connection, withdrawn["prediction_id"].tolist())
        count = grades.save_results(connection, _result_rows(changed, now))
    rows = found.drop(columns=[*COMPARED, "graded_at"]).merge(graded, on="prediction_id", how="inner")
    return GradeReport(_sum([one.accounting for one in gradings]), count.inserted, len(superseded), rows)


def _grade_season(history: History, league: Sport, part: pd.DataFrame, closing: pd.DataFrame) -> Grading:
    games = part.drop_duplicates("game_id").set_index("game_id")[["status", "home_score", "away_score"]]
    distributions = distributions_before(history, league, int(part["season"].iloc[0]))
    return grade(part, games, closing, distributions, league.config.devig, three_way=league.config.three_way)


def _changed(found: pd.DataFrame, graded: pd.DataFrame) -> pd.DataFrame:
    """Return grades that are new or differ from the stored ones (whose values come with suffix `_before`)."""
    stored = found[["prediction_id", *COMPARED, "graded_at"]].set_index("prediction_id")
    before = stored.reindex(graded["prediction_id"]).reset_index(drop=True)
    same = before["graded_at"].notna()
    for name in COMPARED:
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
    return found.loc[gone].rename(columns={name: f"{name}_before" for name in COMPARED})


def _spoken(superseded: pd.DataFrame) -> list[dict[str, object]]:
    columns = ["prediction_id", *(f"{name}_before" for name in COMPARED)]
    plain = superseded[columns].astype(object).where(superseded[columns].notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _result_rows(changed: pd.DataFrame, now: datetime) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [derive_id("prediction_result", prediction) for prediction in changed["prediction_id"]],
            "prediction_id": changed["prediction_id"],
            **{name: changed[name] for name in COMPARED},
            "graded_at": pd.Timestamp(now),
        }
    )


def _sum(parts: Sequence[Accounting]) -> Accounting:
    return Accounting(
        graded=sum(part.graded for part in parts),
        pending=sum(part.pending for part in parts),
        void=sum(part.void for part in parts),
        ungradeable=sum(part.ungradeable for part in parts),
    )
