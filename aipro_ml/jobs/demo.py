"""The demo: the whole way once, from an import to a graded night and a report, on simulated or real games."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings, training_config
from aipro_ml.db.repositories import games, models
from aipro_ml.db.repositories.predictions import list_predictions
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import AiproError
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.calibrate import CalibrationReport, calibrate
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.importing import League, import_nflverse, import_synthetic
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.matrices import BuildOptions, build_features
from aipro_ml.jobs.performance import update_performance
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.promote import Decision, PromotionRefusedError, best_model, promote
from aipro_ml.jobs.report import write_demo_report
from aipro_ml.jobs.sync import aliases_problem
from aipro_ml.jobs.train import TrainingReport, TrainingRequest, train
from aipro_ml.jobs.warehouse import refresh

LEAGUE = League(sport="NFL", seasons=10, books=4, seed=3)
TEST_SEASONS = 4
NIGHTS_WEEKS = 4
"""The demo tests on so many seasons before the last, and back-fills so many weeks of the last."""


class Tick(Protocol):
    """Advances a progress bar."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are finished."""
        ...


class Narrator(Protocol):
    """How the demo tells what it does."""

    def stage(self, title: str) -> AbstractContextManager[Tick]:
        """Announce a stage and show its progress while the block runs."""
        ...

    def rows(self, rows: Sequence[Mapping[str, object]], title: str) -> None:
        """Show a table."""
        ...

    def line(self, text: str) -> None:
        """Show a line."""
        ...


@dataclass(frozen=True)
class DemoResult:
    """Where the demo's report is, and which sport it left in the database."""

    sport: str
    report: Path


@dataclass(frozen=True)
class _Stage:
    """What every step of the demo works with."""

    engine: Engine
    settings: Settings
    league: Sport
    now: datetime
    tell: Narrator


@dataclass(frozen=True)
class _Plan:
    """Which seasons are learned from, and which weeks of the last one are played through."""

    last: int
    weeks: tuple[int, ...]
    slate_week: int


def run_demo(settings: Settings, data: str | None, now: datetime, tell: Narrator) -> DemoResult:
    """Import (a simulated league, or the nflverse file at `data`), train, calibrate, predict, grade, report."""
    with tell.stage("import") as tick:
        options = ImportOptions(now, on_step=tick)
        report = (
            import_synthetic(settings, LEAGUE, options) if data is None else import_nflverse(settings, data, options)
        )
    league = sport(report.sport)
    tell.line(f"{report.games_read} games and {report.quotes} new quotes of {league.name} ({report.rejected} rejected)")
    with opened(settings) as engine:
        return _play(_Stage(engine, settings, league, now, tell))


def _play(on: _Stage) -> DemoResult:
    with on.engine.connect() as connection:
        plan = _plan(games.schedule(connection, on.league.code))
    with on.tell.stage("features") as tick:
        built = build_features(on.engine, on.league.code, on.league.bet_types, BuildOptions(on.now), tick)
    on.tell.line(f"{built[0].rows} games × {built[0].features} features, each as known before its kick-off")
    trained = [_model(on, bet_type, plan) for bet_type in on.league.bet_types]
    slate, nights = _predict(on, plan)
    graded = grade_sport(on.engine, on.league.code, on.now)
    performance = update_performance(on.engine, on.league.code, on.now, backfilled=True)
    refresh(on.engine, on.now)
    on.tell.rows(_slate_rows(slate), title=f"{on.league.name}: week {plan.slate_week} of {plan.last}")
    by_tier = [_plain(row) for row in performance.summary.to_dict("records")]
    on.tell.rows(by_tier, title="graded nights by bet type and tier")
    place = write_demo_report(on.settings, on.league, trained, (slate, nights), performance)
    count = graded.accounting
    on.tell.line(f"{count.graded} graded, {count.pending} pending, {count.void} void, {count.ungradeable} ungradeable")
    return DemoResult(on.league.code, place)


def _plan(schedule: pd.DataFrame) -> _Plan:
    """Return the plan: the last season's last weeks are nights; its first open week, or its last, is the slate."""
    last = int(schedule["season"].max())
    season = schedule[schedule["season"] == last]
    open_weeks = sorted(season.loc[season["status"] == "scheduled", "week"].dropna().astype(int).unique())
    played = sorted(season.loc[season["status"] == "final", "week"].dropna().astype(int).unique())
    if not played:
        raise AiproError(f"season {last} has no played week: the demo needs one to grade")
    slate = int(open_weeks[0] if open_weeks else played[-1])
    nights = [int(week) for week in played if week < slate][-NIGHTS_WEEKS:]
    return _Plan(last, tuple(nights), slate)


def _model(on: _Stage, bet_type: BetType, plan: _Plan) -> tuple[TrainingReport, CalibrationReport]:
    """Train, calibrate and promote for one bet type, on seasons before the last only."""
    engine, settings, league, now, tell = on.engine, on.settings, on.league, on.now, on.tell
    request = TrainingRequest(league.code, bet_type, training_config(), now, plan.last - TEST_SEASONS, plan.last - 1)
    with tell.stage(f"train {bet_type}") as tick:
        board = train(engine, settings, request, tick)
    tell.rows(
        [row.fields for row in board.leaderboard],
        title=f"{bet_type}: walk-forward {request.test_from}-{request.test_to}",
    )
    if board.tracking_problem is not None:
        tell.line(f"MLflow was not written: {board.tracking_problem}")
    calibrated = {
        row.model_id: calibrate(engine, settings, str(row.model_id), CalibrationMethod.AUTO, now)
        for row in board.models
    }
    with engine.connect() as connection:
        trained = [model for model in models.list_models(connection, league.code, bet_type) if model.id in calibrated]
    best = best_model(trained, league.code, bet_type)
    if best is None:
        raise AiproError(f"no {bet_type} model may be promoted: each is suspected of a leak")
    gate = _promoted(on, best)
    chosen = calibrated[best.id]
    tell.line(
        f"{bet_type}: {best.name}, gate {gate}; calibration {chosen.choice.method}; published log-odds = "
        f"{chosen.blend.model_coef:.2f} · model + {chosen.blend.market_coef:.2f} · market"
    )
    return board, chosen


def _promoted(on: _Stage, best: models.StoredModel) -> str:
    """Ask the gate; a refusal leaves the production model of an earlier demo, and without one ends this demo."""
    decision = Decision("best walk-forward log loss of the demo", "demo", on.now)
    try:
        promote(on.engine, on.settings, str(best.id), decision)
    except PromotionRefusedError as refused:
        with on.engine.connect() as connection:
            if best.bet_type not in models.production_models(connection, best.sport):
                raise
        return refused.gate.sentence
    problem = aliases_problem(on.engine, on.settings, best.sport, best.bet_type)
    if problem is not None:
        on.tell.line(f"MLflow's aliases do not follow yet: {problem}")
    return "PROMOTE"


def _predict(on: _Stage, plan: _Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict the last nights and the slate; return the predictions of the slate and of the nights."""
    engine, settings, league, now, tell = on.engine, on.settings, on.league, on.now, on.tell
    published = abstained = 0
    with tell.stage("predict") as tick:
        for done, week in enumerate((*plan.weeks, plan.slate_week), start=1):
            request = PredictionRequest(league.code, now, season=plan.last, week=week)
            reports = predict(engine, settings, request)
            published += sum(report.published for report in reports)
            abstained += sum(sum(report.abstained.values()) for report in reports)
            tick(done, len(plan.weeks) + 1)
    tell.line(f"{published} predictions, {abstained} abstentions")
    with engine.connect() as connection:
        schedule = games.schedule(connection, league.code)
        season = schedule[schedule["season"] == plan.last].set_index("week")["kickoff"]
        slate = _listed(connection, league, season.loc[[plan.slate_week]])
        nights = _listed(connection, league, season[season.index.isin(plan.weeks)])
    return slate, nights


def _listed(connection: Connection, league: Sport, kickoffs: pd.Series) -> pd.DataFrame:
    """Return the predictions of the games with these kick-offs."""
    first, last = kickoffs.min().to_pydatetime(), kickoffs.max().to_pydatetime()
    return list_predictions(connection, league.code, first, last + pd.Timedelta(seconds=1))


def _slate_rows(slate: pd.DataFrame) -> list[dict[str, Any]]:
    shown = ["kickoff", "game", "bet_type", "side", "line", "price", "probability", "edge", "ev", "kelly", "tier"]
    return [_plain(row) for row in slate[shown].to_dict("records")]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
