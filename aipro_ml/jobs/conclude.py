"""The end of a training: one leaderboard over what was stored, its figures in the database, its pages in MLflow."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import models
from aipro_ml.errors import AiproError
from aipro_ml.jobs.training_bench import Workbench
from aipro_ml.jobs.training_request import FailedRow, TrainedRow, TrainingReport
from aipro_ml.training.artifacts import read_artifact, read_oof
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, LeaderboardRow, baseline_entries, leaderboard

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
        board = _leaderboard(bench, rows)
    except AiproError as error:
        return replace(report, problem=error)
    _save_figures(engine, rows, board)
    return replace(report, leaderboard=board, tracking_problem=_track(settings, bench, rows, board))


def _leaderboard(bench: Workbench, rows: Sequence[TrainedRow]) -> tuple[LeaderboardRow, ...]:
    entries = baseline_entries(baselines(bench.matrix, bench.folds, bench.request.bet_type))
    entries += [Entry(row.name, row.framework, read_oof(row.folder)) for row in rows]
    return leaderboard(entries, bench.request.config.seed)


def _save_figures(engine: Engine, rows: Sequence[TrainedRow], board: Sequence[LeaderboardRow]) -> None:
    with engine.begin() as connection:
        for row in rows:
            figures = next(entry.fields for entry in board if entry.name == row.name)
            added = {"leaderboard": figures, "leak": leak_alarm(figures)}
            models.merge_metrics(connection, row.model_id, added)
            models.finish_run(connection, row.run_id, {"validation_metrics": figures})


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


def _track(
    settings: Settings, bench: Workbench, rows: Sequence[TrainedRow], board: Sequence[LeaderboardRow]
) -> str | None:
    """Log each model to MLflow; the database is written already, so an outage is only reported."""
    from aipro_ml.jobs.track import track_model

    columns = {task.model_id: task.columns for task in bench.tasks}
    try:
        for row in rows:
            matrix = bench.matrix.select(columns[row.model_id])
            track_model(settings, asdict(row), read_artifact(row.folder), matrix, board)
    except AiproError as error:
        _LOGGER.warning("MLflow was not written", extra={"reason": str(error)})
        return str(error)
    return None
