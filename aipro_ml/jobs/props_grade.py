"""Grading of player props: how each prediction ended by the box scores stored now; a changed one regrades."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml import metrics
from aipro_ml.betting.margin import devig
from aipro_ml.betting.settlement import profit_per_unit
from aipro_ml.db.repositories import grades, prop_predictions
from aipro_ml.db.repositories.prop_predictions import Asked
from aipro_ml.enums import BetResult, Selection
from aipro_ml.features.sport import sport
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.props_facts import PropsFacts, load_facts, pairs_of
from aipro_ml.props.frames import NO_BOX, outcomes
from aipro_ml.props.matching import PAIR
from aipro_ml.props.publishing import results, sides
from aipro_ml.times import iso_utc


@dataclass(frozen=True)
class PropsGrading:
    """Every prediction with its grade; how many changed now, how many of those had another, how many lack a box."""

    rows: pd.DataFrame
    changed: int
    regraded: int
    no_box: int

    @property
    def facts(self) -> dict[str, Any]:
        """Return the counts as one row; win + loss + push + void + pending = predictions."""
        told = self.rows["result"]
        counts = {result.value: int((told == result).sum()) for result in _ENDED}
        pending = {"pending": int(told.isna().sum()), "of_them_no_box": self.no_box}
        return {"predictions": len(told), **counts, **pending, "changed": self.changed, "regraded": self.regraded}


_ENDED = (BetResult.WIN, BetResult.LOSS, BetResult.PUSH, BetResult.VOID)


def grade_props(engine: Engine, code: str, actor: Actor, now: datetime, *, dry_run: bool = False) -> PropsGrading:
    """Grade the sport's props by the box scores stored now; the same again writes nothing.

    A grade that a corrected box changes goes into the audit log before it is replaced.
    """
    with unit(engine, dry_run=dry_run) as connection:
        grades.lock_grades(connection, sport(code).code)
        facts = load_facts(connection, code)
        stored = prop_predictions.stored_predictions(connection, facts.code)
        if stored.empty:
            return PropsGrading(stored, 0, 0, 0)
        graded = _graded(stored, facts)
        ended = graded["outcome"].notna()
        differs = ended & ((graded["outcome"] != graded["result"]) | _differ(graded["actual"], graded["actual_value"]))
        before = graded.loc[differs & graded["result"].notna()]
        _write_down(connection, actor, before, now)
        told = pd.DataFrame({"id": graded["id"], "actual_value": graded["actual"], "result": graded["outcome"]})
        told = told.assign(graded_at=pd.Timestamp(now)).loc[differs]
        changed = prop_predictions.save_grades(connection, told)
    rows = graded.assign(
        result=graded["outcome"].where(ended, graded["result"]),
        actual_value=graded["actual"].where(ended, graded["actual_value"]),
    )
    missing = int(((graded["state"] == NO_BOX) & rows["result"].isna()).sum())
    return PropsGrading(rows, changed, len(before), missing)


def performance(graded: pd.DataFrame, by: str) -> list[dict[str, Any]]:
    """Return a row for each value of `by` (prop, tier) and for all: results, profit of one unit each, and scores.

    Scores are of P(over | no push), beside the devigged prices of the row's own book where both are there.
    """
    ended = graded.loc[graded["result"].isin([result.value for result in _ENDED])]
    groups = [*((str(name), rows) for name, rows in ended.groupby(by, sort=True)), ("all", ended)]
    return [{by: name, **_row(rows)} for name, rows in groups if len(rows)]


def list_props(engine: Engine, code: str, asked: Asked) -> list[dict[str, Any]]:
    """Return published props with their side as rows for people, the latest kick-off first."""
    with engine.connect() as connection:
        rows = prop_predictions.listed(connection, sport(code).code, asked)
    names = ("over", "under", "over_price", "under_price")
    told = pd.DataFrame([{name: row[name] for name in names} for row in rows], columns=list(names), dtype="float64")
    return [_beside_tier(row, side) for row, side in zip(rows, sides(told), strict=True)]


def _beside_tier(row: dict[str, Any], side: str) -> dict[str, Any]:
    """Return the row with its side in front of the tier."""
    place = list(row).index("tier")
    items = list(row.items())
    return dict([*items[:place], ("side", side), *items[place:]])


def _graded(stored: pd.DataFrame, facts: PropsFacts) -> pd.DataFrame:
    """Return the predictions with box_id, side, actual, state and outcome."""
    matched = _pairs(stored, facts)
    rows = stored.join(matched, on=[*PAIR, "as_of"])
    told = outcomes(rows, facts.past, facts.config)
    rows = rows.assign(actual=told["actual"], state=told["state"], side=sides(rows))
    return rows.assign(outcome=results(rows))


def _pairs(stored: pd.DataFrame, facts: PropsFacts) -> pd.DataFrame:
    """Return box_id and team_id by PAIR and as_of: a pair is found by what was known at each decision."""
    parts = [pairs_of(rows, facts).assign(as_of=as_of) for as_of, rows in stored.groupby("as_of", sort=True)]
    return pd.concat(parts, ignore_index=True).set_index([*PAIR, "as_of"])[["box_id", "team_id"]]


def _differ(new: pd.Series, old: pd.Series) -> pd.Series:
    return (new != old) & ~(new.isna() & old.isna())


def _write_down(connection: Connection, actor: Actor, before: pd.DataFrame, now: datetime) -> None:
    for row in before.itertuples():
        details = {"result": row.result, "actual": row.actual_value, "graded_at": iso_utc(row.graded_at)}
        write_down(connection, actor, "props.regrade", ("fact_player_props", row.id), details, now)


def _row(rows: pd.DataFrame) -> dict[str, Any]:
    counts = {result.value: int((rows["result"] == result).sum()) for result in _ENDED}
    price = rows["over_price"].where(rows["side"] == Selection.OVER, rows["under_price"])
    profit = profit_per_unit(rows["result"].to_numpy(object), price.to_numpy("float64"))
    staked = (price.notna() & (rows["result"] != BetResult.VOID)).to_numpy()
    units = float(profit[staked].sum()) if staked.any() else float("nan")
    roi = units / int(staked.sum()) if staked.any() else float("nan")
    return {**counts, "profit": units, "roi": roi, **_scores(rows)}


def _scores(rows: pd.DataFrame) -> dict[str, float]:
    """Return the scores of the settled rows whose market prices both sides; where none does, of all without market."""
    settled = rows.loc[rows["actual_value"].notna() & (rows["actual_value"] != rows["line"])]
    fair = devig(settled[["over_price", "under_price"]].to_numpy("float64")).probabilities[:, 0]
    both = np.isfinite(fair)
    scored = settled.loc[both] if both.any() else settled
    y = (scored["actual_value"] > scored["line"]).to_numpy("float64")
    said = {"": (scored["over"] / (scored["over"] + scored["under"])).to_numpy("float64")}
    if both.any():
        said["market_"] = fair[both]
    scores = dict.fromkeys(("log_loss", "brier", "market_log_loss", "market_brier"), float("nan"))
    for name, p in said.items():
        if len(y):
            scores |= {f"{name}log_loss": metrics.log_loss(p, y), f"{name}brier": metrics.brier(p, y)}
    return {"scored": len(y), **scores}
