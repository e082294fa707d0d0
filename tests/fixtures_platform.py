"""A small league that was imported, trained, calibrated and promoted once; each test gets a clone of its own.

The league is simulated: six seasons, two bookmakers, the last quote of each, and an open week (the 17th of 2025)
priced an hour before `NOW`, of which one game has no quotes and another only stale ones.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.config import ModelConfig, Settings, TrainingConfig
from aipro_ml.db.engine import open_database
from aipro_ml.enums import BetType, CalibrationMethod, GameStatus
from aipro_ml.identity import derive_id
from aipro_ml.jobs import track
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.matrices import BuildOptions, build_features
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.promote import Decision, promote
from aipro_ml.jobs.train import TrainingRequest, train
from aipro_ml.sources import synthetic
from aipro_ml.sources.base import SourceBatch
from tests.fixtures_database import Server

SPORT = "SIM-NFL"
NOW = datetime(2025, 12, 24, 12, tzinfo=UTC)
"""Before the open week kicks off."""

LATER = datetime(2025, 12, 31, 12, tzinfo=UTC)
"""After the open week was played."""

SEASON, OPEN_WEEK, PAST_WEEK = 2025, 17, 3
_WRITTEN = 'SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM "{name}"'
_KEY = ["game", "book", "market", "selection"]


def training(*models: ModelConfig) -> TrainingConfig:
    """Return a configuration that trains `models` (default: one logistic regression) for every bet type."""
    chosen = models or (LOGISTIC,)
    return TrainingConfig(models=dict.fromkeys(BetType, chosen))


LOGISTIC = ModelConfig(name="logistic", framework="sklearn", estimator="logistic_regression", params={"C": 0.01})


@dataclass
class Platform:
    """An installation with a database of its own."""

    settings: Settings

    @cached_property
    def engine(self) -> sa.Engine:
        """The application's engine."""
        return open_database(self.settings)

    def owner(self) -> sa.Engine:
        """Return an engine with the owner's rights; the caller disposes of it."""
        return open_database(self.settings, "owner")

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]

    def one(self, statement: str, **values: Any) -> Any:
        """Return the one value of a query."""
        with self.engine.connect() as connection:
            return connection.execute(sa.text(statement), values).scalar_one()

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Return (rows, the latest transaction that wrote one) of every table: any write at all changes it."""
        with self.engine.connect() as connection:
            names = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            return {name: tuple(connection.execute(sa.text(_WRITTEN.format(name=name))).one()) for name in names}

    def close(self) -> None:
        """Give the connections back."""
        if "engine" in vars(self):
            self.engine.dispose()


def stop_ledger_clock(platform: Platform, moment: datetime) -> None:
    """Let the ledger's guard take the server's clock to stand at `moment`: the league is played in another year."""
    engine = platform.owner()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql VOLATILE AS "
            f"$$ SELECT TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}' $$"
        )
    engine.dispose()


def open_game_ids(batch: SourceBatch) -> list[str]:
    """Return the database's ids of the games still to be played, in the batch's order."""
    open_games = batch.games.loc[batch.games["status"] == GameStatus.SCHEDULED, "game"]
    return [str(derive_id("game", SPORT, game)) for game in open_games]


def played(batch: SourceBatch) -> SourceBatch:
    """Return the batch as after the open week: every home team won 24 to 20."""
    games = batch.games
    ahead = games["status"] == GameStatus.SCHEDULED
    done = games.assign(
        status=games["status"].mask(ahead, GameStatus.FINAL.value),
        home_score=games["home_score"].mask(ahead, 24),
        away_score=games["away_score"].mask(ahead, 20),
    )
    return replace(batch, games=done)


def with_score(batch: SourceBatch, game: str, home: int, away: int) -> SourceBatch:
    """Return the batch with another final score of the game whose external id is `game`."""
    this = batch.games["external_id"] == game
    scores = {"home_score": home, "away_score": away}
    return replace(batch, games=batch.games.assign(**{n: batch.games[n].mask(this, v) for n, v in scores.items()}))


def load(platform: Platform, batch: SourceBatch, content: bytes, now: datetime = LATER) -> Any:
    """Import `batch`, said to be read from `content`."""
    return import_batch(platform.engine, platform.settings, batch, content=content, options=ImportOptions(now))


def open_week_request(**changed: Any) -> PredictionRequest:
    """Return the request for the open week, decided at `NOW`."""
    return replace(PredictionRequest(SPORT, NOW, season=SEASON, week=OPEN_WEEK, as_of=NOW), **changed)


def past_week_request(**changed: Any) -> PredictionRequest:
    """Return the request for a week long played."""
    return replace(PredictionRequest(SPORT, NOW, season=SEASON, week=PAST_WEEK), **changed)


@pytest.fixture(scope="session")
def league() -> SourceBatch:
    """The simulated league as imported."""
    batch = synthetic.generate("NFL", seasons=6, books=2, seed=3)
    quotes = batch.quotes.sort_values("recorded_at", kind="stable")
    quotes = quotes.loc[~quotes.duplicated(_KEY, keep="last")]
    ahead = list(batch.games.loc[batch.games["status"] == GameStatus.SCHEDULED, "game"])
    hour = pd.Timedelta(hours=1)
    now = pd.Timestamp(NOW).as_unit("us")
    seen = quotes["recorded_at"].mask(quotes["game"].isin(ahead), now - hour)
    seen = seen.mask(quotes["game"] == ahead[1], now - 30 * hour)
    quotes = quotes.assign(recorded_at=seen).loc[quotes["game"] != ahead[0]]
    return replace(batch, quotes=quotes.reset_index(drop=True))


@dataclass(frozen=True)
class Template:
    """A database nobody is connected to, to be cloned, and the artifacts its rows name."""

    database: str
    artifacts: Path


@pytest.fixture(scope="session")
def trained_template(
    server: Server, template: str, open_folder: Path, league: SourceBatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """The league imported, its features built, a model of each bet type trained, calibrated and promoted."""
    home = tmp_path_factory.mktemp("trained")
    with server.database(template) as name:
        platform = Platform(server.settings(home, name))
        stop_ledger_clock(platform, NOW)
        load(platform, league, b"league", NOW)
        build_features(platform.engine, SPORT, tuple(BetType), BuildOptions(NOW))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(track, "track_training", lambda *_: 0)  # MLflow has tests of its own, and begins slowly
            for bet_type in BetType:
                _model(platform, bet_type)
        platform.close()
        yield Template(name, platform.settings.artifacts_dir)


def _model(platform: Platform, bet_type: BetType) -> None:
    engine, settings = platform.engine, platform.settings
    report = train(engine, settings, TrainingRequest(SPORT, bet_type, training(), NOW, 2023, 2024))
    model = str(report.models[0].model_id)
    calibrate(engine, settings, model, CalibrationMethod.AUTO, NOW)
    promote(engine, settings, model, Decision("the only one", "tests", NOW))


@pytest.fixture(scope="session")
def published_template(
    server: Server, trained_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """The trained league with a played week back-filled and the open week published."""
    with server.database(trained_template.database) as name:
        settings = server.settings(tmp_path_factory.mktemp("published"), name)
        platform = Platform(settings.model_copy(update={"artifacts": trained_template.artifacts}))
        predict(platform.engine, platform.settings, past_week_request())
        predict(platform.engine, platform.settings, open_week_request())
        platform.close()
        yield Template(name, trained_template.artifacts)


def _clone(server: Server, template: Template, home: Path) -> Iterator[Platform]:
    with server.database(template.database) as name:
        settings = server.settings(home, name).model_copy(update={"artifacts": template.artifacts})
        platform = Platform(settings)
        yield platform
        platform.close()


@pytest.fixture
def trained(server: Server, trained_template: Template, tmp_path: Path) -> Iterator[Platform]:
    """A clone of the trained league."""
    yield from _clone(server, trained_template, tmp_path)


@pytest.fixture
def published(server: Server, published_template: Template, tmp_path: Path) -> Iterator[Platform]:
    """A clone of the trained league with its predictions."""
    yield from _clone(server, published_template, tmp_path)


@pytest.fixture
def own_artifacts(trained: Platform, tmp_path: Path) -> Platform:
    """The trained clone with artifacts of its own, to be damaged."""
    place = tmp_path / "artifacts"
    shutil.copytree(trained.settings.artifacts_dir, place)
    return Platform(trained.settings.model_copy(update={"artifacts": place}))


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep MLflow out of a training."""
    monkeypatch.setattr(track, "track_training", lambda *_: 0)
