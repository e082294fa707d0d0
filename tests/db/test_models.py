"""The tables' rules: times in UTC, closed vocabularies, prices, probabilities, deletion and append-only."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError, StatementError

from aipro_ml import enums
from aipro_ml.db.base import Base
from aipro_ml.db.engine import open_database
from aipro_ml.db.models.betting import Bankroll, Bet
from aipro_ml.db.models.feature_store import FeatureSet, FeatureVector, GameRevision
from aipro_ml.db.models.ml import MlModel, ModelPerformance
from aipro_ml.db.models.odds import ClosingLine, Odds, OddsMovement, Sportsbook
from aipro_ml.db.models.predictions import Prediction, PredictionResult, ShapExplanation
from aipro_ml.db.models.sports import Game, Season, Sport, Team
from aipro_ml.db.models.system import Alert
from aipro_ml.db.models.users import AuditLog, User, UserSession
from aipro_ml.db.models.warehouse import FactPrediction, FactPredictionRun
from tests.fixtures_database import Server

NOW = datetime(2022, 9, 8, 20, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def owner_session(server: Server, template: str, open_folder: Path) -> Iterator[sa.Engine]:
    """An engine with the owner's rights, shared by tests that never commit."""
    with server.database(template) as name:
        opened = open_database(server.settings(open_folder, name), "owner")
        yield opened
        opened.dispose()


@pytest.fixture
def owner(owner_session: sa.Engine) -> Iterator[sa.Connection]:
    """A connection with the owner's rights; what the test does is rolled back at its end."""
    with owner_session.connect() as opened:
        yield opened
        opened.rollback()


def add(connection: sa.Connection, model: type[Base], **values: Any) -> UUID:
    key = uuid4()
    connection.execute(sa.insert(model).values(id=key, **values))
    return key


def add_sport(connection: sa.Connection, code: str = "TST") -> UUID:
    return add(connection, Sport, code=code, name="Test", created_at=NOW)


def add_game(connection: sa.Connection, **values: Any) -> UUID:
    return add(connection, Game, **{"game_date": NOW, "created_at": NOW, **values})


def add_model(connection: sa.Connection, **values: Any) -> UUID:
    common = {"bet_type": "moneyline", "framework": "sklearn", "version": "1", "created_at": NOW}
    return add(connection, MlModel, **{**common, **values})


def add_prediction(connection: sa.Connection, **values: Any) -> UUID:
    common = {
        "bet_type": "moneyline",
        "predicted_side": "home",
        "probability": 0.6,
        "signal_tier": "B",
        "created_at": NOW,
    }
    return add(connection, Prediction, **{**common, **values})


def add_ledger_row(connection: sa.Connection) -> UUID:
    sport, game, model = add_sport(connection), add_game(connection), add_model(connection)
    common = {"game_id": game, "model_id": model}
    prediction = add_prediction(connection, **common)
    run = add(
        connection,
        FactPredictionRun,
        sport_id=sport,
        slot=NOW,
        as_of=NOW,
        mode=enums.RunMode.BACKFILLED,
        status=enums.RunStatus.RUNNING,
        started_at=NOW,
    )
    return add(
        connection,
        FactPrediction,
        **common,
        seq=1,
        run_id=run,
        prediction_id=prediction,
        bet_type="moneyline",
        predicted_side="home",
        probability=0.6,
        signal_tier="B",
        as_of=NOW,
        prediction_hash="a" * 64,
        prev_hash="0" * 64,
        chain_hash="b" * 64,
        created_at=NOW,
    )


def add_revision(connection: sa.Connection) -> UUID:
    return add(
        connection,
        GameRevision,
        game_id=add_game(connection),
        revision=1,
        source="nflverse",
        source_game_id="2022_01_BUF_LA",
        game_date=NOW,
        status="scheduled",
        known_at=NOW,
        created_at=NOW,
    )


def test_a_naive_datetime_is_refused(connection: sa.Connection) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        add_game(connection, game_date=NOW.replace(tzinfo=None))


def test_a_naive_datetime_is_refused_in_a_comparison_too(connection: sa.Connection) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        connection.execute(sa.select(Game.id).where(Game.game_date < NOW.replace(tzinfo=None)))


def test_a_moment_of_another_zone_is_stored_as_utc_and_read_back_as_utc(connection: sa.Connection) -> None:
    key = add_game(connection, game_date=NOW.astimezone(timezone(timedelta(hours=-4))))
    stored = connection.scalar(sa.text("SELECT game_date::text FROM games WHERE id = :id"), {"id": key})
    read = connection.scalar(sa.select(Game.game_date).where(Game.id == key))
    assert stored == "2022-09-08 20:20:00"
    assert read == NOW
    assert read.tzinfo is UTC


def test_a_session_in_another_zone_changes_no_moment(connection: sa.Connection) -> None:
    connection.execute(sa.text("SET LOCAL TimeZone = 'America/New_York'"))
    key = add_game(connection)
    assert connection.scalar(sa.select(Game.game_date).where(Game.id == key)) == NOW


def test_an_interval_can_be_added_to_a_moment(connection: sa.Connection) -> None:
    add_game(connection, external_id="interval")
    found = connection.scalar(sa.select(Game.game_date - timedelta(minutes=1)).where(Game.external_id == "interval"))
    assert found == NOW - timedelta(minutes=1)


def test_defaults_are_the_database_s(connection: sa.Connection) -> None:
    team = add(connection, Team, name="Bills", abbreviation="BUF", created_at=NOW)
    row = connection.execute(sa.select(Team.elo_rating, Team.is_active).where(Team.id == team)).one()
    game = add_game(connection)
    assert tuple(row) == (1500.0, True)
    assert connection.scalar(sa.select(Game.status).where(Game.id == game)) == "scheduled"


def test_absent_json_is_sql_null(connection: sa.Connection) -> None:
    add(connection, AuditLog, action="test", details=None, created_at=NOW)
    found = connection.scalar(sa.text("SELECT count(*) FROM audit_logs WHERE details IS NULL"))
    assert found == 1


def test_a_feature_vector_keeps_the_order_of_its_values(connection: sa.Connection) -> None:
    feature_set = add(
        connection,
        FeatureSet,
        sport_id=add_sport(connection),
        bet_type="spread",
        name="all",
        version="1" * 64,
        feature_names=["b", "a"],
        view_ids=[],
        created_at=NOW,
    )
    key = add(
        connection,
        FeatureVector,
        feature_set_id=feature_set,
        game_id=add_game(connection),
        as_of=NOW,
        feature_values=[2.5, -1.0, math.nan],
        vector_hash="2" * 64,
        created_at=NOW,
    )
    values = connection.scalar(sa.select(FeatureVector.feature_values).where(FeatureVector.id == key))
    assert values[:2] == [2.5, -1.0]
    assert math.isnan(values[2])


ODDS = {"market_type": "moneyline", "selection": "home", "price": -110, "recorded_at": NOW}


@pytest.mark.parametrize("price", [-100, 100, -110, 2500])
def test_american_prices_are_taken(connection: sa.Connection, price: int) -> None:
    add(connection, Odds, **{**ODDS, "price": price})


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Odds, {**ODDS, "price": 99}),
        (Odds, {**ODDS, "price": -99}),
        (Odds, {**ODDS, "price": 0}),
        (OddsMovement, {"market_type": "total", "new_price": 50, "detected_at": NOW}),
        (ClosingLine, {"market_type": "total", "selection": "over", "closing_price": 1, "closed_at": NOW}),
        (Bet, {"stake": 1, "odds": 99, "bet_type": "total", "placed_at": NOW}),
        (Odds, {**ODDS, "market_type": "h2h"}),
        (Odds, {**ODDS, "selection": "Home"}),
        (Game, {"game_date": NOW, "status": "finished", "created_at": NOW}),
        (PredictionResult, {"actual_result": "won", "graded_at": NOW}),
        (Alert, {"alert_type": "x", "severity": "fatal", "message": "x", "created_at": NOW}),
        (
            User,
            {"email": "a@example.org", "hashed_password": "x", "role": "owner", "created_at": NOW},
        ),
    ],
)
def test_a_bad_price_or_an_unknown_word_is_refused(
    connection: sa.Connection, model: type[Base], values: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="check constraint"):
        add(connection, model, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"probability": 1.01},
        {"probability": -0.01},
        {"probability": math.nan},
        {"kelly_fraction": -0.01},
        {"kelly_fraction": 1.5},
        {"signal_tier": "E"},
        {"odds_at_prediction": -50},
    ],
)
def test_a_prediction_outside_its_bounds_is_refused(connection: sa.Connection, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="check constraint"):
        add_prediction(connection, **values)


@pytest.mark.parametrize("word", [*enums.BetResult])
def test_every_word_of_a_vocabulary_is_taken_and_read_back(connection: sa.Connection, word: enums.BetResult) -> None:
    key = add(connection, PredictionResult, actual_result=word, graded_at=NOW)
    stored = sa.select(PredictionResult.actual_result).where(PredictionResult.id == key)
    assert connection.scalar(stored) == str(word)


def test_every_vocabulary_fits_its_columns() -> None:
    for table in Base.metadata.tables.values():
        for rule in table.constraints:
            if isinstance(rule, sa.CheckConstraint) and str(rule.name).endswith("_known"):
                name = str(rule.sqltext).split(" IN ")[0]
                words = str(rule.sqltext).split("'")[1::2]
                assert max(map(len, words)) <= table.columns[name].type.length, f"{table.name}.{name}"


def test_one_sport_and_bet_type_has_one_production_model(connection: sa.Connection) -> None:
    sport = add_sport(connection)
    add_model(connection, sport_id=sport, is_production=True)
    add_model(connection, sport_id=sport, is_production=False)
    add_model(connection, sport_id=sport, is_production=True, bet_type="total")
    with pytest.raises(IntegrityError, match="uq_ml_models_production"):
        add_model(connection, sport_id=sport, is_production=True)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Season, {"sport_id": ..., "year": 2022, "created_at": NOW}),
        (Team, {"sport_id": ..., "name": "Bills", "abbreviation": "BUF", "created_at": NOW}),
        (ModelPerformance, {"model_id": ..., "date": date(2022, 9, 8)}),
        (ShapExplanation, {"prediction_id": ..., "feature_name": "elo", "shap_value": 0.1}),
    ],
)
def test_the_same_thing_cannot_stand_twice(
    connection: sa.Connection, model: type[Base], values: dict[str, Any]
) -> None:
    parents = {"sport_id": add_sport, "model_id": add_model, "prediction_id": add_prediction}
    row = {name: parents[name](connection) if value is ... else value for name, value in values.items()}
    add(connection, model, **row)
    with pytest.raises(IntegrityError, match="unique constraint"):
        add(connection, model, **row)


def test_a_book_closes_a_side_once(connection: sa.Connection) -> None:
    book = add(connection, Sportsbook, name="Test book", created_at=NOW)
    side = {"game_id": add_game(connection), "sportsbook_id": book, "market_type": "total", "closed_at": NOW}
    add(connection, ClosingLine, **side, selection="over")
    add(connection, ClosingLine, **side, selection="under")
    with pytest.raises(IntegrityError, match="uq_closing_lines_side"):
        add(connection, ClosingLine, **side, selection="over")


def test_a_user_s_sessions_go_with_the_account_and_the_audit_stays(connection: sa.Connection) -> None:
    user = add(connection, User, email="a@example.org", hashed_password="x", created_at=NOW)
    add(connection, UserSession, user_id=user, token_hash="x", expires_at=NOW, created_at=NOW)
    act = add(connection, AuditLog, user_id=user, action="test", created_at=NOW)
    connection.execute(sa.delete(User).where(User.id == user))
    assert connection.scalar(sa.select(sa.func.count()).select_from(UserSession)) == 0
    assert connection.execute(sa.select(AuditLog.user_id).where(AuditLog.id == act)).one() == (None,)


def test_a_user_with_money_cannot_be_deleted(connection: sa.Connection) -> None:
    user = add(connection, User, email="a@example.org", hashed_password="x", created_at=NOW)
    add(connection, Bankroll, user_id=user, initial_amount=1, current_amount=1, created_at=NOW)
    with pytest.raises(IntegrityError, match="fk_bankrolls_user_id"):
        connection.execute(sa.delete(User).where(User.id == user))


def test_a_game_with_odds_cannot_be_deleted(connection: sa.Connection) -> None:
    game = add_game(connection)
    add(connection, Odds, game_id=game, **ODDS)
    with pytest.raises(IntegrityError, match="fk_odds_game_id"):
        connection.execute(sa.delete(Game).where(Game.id == game))


CHANGES = ("UPDATE {} SET created_at = created_at", "DELETE FROM {}", "TRUNCATE {}")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["fact_predictions", "game_revisions"])
def test_an_append_only_table_refuses_even_its_owner(owner: sa.Connection, table: str, change: str) -> None:
    add_ledger_row(owner)
    add_revision(owner)
    with pytest.raises(IntegrityError, match=f"{table} is append-only: {change.partition(' ')[0]} refused"):
        owner.execute(sa.text(change.format(table)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["fact_predictions", "game_revisions", "audit_logs"])
def test_the_application_has_no_right_to_rewrite_history(connection: sa.Connection, table: str, change: str) -> None:
    add_ledger_row(connection)
    add_revision(connection)
    with pytest.raises(ProgrammingError, match=f"permission denied for table {table}"):
        connection.execute(sa.text(change.format(table)))


def test_the_application_cannot_change_the_schema(connection: sa.Connection) -> None:
    with pytest.raises(ProgrammingError, match="must be owner"):
        connection.execute(sa.text("DROP TRIGGER fact_predictions_append_only ON fact_predictions"))


def test_a_table_added_later_is_the_application_s_to_use(owner_engine: sa.Engine, engine: sa.Engine) -> None:
    with owner_engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE later (id int)"))
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO later VALUES (1)"))
        assert connection.execute(sa.text("UPDATE later SET id = 2")).rowcount == 1
