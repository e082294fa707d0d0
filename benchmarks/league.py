"""What is measured on: a simulated league in a throw-away embedded database, with models in production."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from aipro_ml.config import Settings, TrainingConfig, training_config
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs import database
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.importing import League, import_synthetic
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, train

SEASONS, GAMES_A_SEASON, QUOTES_A_GAME_AND_BOOK = 6, 285, 36
LAST_SEASON = 2025
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CANDIDATE = "lightgbm_small"


@dataclass(frozen=True)
class Bench:
    """The prepared database and the facts in it; `training_seconds` by bet type, as `train` took them."""

    settings: Settings
    engine: Engine
    league: Sport
    records: Records
    rounds: int
    training_seconds: dict[BetType, float]

    @property
    def odds_rows(self) -> int:
        """Return how many quotes the league has."""
        return len(self.records.odds)


@contextmanager
def prepared(rows: int, rounds: int) -> Iterator[Bench]:
    """Yield a database with about `rows` quotes of six simulated seasons, deleted at the end.

    One LightGBM a bet type is trained on the seasons before the last, calibrated and put into production.
    """
    home = Path(tempfile.mkdtemp(prefix="aipro-bench-"))
    home.chmod(0o755)  # the embedded server does not run as root
    settings = Settings(home=home, artifacts=home / "artifacts", database_url=None, log_level="error")
    try:
        books = max(1, min(20, round(rows / (SEASONS * GAMES_A_SEASON * QUOTES_A_GAME_AND_BOOK))))
        import_synthetic(settings, League("NFL", SEASONS, books, seed=11), ImportOptions(NOW))
        with database.opened(settings) as engine:
            league = sport("SIM-NFL")
            seconds = {bet_type: _in_production(engine, settings, bet_type) for bet_type in league.bet_types}
            with engine.connect() as connection:
                records = load_records(connection, league.code)
            yield Bench(settings, engine, league, records, rounds, seconds)
    finally:
        database.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


def candidate_config(bet_type: BetType) -> TrainingConfig:
    """Return the shipped configuration with only the small LightGBM of one bet type."""
    shipped = training_config()
    one = tuple(model for model in shipped.models[bet_type] if model.name == CANDIDATE)
    return shipped.model_copy(update={"models": {bet_type: one}, "min_train_seasons": 1})


def _in_production(engine: Engine, settings: Settings, bet_type: BetType) -> float:
    request = TrainingRequest("SIM-NFL", bet_type, candidate_config(bet_type), NOW, LAST_SEASON - 2, LAST_SEASON - 1)
    start = time.perf_counter()
    (model,) = train(engine, settings, request).models
    seconds = time.perf_counter() - start
    calibrate(engine, settings, str(model.model_id), CalibrationMethod.AUTO, NOW)
    promote(engine, settings, str(model.model_id), Decision("to be measured", "benchmarks", NOW))
    return seconds
