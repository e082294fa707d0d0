"""Training: load what was known, fit walk-forward, compare with the baselines, save model and run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
from sqlalchemy import Engine

from aipro_ml import __version__
from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import ModelConfig, Settings, TrainingConfig
from aipro_ml.db.repositories import models, reference
from aipro_ml.enums import BetType, RunStatus
from aipro_ml.errors import AiproError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import content_hash, derive_id
from aipro_ml.jobs.datasets import save_snapshot
from aipro_ml.jobs.matrices import Decision, columns_of, load_matrix
from aipro_ml.jobs.vectors import store_feature_set
from aipro_ml.training.artifacts import ModelArtifact, artifact_hash, verify, write_artifact
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, LeaderboardRow, baseline_entries, leaderboard
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import Folds, trainable, walk_forward
from aipro_ml.training.walkforward import out_of_fold

log = logging.getLogger(__name__)

LEAK_WARNING, LEAK_ALARM = 2.0, 3.0
"""Standard errors by which a model may not beat the market before it counts as a suspected leak (methods §9)."""

ABANDONED_AFTER_S = 6 * 3600


@dataclass(frozen=True)
class TrainingRequest:
    """What to train: one sport and bet type, the candidates of a configuration, the seasons to test on.

    `clock` tells when a run ended; without it the run ends at `now`.
    """

    sport: str
    bet_type: BetType
    config: TrainingConfig
    now: datetime
    test_from: int | None = None
    test_to: int | None = None
    decision_minutes: int | None = None
    clock: Callable[[], datetime] | None = None

    def ended(self) -> datetime:
        """Return the time a run that ends here ended."""
        return self.now if self.clock is None else self.clock()


@dataclass(frozen=True)
class TrainedRow:
    """A candidate that was trained and stored."""

    model_id: UUID
    run_id: UUID
    name: str
    framework: str
    folder: Path
    is_new: bool


@dataclass(frozen=True)
class TrainingReport:
    """The leaderboard (one row a model or baseline) and the models behind it."""

    sport: str
    bet_type: BetType
    leaderboard: Sequence[LeaderboardRow]
    models: tuple[TrainedRow, ...]
    data_hash: str
    tracking_problem: str | None = None


@dataclass(frozen=True)
class _Workbench:
    """Everything one training shares between its candidates."""

    settings: Settings
    request: TrainingRequest
    league: Sport
    matrix: FeatureMatrix
    folds: Folds
    decision: Decision


@dataclass(frozen=True)
class _Fitted:
    config: ModelConfig
    run_id: UUID
    artifact: ModelArtifact
    oof: pd.DataFrame
    matrix: FeatureMatrix


def train(
    engine: Engine,
    settings: Settings,
    request: TrainingRequest,
    on_fold: Callable[[int, int], None] = lambda _done, _total: None,
) -> TrainingReport:
    """Train every candidate of the request on the same folds and store models, runs, importances, artifacts.

    The same configuration, seed, data and code find the same model again. A candidate that fails leaves its run,
    and those of the candidates before it, `failed` with the error, which is raised; what was stored stays.
    """
    with engine.begin() as connection:
        models.fail_abandoned(connection, request.now, ABANDONED_AFTER_S)
    bench = _prepare(engine, settings, request)
    configs = request.config.models.get(request.bet_type, ())
    if not configs:
        raise AiproError(f"the training configuration names no models for {request.bet_type}")
    folds, total = len(bench.folds), len(configs) * len(bench.folds)
    fitted: list[_Fitted] = []
    runs: list[UUID] = []
    with _failed_on_error(engine, request, runs):
        for number, config in enumerate(configs):

            def tick(done: int, _: int, before: int = number * folds) -> None:
                on_fold(before + done, total)

            runs.append(_start(engine, bench, config))
            fitted.append(_fit(bench, config, runs[-1], tick))
        board = _leaderboard(bench, fitted)
        rows = tuple(_save(engine, bench, one, board) for one in fitted)
    problem = _track(bench, fitted, rows, board)
    return TrainingReport(request.sport, request.bet_type, board, rows, bench.matrix.sha256, problem)


def plan(engine: Engine, settings: Settings, request: TrainingRequest) -> list[dict[str, Any]]:
    """Return what `train` would fit, one row a test season with its row counts; write nothing."""
    bench = _prepare(engine, settings, request)
    names = ", ".join(config.name for config in request.config.models.get(request.bet_type, ()))
    return [
        {"test season": fold.season, "train rows": len(fold.train), "test rows": len(fold.test), "candidates": names}
        for fold in bench.folds
    ]


def _prepare(engine: Engine, settings: Settings, request: TrainingRequest) -> _Workbench:
    league = sport(request.sport)
    decision = Decision(request.decision_minutes or league.config.decision_minutes)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        matrix = load_matrix(connection, league, request.bet_type, decision)
    if request.test_to is not None:
        matrix = matrix.take(matrix.meta["season"].to_numpy("int64") <= request.test_to)
    folds = walk_forward(
        matrix,
        test_from=request.test_from,
        test_to=request.test_to,
        train_from=_train_from(request, league, matrix),
        min_train_seasons=request.config.min_train_seasons,
    )
    return _Workbench(settings, request, league, matrix, folds, decision)


def _train_from(request: TrainingRequest, league: Sport, matrix: FeatureMatrix) -> int:
    """Return the first training season: as configured, else after the seasons that only warm ratings up."""
    if request.config.train_from is not None:
        return request.config.train_from
    return int(matrix.meta["season"].min()) + league.config.burn_in_seasons


@contextmanager
def _failed_on_error(engine: Engine, request: TrainingRequest, runs: Sequence[UUID]) -> Iterator[None]:
    """Mark those of `runs` failed that an error, or a person's Ctrl-C, left running; the error goes on."""
    try:
        yield
    except BaseException as error:
        with engine.begin() as connection:
            models.fail_running(connection, runs, error, request.ended())
        raise


def _start(engine: Engine, bench: _Workbench, config: ModelConfig) -> UUID:
    run_id = uuid4()
    with engine.begin() as connection:
        models.start_run(connection, run_id, _parameters(bench, config), bench.request.now)
    return run_id


def _fit(bench: _Workbench, config: ModelConfig, run_id: UUID, on_fold: Callable[[int, int], None]) -> _Fitted:
    """Fit a candidate on every fold and on everything."""
    request = bench.request
    matrix = bench.matrix.select(columns_of(bench.league, config.features))
    rule = MarketRule(bench.league.config.moneyline)
    made = candidate(config, request.bet_type, request.config.seed, rule)
    oof = out_of_fold(made, matrix, bench.folds, on_fold)
    rows = trainable(matrix, _train_from(request, bench.league, matrix))
    final = made.fit(matrix.take(rows))
    through = pd.Timestamp(matrix.meta["result_known_at"].iloc[rows].max())
    facts = {"trained_through": through.isoformat(), "trained_rows": len(rows)}
    artifact = ModelArtifact(final, oof, facts, _identity(bench, config, matrix))
    return _Fitted(config, run_id, artifact, oof, matrix)


def _parameters(bench: _Workbench, config: ModelConfig) -> dict[str, Any]:
    return {
        **config.model_dump(mode="json"),
        "seed": bench.request.config.seed,
        "test_seasons": list(bench.folds.seasons),
        "decision_minutes": bench.decision.minutes,
    }


def _identity(bench: _Workbench, config: ModelConfig, matrix: FeatureMatrix) -> dict[str, Any]:
    """Return everything a model's identity derives from."""
    return {
        "sport": bench.league.code,
        "bet_type": bench.request.bet_type.value,
        "config": config.model_dump(mode="json"),
        "seed": bench.request.config.seed,
        "data_hash": matrix.sha256,
        "feature_set": bench.league.version(matrix.feature_names),
        "code_version": __version__,
        "decision_minutes": bench.decision.minutes,
        "test_seasons": list(bench.folds.seasons),
    }


def _leaderboard(bench: _Workbench, fitted: Sequence[_Fitted]) -> tuple[LeaderboardRow, ...]:
    entries = baseline_entries(baselines(bench.matrix, bench.folds, bench.request.bet_type))
    entries += [Entry(one.config.name, one.config.framework, one.oof) for one in fitted]
    return leaderboard(entries, bench.request.config.seed)


def _save(engine: Engine, bench: _Workbench, one: _Fitted, board: Sequence[LeaderboardRow]) -> TrainedRow:
    """Write artifact, model, run and importances; the artifact of a model trained before is kept if it is whole."""
    request, identity = bench.request, dict(one.artifact.config)
    model_id = derive_id("ml_model", content_hash(identity))
    folder = bench.settings.artifacts_dir / bench.league.code / request.bet_type / str(model_id)
    digest = _written(folder, one.artifact)
    figures = next(row.fields for row in board if row.name == one.config.name)
    metrics = {
        **one.artifact.metrics,
        "name": one.config.name,
        "leaderboard": figures,
        "leak": _leak_alarm(figures),
        "artifact_hash": digest,
        "identity": identity,
        "features": list(one.matrix.feature_names),
    }
    with engine.begin() as connection:
        set_id = store_feature_set(connection, bench.league, request.bet_type, one.matrix.feature_names, request.now)
        save_snapshot(connection, bench.settings, set_id, one.matrix, request.now)
        is_new = models.save_model(
            connection,
            {
                "id": model_id,
                "sport_id": derive_id("sport", bench.league.code),
                "bet_type": request.bet_type,
                "framework": one.config.framework,
                "version": f"{__version__}+{one.config.name}.{content_hash(identity)[:8]}",
                "file_path": folder.relative_to(bench.settings.artifacts_dir).as_posix(),
                "is_production": False,
                "performance_metrics": metrics,
                "created_at": request.now,
            },
        )
        models.save_importance(connection, model_id, one.artifact.model.feature_importance())
        models.finish_run(
            connection,
            one.run_id,
            {
                "status": RunStatus.COMPLETED,
                "completed_at": request.ended(),
                "model_id": model_id,
                "validation_metrics": figures,
                "training_data_hash": one.matrix.sha256,
            },
        )
    return TrainedRow(model_id, one.run_id, one.config.name, one.config.framework, folder, is_new)


def _written(folder: Path, artifact: ModelArtifact) -> str:
    try:
        verify(folder)
    except AiproError:
        return write_artifact(folder, artifact)
    return artifact_hash(folder)


def _leak_alarm(figures: Mapping[str, Any]) -> str | None:
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
    bench: _Workbench, fitted: Sequence[_Fitted], rows: Sequence[TrainedRow], board: Sequence[LeaderboardRow]
) -> str | None:
    """Log each model to MLflow; the database is written already, so an outage is only reported."""
    from aipro_ml.jobs.track import track_model

    try:
        for one, row in zip(fitted, rows, strict=True):
            track_model(bench.settings, asdict(row), one.artifact, one.matrix, board)
    except AiproError as error:
        log.warning("MLflow was not written", extra={"reason": str(error)})
        return str(error)
    return None
