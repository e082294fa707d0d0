"""What is measured on: simulated leagues in a throw-away embedded database, with models in production."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
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
from benchmarks.market import QUOTES_A_GAME, LongLeague, Places, add_night, fill

SEASONS, BOOKS = 6, 2
LAST_SEASON = 2025
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CROWDED_DAY, CROWDED_GAMES = pd.Timestamp("2026-02-25 12:00", tz="UTC"), 300
CANDIDATE = "lightgbm_small"
LONGEST, SHORTER = "NBA", ("NHL", "MLB")
"""Sports that lend their codes to the long leagues; the longest is also predicted and needs its views."""


@dataclass(frozen=True)
class Bench:
    """The prepared database and the facts of its small league; `longs` are the long leagues, shortest first.

    `training_seconds` by bet type, as `train` took them.
    """

    settings: Settings
    engine: Engine
    league: Sport
    records: Records
    rounds: int
    training_seconds: dict[BetType, float]
    longs: Sequence[LongLeague]

    @property
    def longest(self) -> LongLeague:
        """Return the league with the most quotes."""
        return self.longs[-1]


def settings_of(home: Path) -> Settings:
    """Return the settings of the throw-away installation in `home`."""
    return Settings(
        home=home, artifacts=home / "artifacts", database_url=None, log_level="error", statement_timeout_s=3600
    )


@contextmanager
def prepared(rows: Sequence[int], rounds: int) -> Iterator[Bench]:
    """Yield a database with a long league of each of these numbers of quotes, deleted at the end.

    Beside them six small seasons: one LightGBM a bet type is trained on those before the last, calibrated and
    put into production, and a day of 300 open games waits for it.
    """
    home = Path(tempfile.mkdtemp(prefix="aipro-bench-"))
    home.chmod(0o755)  # the embedded server does not run as root
    settings = settings_of(home)
    try:
        longs = _long_leagues(settings, sorted(rows))
        import_synthetic(settings, League("NFL", SEASONS, BOOKS, seed=11), ImportOptions(NOW))
        with database.opened(settings) as engine:
            league = sport("SIM-NFL")
            seconds = {bet_type: _in_production(engine, settings, bet_type) for bet_type in league.bet_types}
            with engine.begin() as connection:
                add_night(connection, _places(connection), CROWDED_DAY, CROWDED_GAMES)
            with engine.connect() as connection:
                records = load_records(connection, league.code)
            yield Bench(settings, engine, league, records, rounds, seconds, longs)
    finally:
        database.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


def candidate_config(bet_type: BetType) -> TrainingConfig:
    """Return the shipped configuration with only the small LightGBM of one bet type."""
    shipped = training_config()
    one = tuple(model for model in shipped.models[bet_type] if model.name == CANDIDATE)
    return shipped.model_copy(update={"models": {bet_type: one}, "min_train_seasons": 1})


def _long_leagues(settings: Settings, rows: Sequence[int]) -> list[LongLeague]:
    codes = [*SHORTER[: len(rows) - 1], LONGEST]
    games = {code: max(quotes // QUOTES_A_GAME, 1) for code, quotes in zip(codes, rows, strict=True)}
    with database.opened(settings, "owner") as owner, owner.begin() as connection:
        return fill(connection, games)


def _places(connection: sa.Connection) -> Places:
    """Return teams and grounds of the small league, as the database has them."""
    sql = "SELECT id FROM sports WHERE code = 'SIM-NFL'"
    sport_id = connection.exec_driver_sql(sql).scalar_one()
    season = sa.text("SELECT id FROM seasons WHERE sport_id = :sport AND year = :year")
    teams = sa.text("SELECT id FROM teams WHERE sport_id = :sport ORDER BY id")
    venues = sa.text("SELECT DISTINCT venue_id FROM games WHERE sport_id = :sport AND venue_id IS NOT NULL ORDER BY 1")
    of = {"sport": sport_id}
    return Places(
        sport_id,
        connection.execute(season, {**of, "year": LAST_SEASON}).scalar_one(),
        list(connection.execute(teams, of).scalars()),
        list(connection.execute(venues, of).scalars()),
    )


def _in_production(engine: Engine, settings: Settings, bet_type: BetType) -> float:
    request = TrainingRequest("SIM-NFL", bet_type, candidate_config(bet_type), NOW, LAST_SEASON - 2, LAST_SEASON - 1)
    start = time.perf_counter()
    (model,) = train(engine, settings, request).models
    seconds = time.perf_counter() - start
    calibrate(engine, settings, str(model.model_id), CalibrationMethod.AUTO, NOW)
    promote(engine, settings, str(model.model_id), Decision("to be measured", "benchmarks", NOW, force=True))
    return seconds
