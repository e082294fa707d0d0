"""A throw-away installation with as many published predictions as wanted, written by the server itself."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from aipro_ml.db.models.users import User
from aipro_ml.enums import UserRole
from aipro_ml.identity import derive_id
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.bank import Request, open_bank
from aipro_ml.jobs.keys import KeyWish, add_key
from benchmarks.league import NOW

SPORT = "NFL"
READER = "reader@example.com"
_BY = Actor(login="benchmarks")
_IDS = {name: derive_id("api load", name) for name in ("sport", "season", "book", "model", "run", "promotion")}

_STATEMENTS = (
    "INSERT INTO sports (id, code, name, created_at) VALUES (:sport, :code, 'Measured', :now)",
    "INSERT INTO seasons (id, sport_id, year, created_at) VALUES (:season, :sport, 2030, :now)",
    "INSERT INTO sportsbooks (id, name, is_sharp, created_at) VALUES (:book, 'Measured', TRUE, :now)",
    "INSERT INTO teams (id, sport_id, name, abbreviation, created_at) SELECT md5('team' || n)::uuid, :sport, "
    "'Team ' || n, 'T' || n, :now FROM generate_series(0, 31) n",
    "INSERT INTO ml_models (id, sport_id, bet_type, framework, version, is_production, "
    "performance_metrics, created_at) "
    "VALUES (:model, :sport, 'moneyline', 'sklearn', '1', TRUE, '{\"name\": \"logistic\"}', :now)",
    "INSERT INTO fact_model_promotions (id, sport_id, bet_type, model_id, action, verdict, decided_at) "
    "VALUES (:promotion, :sport, 'moneyline', :model, 'promote', 'PROMOTE', :early)",
    "INSERT INTO fact_prediction_runs (id, sport_id, slot, as_of, mode, status, started_at) "
    "VALUES (:run, :sport, :now, :now, 'live', 'completed', :now)",
    "INSERT INTO games (id, sport_id, season_id, home_team_id, away_team_id, game_date, status, created_at) "
    "SELECT md5('game' || n)::uuid, :sport, :season, md5('team' || n % 32)::uuid, md5('team' || (n + 1) % 32)::uuid, "
    "TIMESTAMP '2030-01-01' + n * INTERVAL '1 hour', 'scheduled', :now FROM generate_series(1, :count) n",
    "INSERT INTO predictions (id, game_id, model_id, bet_type, predicted_side, probability, edge, signal_tier, "
    "kelly_fraction, odds_at_prediction, prediction_hash, created_at) "
    "SELECT md5('said' || n)::uuid, md5('game' || n)::uuid, :model, 'moneyline', 'home', 0.5 + n % 100 / 500.0, 0.02, "
    "substr('ABCD', 1 + n % 4, 1), 0.01, 100 + n % 50, encode(sha256(('said' || n)::bytea), 'hex'), :now "
    "FROM generate_series(1, :count) n",
    "INSERT INTO fact_predictions (id, seq, run_id, prediction_id, game_id, model_id, bet_type, predicted_side, "
    "probability, edge, kelly_fraction, signal_tier, odds_at_prediction, as_of, sportsbook_id, ev, push_probability, "
    "fair_probability, prediction_hash, prev_hash, chain_hash, created_at) "
    "SELECT p.id, n, :run, p.id, p.game_id, p.model_id, p.bet_type, p.predicted_side, p.probability, p.edge, "
    "p.kelly_fraction, p.signal_tier, p.odds_at_prediction, :now, :book, 0.03, 0, 0.51, p.prediction_hash, "
    "encode(sha256(('link' || n - 1)::bytea), 'hex'), encode(sha256(('link' || n)::bytea), 'hex'), :now "
    "FROM generate_series(1, :count) n JOIN predictions p ON p.id = md5('said' || n)::uuid ORDER BY n",
    "INSERT INTO shap_explanations (id, prediction_id, feature_name, feature_value, shap_value, "
    "impact_direction, rank) SELECT md5('shap' || n || '.' || k)::uuid, md5('said' || n)::uuid, 'feature_' || k, "
    "k / 10.0, 0.1 / k, 'positive', k FROM generate_series(1, :count) n, generate_series(1, 13) k",
    "INSERT INTO prediction_results (id, prediction_id, actual_result, profit_loss, clv, graded_at) "
    "SELECT md5('grade' || n)::uuid, md5('said' || n)::uuid, CASE n % 2 WHEN 0 THEN 'win' ELSE 'loss' END, "
    "CASE n % 2 WHEN 0 THEN 0.91 ELSE -1 END, 0.01, :now FROM generate_series(1, :count / 2) n",
)


def fill(connection: Connection, count: int) -> None:
    """Publish `count` predictions, a game each, of which the older half is graded; the games are yet to come."""
    bound = {**_IDS, "code": SPORT, "now": NOW.replace(tzinfo=None), "early": NOW.replace(tzinfo=None, year=2025)}
    for statement in _STATEMENTS:
        clause = sa.text(statement)
        named = {name: value for name, value in {**bound, "count": count}.items() if name in clause.compile().params}
        connection.execute(clause, named)
    reader = {"id": derive_id("user", READER), "email": READER, "hashed_password": "!", "role": UserRole.ADMIN}
    connection.execute(sa.insert(User).values(**reader, is_active=True, created_at=NOW))


def reader_key(engine: Engine, per_minute: int) -> str:
    """Return a key of the reader, who has a bankroll."""
    open_bank(engine, Request(READER, _BY, NOW), Decimal(1000))
    may = ("predictions:read", "performance:read", "models:read", "ledger:read", "bank:read")
    return add_key(engine, KeyWish(READER, "load", may, per_minute), _BY, NOW).text


def prediction_ids(connection: Connection, count: int) -> list[str]:
    """Return ids of so many predictions, spread over all."""
    found = connection.execute(
        sa.text("SELECT id::text FROM predictions ORDER BY md5(id::text) LIMIT :n"), {"n": count}
    )
    return list(found.scalars())
