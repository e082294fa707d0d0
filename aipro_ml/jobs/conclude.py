"""The end of a training: one leaderboard over what was stored, its figures in the database, its pages in MLflow."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.enums import Framework
from aipro_ml.errors import AiproError
from aipro_ml.jobs.matrices import columns_of
from aipro_ml.jobs.training_bench import Workbench
from aipro_ml.jobs.training_request import FailedRow, TrainedRow, TrainingReport
from aipro_ml.training.artifacts import read_metrics, read_oof
from aipro_ml.training.baselines import LOGISTIC, baselines
from aipro_ml.training.leaderboard import BASELINE, BLEND, MARKET, Entry, LeaderboardRow, baseline_entries, leaderboard
from aipro_ml.training.registry import candidate
from aipro_ml.training.stacking import market_blend
from aipro_ml.training.walkforward import out_of_fold

_LOGGER = logging.getLogger(__name__)

LEAK_WARNING, LEAK_ALARM = 2.0, 3.0
"""Standard errors by which a model may not beat the market before it counts as a suspected leak (methods §9)."""


def conclude(
    engine: Engine,
    settings: Settings,
    bench: Workbench,
    rows: Sequence[TrainedRow],
    failures: Sequence[FailedRow] = (),
) -> TrainingReport:
    """Return the report of a training whose candidates are all stored or failed.

    The leaderboard is computed from the stored artifacts, so that a resumed training ends as one never
    interrupted. A leaderboard that cannot be is the report's `problem`.
    """
    report = TrainingReport(
        bench.request.sport,
        bench.request.bet_type,
        (),
        tuple(rows),
        bench.matrix.sha256,
        failures=tuple(failures),
        training_id=bench.request.training_id,
    )
    try:
        blend, coefficients = _pools(rows)
        board = _leaderboard(bench, rows, blend)
    except AiproError as error:
        return replace(report, problem=error)
    report = replace(report, leaderboard=board, coefficients=coefficients)
    _save_figures(engine, rows, board)
    return replace(report, tracking_problem=_track(engine, settings, bench.request.training_id))


def _leaderboard(bench: Workbench, rows: Sequence[TrainedRow], blend: Sequence[Entry]) -> tuple[LeaderboardRow, ...]:
    entries = baseline_entries(baselines(bench.matrix, bench.folds, bench.request.bet_type))
    estimators = {task.model_id: task.config.estimator for task in bench.every}
    if LOGISTIC.estimator not in {estimators[row.model_id] for row in rows}:
        entries.append(_logistic(bench))
    entries += [*(Entry(row.name, row.framework, read_oof(row.folder)) for row in rows), *blend]
    return leaderboard(entries, bench.request.config.seed)


def _logistic(bench: Workbench) -> Entry:
    """Return the logistic regression every leaderboard has, where no candidate is one."""
    matrix = bench.matrix.select(columns_of(bench.league, LOGISTIC.features))
    rule = MarketRule(bench.league.config.moneyline)
    made = candidate(LOGISTIC, bench.request.bet_type, bench.request.config.seed, rule)
    return Entry(LOGISTIC.name, BASELINE, out_of_fold(made, matrix, bench.folds))


def _pools(rows: Sequence[TrainedRow]) -> tuple[list[Entry], tuple[Mapping[str, Any], ...]]:
    """Return the row `blend` of the stack and the market where there is one, and the coefficients of both."""
    found = next((row for row in rows if row.framework == Framework.ENSEMBLE), None)
    if found is None:
        return [], ()
    kept = read_metrics(found.folder)["coefficients"]
    told = [{"row": found.name, **{name: each[name] for name in ("of", "coefficient", "se", "n")}} for each in kept]
    blend = market_blend(read_oof(found.folder))
    if blend is None:
        return [], tuple(told)
    told += [{"row": BLEND, **each} for each in blend.pool.rows([found.name, MARKET])]
    return [Entry(BLEND, BASELINE, blend.oof)], tuple(told)


def _save_figures(engine: Engine, rows: Sequence[TrainedRow], board: Sequence[LeaderboardRow]) -> None:
    whole = [entry.fields for entry in board]
    with engine.begin() as connection:
        for row in sorted(rows, key=lambda row: row.model_id):  # in one order: trainings may share models
            figures = next(entry.fields for entry in board if entry.name == row.name)
            added = {"leaderboard": figures, "leak": leak_alarm(figures)}
            models.merge_metrics(connection, row.model_id, added)
            models.finish_run(connection, row.run_id, {"validation_metrics": {**figures, "board": whole}})


def leak_alarm(figures: Mapping[str, Any]) -> str | None:
    """Return `suspected_leak`, `warning` or None: how far the model beats the market, in standard errors."""
    delta, low, high = (figures.get(name) for name in ("delta_log_loss_vs_market", "ci_low", "ci_high"))
    if delta is None or low is None or high is None or high == low:
        return None
    standard_error = (high - low) / (2 * 1.96)
    strength, n = -delta / standard_error, int(figures["n"])
    if strength > LEAK_ALARM and n >= 500:
        return "suspected_leak"
    return "warning" if strength > LEAK_WARNING and n >= 200 else None


def _track(engine: Engine, settings: Settings, training_id: UUID) -> str | None:
    """Log the training to MLflow; the database is written already, so an outage is only reported."""
    from aipro_ml.jobs.track import track_training

    try:
        track_training(engine, settings, training_id)
    except AiproError as error:
        _LOGGER.warning("MLflow was not written", extra={"reason": str(error)})
        return str(error)
    return None
