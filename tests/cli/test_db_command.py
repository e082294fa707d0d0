import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from aipro_ml.cli.db import app
from aipro_ml.config import Settings
from aipro_ml.db.embedded import EmbeddedServer
from aipro_ml.errors import DatabaseError, DataFileError, UsageError
from aipro_ml.jobs import database

runner = CliRunner()


@pytest.fixture(scope="module")
def embedded(open_folder: Path) -> Iterator[Settings]:
    """An installation of its own with the embedded server, whatever DATABASE_URL says."""
    settings = Settings(
        home=open_folder / "command", database_url=None, database_owner_url=None, mlflow_tracking_uri=None
    )
    yield settings
    EmbeddedServer(settings.home).stop()


def run(settings: Settings, *arguments: str) -> str:
    done = runner.invoke(app, list(arguments), obj=settings, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_init_twice_says_where_the_database_is(embedded: Settings) -> None:
    first, second = (json.loads(run(embedded, "init", "--json")) for _ in range(2))
    assert first == second
    assert first["running"] is True
    assert first["revision"] == first["head"]
    assert Path(first["data_dir"]).is_relative_to(embedded.home)


def test_the_first_use_of_an_embedded_database_builds_its_tables(embedded: Settings) -> None:
    fresh = embedded.model_copy(update={"database_name": "first_use"})
    with database.opened(fresh) as engine, engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).scalar_one()
    assert tables == 55


def test_url_prints_one_address_that_a_plain_client_takes(embedded: Settings) -> None:
    run(embedded, "init")
    for role, name in (("app", "aipro_app"), ("owner", "aipro_owner")):
        printed = run(embedded, "url", "--role", role)
        assert printed.count("\n") == 1
        with psycopg.connect(printed.strip()) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == (
                name,
                "ai_pro_sports",
            )
    assert run(embedded, "url", "--mlflow").strip().endswith("/mlflow")


def test_an_unknown_role_is_a_usage_error(embedded: Settings) -> None:
    with pytest.raises(UsageError, match="choose app or owner"):
        run(embedded, "url", "--role", "root")


def test_check_finds_a_difference_and_ends_with_1(database_settings: Settings) -> None:
    assert "nothing" in run(database_settings, "check")
    with psycopg.connect(database_settings.database_owner_url.get_secret_value()) as connection:
        connection.execute("ALTER TABLE teams ADD COLUMN mascot text")
    done = runner.invoke(app, ["check", "--json"], obj=database_settings)
    assert done.exit_code == 1
    assert "mascot" in json.loads(done.stdout)["difference"]


def test_downgrade_to_base_and_upgrade_again(database_settings: Settings) -> None:
    run(database_settings, "downgrade", "base")
    assert json.loads(run(database_settings, "status", "--json"))["revision"] is None
    run(database_settings, "upgrade")
    assert run(database_settings, "check", "--json") == ""


def test_status_and_stop_start_nothing(embedded: Settings) -> None:
    run(embedded, "init")
    assert run(embedded, "stop") == "stopped\n"
    shown = json.loads(run(embedded, "status", "--json"))
    assert (shown["running"], shown["revision"]) == (False, None)
    assert run(embedded, "stop") == "no embedded server was running\n"


def test_backup_and_restore_by_command(database_settings: Settings, tmp_path: Path) -> None:
    file = str(tmp_path / "night.backup")
    assert "55 tables, 0 rows" in run(database_settings, "backup", file)
    assert "nothing was restored" in run(database_settings, "restore", file, "--dry-run")
    assert "restored 55 tables" in run(database_settings, "restore", file)
    assert "restored 55 tables" in run(database_settings, "restore", file, "--replace")
    with pytest.raises(DataFileError):
        run(database_settings, "restore", str(tmp_path / "absent"))


def test_psql_gets_its_password_in_the_environment_alone(embedded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, words, named: called.append((words, named)))
    run(embedded, "psql", "--", "-c", "select 1")
    words, named = called[0]
    assert words[1:] == ["-c", "select 1"]
    assert named["PGPASSWORD"] == EmbeddedServer(embedded.home).logins().app
    assert named["PGUSER"] == "aipro_app"


def test_commands_on_a_database_without_tables_say_what_to_do(empty_database: Settings, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="aipro db init"):
        run(empty_database, "backup", str(tmp_path / "x"))
