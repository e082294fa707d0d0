"""The read API on a slate of predictions in a database of its own, and callers of every kind to ask it."""

import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import uvicorn

from aipro_ml.api.rest.app import create
from aipro_ml.config import Settings
from aipro_ml.db.engine import open_database
from aipro_ml.db.models.ml import MlModel, ModelPerformance
from aipro_ml.db.models.predictions import PlayerProp, ShapExplanation
from aipro_ml.db.models.sports import Player, Sport
from aipro_ml.db.models.system import SystemHealthSnapshot
from aipro_ml.db.models.warehouse import FactModelPromotion, FactPlayerProp, FactPrediction, FactPredictionRun
from aipro_ml.enums import BetResult, UserRole
from aipro_ml.identity import derive_id
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.bank import Request, open_bank
from aipro_ml.jobs.keys import KeyWish, add_key
from tests.fixtures_database import Server
from tests.jobs.people import add_user
from tests.jobs.slate import SPORT, Listed, set_grade, store_slate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette would rather have a newer httpx than is locked
    from starlette.testclient import TestClient

NOW = datetime(2030, 1, 4, 12, tzinfo=UTC)
"""The API's clock; the games kick off two days later, long after the server's own."""

KICKOFF = NOW + timedelta(days=2)
COUNT = 12
BY = Actor(login="tests")
MODEL, SHADOW = derive_id("slate model"), derive_id("shadow model")


@dataclass
class World:
    """An installation with predictions; `slate` in the order they were published, `shadows` of a model out of it."""

    settings: Settings
    engine: sa.Engine
    slate: list[Listed]
    shadows: list[Listed]
    client: TestClient
    ticks: list[float]
    now: datetime = NOW

    def later(self, seconds: float = 1.0) -> None:
        """Let so many seconds go by in what the API remembers by."""
        self.ticks[0] += seconds

    def key(self, role: UserRole = UserRole.USER, *permissions: str, **more: Any) -> str:
        """Return a key of a user of this role (the only one of it), with these permissions (none: all of the role)."""
        wanted = permissions or _ALL[role]
        issued = add_key(self.engine, KeyWish(email_of(role), "tests", wanted, **more), BY, NOW)
        return issued.text

    def get(self, path: str, key: str | None = None, **headers: str) -> Any:
        """Ask for a path with a key."""
        shown = {} if key is None else {"X-API-Key": key}
        return self.client.get(path, headers={**shown, **headers})

    def run(self, statement: str, **values: object) -> None:
        """Run a statement with the application's rights."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)


def email_of(role: UserRole) -> str:
    """Return the address of the user of a role."""
    return f"{role.value}@example.com"


_READS = ("predictions:read", "performance:read", "ledger:read", "bank:read", "bets:write")
_PRO = (*_READS, "models:read", "predictions:backfilled")
_ALL = {
    UserRole.USER: _READS,
    UserRole.PRO_USER: _PRO,
    UserRole.ADMIN: (*_PRO, "predictions:shadow", "health:read", "admin:*"),
}


@pytest.fixture(scope="session")
def api_template(server: Server, template: str, open_folder: Any) -> Iterator[tuple[str, list[Listed], list[Listed]]]:
    """A database with users, bankrolls and a slate, that nobody is connected to."""
    with server.database(template) as name:
        engine = open_database(server.settings(open_folder, name))
        with engine.begin() as connection:
            slates = _store(connection)
        for role in _ALL:
            open_bank(engine, Request(email_of(role), BY, NOW), Decimal(1000))
        engine.dispose()
        yield name, *slates


@pytest.fixture
def world(server: Server, api_template: tuple[str, list[Listed], list[Listed]], tmp_path: Any) -> Iterator[World]:
    """The API on a clone of it, asked in this process."""
    name, slate, shadows = api_template
    with server.database(name) as own:
        settings = server.settings(tmp_path, own)
        engine = open_database(settings)
        ticks = [0.0]
        app = create(settings, lambda: NOW, lambda: ticks[0])
        with TestClient(app, raise_server_exceptions=False) as client:
            yield World(settings, engine, slate, shadows, client, ticks)
        engine.dispose()


@pytest.fixture
def served(world: World) -> Iterator[str]:
    """The address of the same installation served by uvicorn, as `aipro api serve` serves it."""
    app = create(world.settings, lambda: NOW)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def _store(connection: sa.Connection) -> tuple[list[Listed], list[Listed]]:
    for role in _ALL:
        add_user(connection, email_of(role), NOW, role)
    sport = derive_id("sport", SPORT)
    connection.execute(sa.insert(Sport).values(id=sport, code=SPORT, name="Simulated", created_at=NOW))
    run = {"id": derive_id("slate run"), "sport_id": sport, "slot": NOW, "as_of": NOW, "mode": "live"}
    connection.execute(sa.insert(FactPredictionRun).values(**run, status="completed", started_at=NOW))
    shadow = {"sport_id": sport, "bet_type": "moneyline", "framework": "sklearn", "version": "1", "created_at": NOW}
    connection.execute(sa.insert(MlModel).values(id=SHADOW, **shadow))
    slate = store_slate(connection, COUNT, (NOW, KICKOFF))
    shadows = store_slate(connection, 2, (NOW, KICKOFF), "shadow", model_id=SHADOW)
    decided = {"sport_id": sport, "bet_type": "moneyline", "action": "promote", "verdict": "PROMOTE"}
    promotion = {"id": derive_id("promotion"), "model_id": MODEL, "decided_at": NOW - timedelta(hours=1)}
    connection.execute(sa.insert(FactModelPromotion).values(**decided, **promotion))
    connection.execute(sa.update(MlModel).where(MlModel.id == MODEL).values(is_production=True))
    for number, result in enumerate((BetResult.WIN, BetResult.LOSS, BetResult.PUSH)):
        set_grade(connection, slate[number], result, NOW)
    _store_beside(connection, slate)
    _store_props(connection, slate)
    return slate, shadows


def _store_beside(connection: sa.Connection, slate: list[Listed]) -> None:
    """Store explanations, days of performance and a health snapshot."""
    told = [("elo_prob", 0.44, 0.21, "positive"), ("rest_diff", None, -0.03, "negative")]
    names = ("feature_name", "feature_value", "shap_value", "impact_direction")
    connection.execute(
        sa.insert(ShapExplanation),
        [
            {
                "id": derive_id("shap", each.id, rank),
                "prediction_id": each.id,
                "rank": rank,
                **dict(zip(names, row, strict=True)),
            }
            for each in slate
            for rank, row in enumerate(told, start=1)
        ],
    )
    days = [
        {
            "id": derive_id("day", model, number),
            "model_id": model,
            "date": (NOW - timedelta(days=number)).date(),
            "log_loss": 0.6 + number / 100,
            "predictions_count": 14,
        }
        for model in (MODEL, SHADOW)
        for number in range(5)
    ]
    connection.execute(sa.insert(ModelPerformance), days)
    health = {"component": "disk", "status": "healthy", "metrics": {"says": "12.0 GiB free"}, "snapshot_at": NOW}
    connection.execute(sa.insert(SystemHealthSnapshot).values(id=derive_id("snapshot"), **health))


def _store_props(connection: sa.Connection, slate: list[Listed]) -> None:
    """Store three props that were published an hour apart: on a line, graded; a projection; after the kick-off."""
    player = derive_id("player")
    connection.execute(sa.insert(Player).values(id=player, name="A. Receiver", created_at=NOW))
    kinds = (
        {"line": 54.5, "tier": "A", "price": -110, "at": NOW, "end": ("win", 71.0, NOW)},
        {"line": None, "tier": "D", "price": None, "at": NOW + timedelta(hours=1), "end": (None, None, None)},
        {"line": 3.5, "tier": "A", "price": 120, "at": KICKOFF + timedelta(hours=1), "end": (None, None, None)},
    )
    for number, kind in enumerate(kinds):
        shared = {"game_id": slate[number].game_id, "player_id": player, "prop_type": "receptions"}
        said = {**shared, "predicted_value": 4.0, "over_probability": 0.55, "under_probability": 0.45}
        face, fact = derive_id("prop", number), derive_id("prop fact", number)
        tiered = {"line": kind["line"], "signal_tier": kind["tier"], "created_at": kind["at"]}
        connection.execute(sa.insert(PlayerProp).values(id=face, **said, **tiered))
        offer = {"line": kind["line"] or 4.5, "over_price": kind["price"], "under_price": kind["price"]}
        end = dict(zip(("result", "actual_value", "graded_at"), kind["end"], strict=True))
        known = {"as_of": NOW, "created_at": kind["at"], "prediction_hash": f"{number:064d}"}
        connection.execute(
            sa.insert(FactPlayerProp).values(id=fact, player_prop_id=face, **said, **offer, **end, **known)
        )


def seqs(engine: sa.Engine, ids: list[UUID]) -> list[int]:
    """Return the places of predictions in the ledger."""
    with engine.connect() as connection:
        statement = sa.select(FactPrediction.seq).where(FactPrediction.prediction_id.in_(ids))
        return sorted(connection.scalars(statement))
