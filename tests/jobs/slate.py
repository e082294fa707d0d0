"""A slate of published predictions to bet on, stored straight: no league has to be played for it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from aipro_ml.db.models.ml import MlModel
from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import Prediction, PredictionResult
from aipro_ml.db.models.sports import Game, Season, Sport, Team
from aipro_ml.db.models.warehouse import FactPrediction, FactPredictionRun
from aipro_ml.db.repositories.grades import lock_grades
from aipro_ml.enums import BetResult, GameStatus
from aipro_ml.identity import derive_id

SPORT = "SIM-NFL"
BOOK = "Simulated Sharp"
PROBABILITY, EDGE, KELLY, ODDS = 0.58, 0.06, 0.02, 100


@dataclass(frozen=True)
class Listed:
    """A prediction of the slate and its game."""

    id: UUID
    game_id: UUID


def store_slate(
    connection: sa.Connection, count: int, times: tuple[datetime, datetime], name: str = "", **changed: object
) -> list[Listed]:
    """Store `count` games and a tier-A prediction of the home team to win at +100 on each, columns `changed`.

    `times`: when they were predicted, and their kick-off.
    """
    now, kickoff = times
    _store_league(connection, now)
    ids = [derive_id("slate", name, number) for number in range(count)]
    games = [
        {
            "id": each,
            "sport_id": derive_id("sport", SPORT),
            "season_id": derive_id("season", SPORT, kickoff.year),
            "home_team_id": derive_id("team", SPORT, "HOM"),
            "away_team_id": derive_id("team", SPORT, "AWY"),
            "game_date": kickoff,
            "status": GameStatus.SCHEDULED,
            "created_at": now,
        }
        for each in ids
    ]
    connection.execute(sa.insert(Game), games)
    said = {
        "model_id": derive_id("slate model"),
        "bet_type": "moneyline",
        "predicted_side": "home",
        "probability": PROBABILITY,
        "edge": EDGE,
        "signal_tier": "A",
        "kelly_fraction": KELLY,
        "odds_at_prediction": ODDS,
        "created_at": now,
        **changed,
    }
    predictions = [
        {**said, "id": derive_id("said", each), "game_id": each, "prediction_hash": _hash(each)} for each in ids
    ]
    connection.execute(sa.insert(Prediction), predictions)
    connection.execute(sa.insert(FactPrediction), _ledger(connection, predictions, now))
    return [Listed(each["id"], each["game_id"]) for each in predictions]


def set_grade(connection: sa.Connection, prediction: Listed, result: BetResult | None, now: datetime) -> None:
    """Grade the prediction so, or withdraw its grade (None): one at a time, as the platform's own grading."""
    lock_grades(connection, SPORT)  # ON CONFLICT guards one unique rule, and two at once break the other
    row = PredictionResult
    if result is None:
        connection.execute(sa.delete(row).where(row.prediction_id == prediction.id))
        return
    values = {"prediction_id": prediction.id, "actual_result": result, "graded_at": now}
    statement = insert(row).values(id=derive_id("prediction_result", prediction.id), **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"actual_result": result}))


def set_status(connection: sa.Connection, prediction: Listed, status: GameStatus) -> None:
    """Set where the prediction's game stands."""
    connection.execute(sa.update(Game).where(Game.id == prediction.game_id).values(status=status))


def _ledger(connection: sa.Connection, predictions: list[dict], now: datetime) -> list[dict]:
    last = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(FactPrediction.seq), 0)))
    copied = (
        "game_id",
        "model_id",
        "bet_type",
        "predicted_side",
        "probability",
        "edge",
        "signal_tier",
        "kelly_fraction",
    )
    return [
        {
            **{name: each[name] for name in (*copied, "odds_at_prediction", "prediction_hash", "created_at")},
            "id": each["id"],
            "seq": last + number,
            "run_id": derive_id("slate run"),
            "prediction_id": each["id"],
            "as_of": now,
            "sportsbook_id": derive_id("sportsbook", BOOK),
            "push_probability": 0.0,
            "prev_hash": _hash(last + number - 1),
            "chain_hash": _hash(last + number),
        }
        for number, each in enumerate(predictions, start=1)
    ]


def _hash(what: object) -> str:
    return sha256(str(what).encode()).hexdigest()


def _store_league(connection: sa.Connection, now: datetime) -> None:
    sport = derive_id("sport", SPORT)
    team = {"sport_id": sport, "created_at": now}
    rows = {
        Sport: [{"id": sport, "code": SPORT, "name": "Simulated", "created_at": now}],
        Season: [{"id": derive_id("season", SPORT, now.year), "sport_id": sport, "year": now.year, "created_at": now}],
        Team: [
            {**team, "id": derive_id("team", SPORT, code), "name": code, "abbreviation": code}
            for code in ("HOM", "AWY")
        ],
        Sportsbook: [{"id": derive_id("sportsbook", BOOK), "name": BOOK, "is_sharp": True, "created_at": now}],
        MlModel: [
            {
                "id": derive_id("slate model"),
                "sport_id": sport,
                "bet_type": "moneyline",
                "framework": "sklearn",
                "version": "1",
                "created_at": now,
            }
        ],
        FactPredictionRun: [
            {
                "id": derive_id("slate run"),
                "sport_id": sport,
                "slot": now,
                "as_of": now,
                "mode": "backfilled",  # these games are long over: a live run would be refused
                "status": "completed",
                "started_at": now,
            }
        ],
    }
    for table, values in rows.items():
        connection.execute(insert(table).values(values).on_conflict_do_nothing())
