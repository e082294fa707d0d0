"""Grades told: which predictions have none yet and why, and what a correction made of those that had one."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.betting.settlement import SettlementRules
from aipro_ml.db.repositories import games, grades, reference
from aipro_ml.enums import GameStatus
from aipro_ml.errors import UsageError
from aipro_ml.features.history import History
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.grade import GradeReport, grade_sport
from aipro_ml.jobs.grading import STORED, Graded, grade_predictions
from aipro_ml.jobs.inspection import find_game

_TOLD = ("at", "kickoff", "game", "bet_type", "side", "line", "price")


@dataclass(frozen=True)
class Ungraded:
    """The predictions without a grade, one row each with `why`, and where all of the sport's predictions stand."""

    rows: list[dict[str, Any]]
    report: GradeReport


@dataclass(frozen=True)
class Regraded:
    """What grading again changed or would change, and every change the games' grades have gone through."""

    report: GradeReport
    history: list[dict[str, Any]]


def pending(engine: Engine, code: str, now: datetime) -> Ungraded:
    """Return the predictions of the sport that have no grade, by kick-off: pending, void or ungradeable, and why."""
    league = sport(code)
    with engine.connect() as connection:
        graded = grade_predictions(connection, league)
        names = _game_names(connection, league)
    report = GradeReport(graded.accounting, 0, 0, graded.predictions)
    if graded.predictions.empty:
        return Ungraded([], report)
    found = graded.predictions.assign(standing=graded.standing.reindex(graded.predictions["prediction_id"]).to_numpy())
    open_ = found.loc[found["standing"] != "graded"].sort_values(["kickoff", "seq"], kind="stable")
    rules = SettlementRules.of(league.config)
    rows = [
        {
            "kickoff": row["kickoff"],
            "game": names.get(row["game_id"], row["game_id"][:8]),
            "bet_type": row["bet_type"],
            "side": row["predicted_side"],
            "line": row["line_at_prediction"],
            "prediction": row["prediction_id"][:8],
            "standing": row["standing"],
            "why": _why(row, rules, now),
        }
        for row in open_.to_dict("records")
    ]
    return Ungraded(rows, report)


def regrade(
    engine: Engine, code: str, now: datetime, chosen: tuple[str | None, datetime | None], *, dry_run: bool = False
) -> Regraded:
    """Grade the predictions of one game, or of the games since a moment, again; return the changes of their grades.

    `chosen`: a game as `find_game` reads it, and the earliest kick-off; UsageError where both or neither are said. The
    superseded grades come from the audit log, those this call would supersede included.
    """
    game, since = chosen
    if (game is None) == (since is None):
        raise UsageError("say which games to grade again: --game or --since")
    league = sport(code)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        wanted = _games(connection, league, game, since)
        before = grade_predictions(connection, league, wanted)
    report = grade_sport(engine, league.code, now, games=wanted, dry_run=dry_run)
    with engine.connect() as connection:
        told = grades.regrades(connection, before.predictions["prediction_id"].tolist())
        if dry_run:
            told = pd.concat([told, _not_written(report, now)], ignore_index=True)
        names = _game_names(connection, league)
    return Regraded(report, _history(before, told, names))


def _not_written(report: GradeReport, now: datetime) -> pd.DataFrame:
    rows = [(pd.Timestamp(now), change["prediction_id"], dict(change)) for change in report.superseded]
    return pd.DataFrame(rows, columns=["at", "prediction_id", "details"])


def _games(connection: Connection, league: Sport, game: str | None, since: datetime | None) -> list[str]:
    if game is not None:
        return [find_game(History(load_records(connection, league.code, odds_of=[])), league, game)]
    schedule = games.schedule(connection, league.code)
    return list(schedule.loc[schedule["kickoff"] >= pd.Timestamp(since), "game_id"])


def _game_names(connection: Connection, league: Sport) -> dict[str, str]:
    frame = games.schedule(connection, league.code)
    team = reference.team_names(connection, league.code)
    named = frame["away_team_id"].map(team) + "@" + frame["home_team_id"].map(team)
    return dict(zip(frame["game_id"], named, strict=True))


def _history(graded: Graded, told: pd.DataFrame, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return one row a superseded grade, oldest first: the bet, and result, profit and CLV before and after."""
    told = told.sort_values(["at", "prediction_id"], kind="stable")  # a dry run in the order of the log
    bets = graded.predictions.set_index("prediction_id").to_dict("index") if len(graded.predictions) else {}
    return [_told(entry, bets[entry["prediction_id"]], names) for entry in told.to_dict("records")]


def _told(entry: dict[Hashable, Any], bet: dict[Hashable, Any], names: dict[str, str]) -> dict[str, Any]:
    said = entry["details"]
    values = [
        entry["at"],
        bet["kickoff"],
        names.get(bet["game_id"], bet["game_id"][:8]),
        bet["bet_type"],
        bet["predicted_side"],
        bet["line_at_prediction"],
        bet["odds_at_prediction"],
    ]
    changes = {
        f"{name}_{moment}": said.get(f"{name}_{moment}") for name in STORED[:3] for moment in ("before", "after")
    }
    return dict(zip(_TOLD, values, strict=True)) | changes


def _why(row: dict[Hashable, Any], rules: SettlementRules, now: datetime) -> str:
    """Return in words why a prediction has no grade."""
    status, standing = str(row["status"]), row["standing"]
    if standing == "pending":
        if pd.Timestamp(row["kickoff"]) > pd.Timestamp(now):
            return "not played yet"
        return "in progress" if status == GameStatus.IN_PROGRESS.value else "no result stored"
    if standing == "void":
        off = status in (GameStatus.POSTPONED.value, GameStatus.CANCELLED.value)
        return status if off else f"moved by more than {rules.void_after_hours:g} hours"
    if pd.isna(row["line_at_prediction"]) and row["bet_type"] != "moneyline":
        return "no line"
    return "final without the score that counts"
