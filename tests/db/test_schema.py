"""Models, migrations, snapshot and specification say the same."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from aipro_ml import resources
from aipro_ml.config import Settings
from aipro_ml.db import contract, migrate
from aipro_ml.db.engine import database_url, open_database
from aipro_ml.db.models import metadata
from aipro_ml.errors import DatabaseError
from tests.fixtures_database import Server

CATALOGUE = (
    "SELECT 'column', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || ' '"
    " || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')"
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attnum > 0 AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    " UNION ALL SELECT 'function', proname, coalesce(proconfig::text, '') || prosrc FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'right', relname, (SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type)"
    " FROM aclexplode(relacl) WHERE grantee = 'aipro_app'::regrole)"
    " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


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


def catalogue(connection: sa.Connection) -> set[tuple[str, ...]]:
    """Everything that makes up the schema, as PostgreSQL itself describes it."""
    return {tuple(row) for row in connection.execute(sa.text(CATALOGUE)) if "alembic_version" not in row[1]}


def test_there_are_exactly_55_tables() -> None:
    assert len(metadata.tables) == 55


def test_a_migrated_database_equals_the_models(owner: sa.Connection) -> None:
    assert migrate.current(owner) == migrate.head()
    assert migrate.differences(owner) == []


def test_the_snapshot_makes_the_same_database_as_the_migrations(owner: sa.Connection) -> None:
    migrated = catalogue(owner)
    migrate.downgrade(owner, "base")
    assert catalogue(owner) == set()
    owner.exec_driver_sql((resources.schema_dir() / contract.SNAPSHOT).read_text(encoding="utf-8"))
    assert catalogue(owner) == migrated


def test_the_snapshot_and_the_contract_are_up_to_date(tmp_path: Path) -> None:
    contract.write(tmp_path)
    for name in (contract.SNAPSHOT, contract.CONTRACT):
        stored = (resources.schema_dir() / name).read_text(encoding="utf-8")
        fresh = (tmp_path / name).read_text(encoding="utf-8")
        assert stored == fresh, f"{name} is stale: run `python -m aipro_ml.db.contract`"


def test_no_name_is_cut_by_postgresql() -> None:
    for table in metadata.tables.values():
        for rule in [*table.constraints, *table.indexes]:
            assert len(str(rule.name)) <= 63, f"{table.name}: {rule.name}"


def test_going_down_and_up_again_ends_where_it_began(owner_engine: sa.Engine) -> None:
    with owner_engine.begin() as connection:
        before = catalogue(connection)
        migrate.downgrade(connection, "base")
    with owner_engine.begin() as connection:
        assert migrate.current(connection) is None
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.scalar(sa.text(functions)) == 0
        migrate.upgrade(connection)
    with owner_engine.begin() as connection:
        assert catalogue(connection) == before
        assert migrate.differences(connection) == []


def test_upgrading_twice_changes_nothing(owner: sa.Connection) -> None:
    before = catalogue(owner)
    migrate.upgrade(owner)
    assert catalogue(owner) == before


def test_a_failed_upgrade_leaves_nothing_behind(empty_database: Settings) -> None:
    engine = open_database(empty_database, "owner")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE fact_odds (id int)"))
    with pytest.raises(DatabaseError, match="nothing was changed"), engine.begin() as connection:
        migrate.upgrade(connection)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["fact_odds"]
    engine.dispose()


def test_one_migration_runs_at_a_time(owner_session: sa.Engine) -> None:
    # the key that upgrade() takes, tried from a second connection while the first holds its transaction
    attempt = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with owner_session.connect() as first, owner_session.connect() as second:
        idle = second.scalar(attempt)
        migrate.upgrade(first)
        second.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
        assert second.scalar(attempt) == idle + 1
        with pytest.raises(DatabaseError, match="lock timeout"):
            _upgrade_impatiently(second)


def _upgrade_impatiently(connection: sa.Connection) -> None:
    """Upgrade with a short wait: the driver's statement sees the patience of migrate shortened."""

    @sa.event.listens_for(connection, "before_cursor_execute", retval=True)
    def shorten(_c, _cursor, statement, parameters, _context, _many):
        return statement.replace("'120s'", "'200ms'"), parameters

    migrate.upgrade(connection)


def test_a_database_of_a_newer_aipro_is_named(owner: sa.Connection) -> None:
    owner.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="9999"):
        migrate.upgrade(owner)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        ("ALTER TABLE games DROP COLUMN week", "games"),
        ("ALTER TABLE games ADD COLUMN weather text", "weather"),
        ("ALTER TABLE games ALTER COLUMN week TYPE bigint", "week"),
        ("ALTER TABLE games ALTER COLUMN game_date DROP NOT NULL", "game_date"),
        ("ALTER TABLE games ALTER COLUMN status SET DEFAULT 'final'", "status"),
        ("ALTER TABLE odds DROP CONSTRAINT ck_odds_price_american", "missing check: odds"),
        ("ALTER TABLE odds ADD CONSTRAINT more CHECK (price > 0)", "unknown check: odds.more"),
        ("DROP INDEX idx_odds_current", "idx_odds_current"),
        ("ALTER TABLE odds DROP CONSTRAINT fk_odds_game_id", "fk_odds_game_id"),
        ("ALTER TABLE seasons DROP CONSTRAINT uq_seasons_sport_id_year", "uq_seasons_sport_id_year"),
        ("CREATE TABLE fifty_sixth (id int)", "fifty_sixth"),
        ("DROP TABLE alerts", "alerts"),
        ("ALTER TABLE fact_predictions DISABLE TRIGGER USER", "missing trigger: fact_predictions"),
        ("DROP TRIGGER fact_prediction_runs_finished ON fact_prediction_runs", "fact_prediction_runs_finished"),
        (
            "CREATE OR REPLACE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql AS $$ SELECT now()::timestamp $$",
            "missing or changed function: ledger_clock",
        ),
    ],
)
def test_a_difference_between_database_and_models_is_named(owner: sa.Connection, damage: str, line: str) -> None:
    owner.execute(sa.text(damage))
    found = migrate.differences(owner)
    assert found
    assert all(line in one for one in found), found


@pytest.mark.real_data
def test_the_specification_s_own_checker_finds_no_difference(shared_data: Path, database_settings: Settings) -> None:
    tool = shared_data.parent / "tools" / "check_schema.py"
    url = database_url(database_settings, "owner")
    done = subprocess.run([sys.executable, str(tool), url], capture_output=True, text=True, check=False)
    assert "\n".join(done.stdout.split("\n")[-2:]).strip() == ("0 differences from the specification, 55 tables"), (
        done.stdout + done.stderr
    )
