import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from aipro_ml.config import Settings
from aipro_ml.db import engine as under_test
from aipro_ml.errors import DatabaseError, GuardError, UsageError
from aipro_ml.jobs import database


def given(url: str, **more: object) -> Settings:
    return Settings(database_url=SecretStr(url), **more)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_scheme_becomes_a_plain_address(scheme: str) -> None:
    url = under_test.database_url(given(f"{scheme}://me:p%40ss@there:5433/sports?sslmode=require"))
    assert url == "postgresql://me:p%40ss@there:5433/sports?sslmode=require"


@pytest.mark.parametrize("url", ["mysql://me@there/sports", "postgresql://me@there", "no address at all"])
def test_an_address_of_something_else_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="DATABASE_URL"):
        under_test.database_url(given(url))


@pytest.mark.parametrize("mode", ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"])
def test_production_refuses_a_connection_that_may_go_without_tls(mode: str) -> None:
    with pytest.raises(GuardError, match="TLS"):
        under_test.open_database(given(f"postgresql://me@localhost/sports{mode}", profile="production"))


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_production_takes_an_address_with_tls(mode: str) -> None:
    url = f"postgresql://me@localhost/sports?sslmode={mode}"
    assert under_test.database_url(given(url, profile="production")) == url


def test_production_refuses_the_embedded_server(tmp_path) -> None:
    with pytest.raises(GuardError, match="set DATABASE_URL"):
        under_test.open_database(Settings(home=tmp_path, profile="production", database_url=None))


def test_the_owner_has_an_address_of_its_own_where_one_is_given() -> None:
    settings = given("postgresql://app@there/x", database_owner_url=SecretStr("postgresql://owner@there/x"))
    assert under_test.database_url(settings, "owner") == "postgresql://owner@there/x"
    assert under_test.database_url(settings, "app") == "postgresql://app@there/x"


def test_no_answer_is_one_line_without_the_password() -> None:
    with pytest.raises(DatabaseError) as raised:
        under_test.open_database(given("postgresql://me:secret@127.0.0.1:1/sports"))
    assert "127.0.0.1:1/sports: cannot connect" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_sessions_run_in_utc_with_timeouts_and_the_applications_rights(database_settings: Settings) -> None:
    slow = database_settings.model_copy(update={"statement_timeout_s": 7, "lock_timeout_s": 3})
    engine = under_test.open_database(slow)
    with engine.connect() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("timezone", "statement_timeout", "lock_timeout", "application_name")
        ]
        user = connection.exec_driver_sql("SELECT current_user").scalar_one()
    engine.dispose()
    assert shown == ["UTC", "7s", "3s", "aipro"]
    assert user == "aipro_app"


def test_the_pool_holds_what_the_settings_say_and_no_more(database_settings: Settings) -> None:
    engine = under_test.open_database(database_settings.model_copy(update={"pool_size": 2}))
    first, second = engine.connect(), engine.connect()
    assert isinstance(engine.pool, sa.QueuePool)
    assert (engine.pool.size(), engine.pool.overflow()) == (2, 0)
    for each in (first, second):
        each.close()
    engine.dispose()


def test_the_application_cannot_change_the_ledger(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as raised:
        connection.exec_driver_sql("UPDATE fact_predictions SET ev = 0")
    assert isinstance(raised.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_login_that_owns_the_tables_still_takes_the_applications_role(database_settings: Settings) -> None:
    one_login = database_settings.model_copy(update={"database_url": database_settings.database_owner_url})
    database.upgrade(one_login)
    engine = under_test.open_database(one_login)
    with engine.connect() as connection:
        session, current = connection.exec_driver_sql("SELECT session_user, current_user").one()
    engine.dispose()
    if session == current:
        pytest.skip(f"{session} may not grant aipro_app to itself: it has no admin option on it")
    assert current == "aipro_app"


def test_tables_are_required(empty_database: Settings) -> None:
    engine = under_test.open_database(empty_database, "owner")
    with pytest.raises(DatabaseError, match="aipro db init"):
        under_test.require_schema(engine)
    engine.dispose()


def test_another_revision_is_refused(owner_engine: sa.Engine) -> None:
    under_test.require_schema(owner_engine)
    with owner_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseError, match="aipro db upgrade"):
        under_test.require_schema(owner_engine)


def test_a_database_of_ones_own_is_never_migrated_silently(empty_database: Settings) -> None:
    with pytest.raises(DatabaseError, match="aipro db init"), database.opened(empty_database, "owner"):
        pass


def test_mlflow_gets_a_database_of_its_own_beside_ours(empty_database: Settings) -> None:
    first, second = under_test.mlflow_url(empty_database), under_test.mlflow_url(empty_database)
    ours = sa.make_url(under_test.database_url(empty_database, "owner"))
    assert first == second
    assert sa.make_url(first) == ours.set(drivername="postgresql+psycopg", database=f"{ours.database}_mlflow")
    plain = sa.make_url(first).set(drivername="postgresql").render_as_string(hide_password=False)
    psycopg.connect(plain).close()
    with psycopg.connect(under_test.database_url(empty_database, "owner"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{ours.database}_mlflow"')


def test_a_tracking_address_wins() -> None:
    settings = given("postgresql://me@nowhere/x", mlflow_tracking_uri="http://tracking:5000")
    assert under_test.mlflow_url(settings) == "http://tracking:5000"
