"""Migrations: bring a database to a revision, and say where it differs from the models."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import CheckConstraint, Connection, text
from sqlalchemy.exc import DBAPIError

from aipro_ml import resources
from aipro_ml.db.contract import triggers
from aipro_ml.db.guards import FUNCTIONS
from aipro_ml.db.models import metadata
from aipro_ml.errors import DatabaseError

_LOCK = 0x61697072_6D696772
"""Advisory lock key: one migration of a database at a time."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    folder = str(resources.schema_dir() / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(connection: Connection) -> Iterator[Config]:
    """Hold the migration lock until the caller's transaction ends; turn failures into one clear error."""
    try:
        # who waits here waits for another migration, which takes longer than a usual lock
        connection.execute(text("SET LOCAL lock_timeout = '120s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_LOCK))
        # a schema named like the login would otherwise come first
        connection.execute(text("SET LOCAL search_path = public"))
        yield _config(connection)
    except CommandError as error:
        raise DatabaseError(f"cannot migrate: {error}; is this database of a newer aipro?") from error
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseError(f"cannot migrate, nothing was changed: {reason}") from error


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database up to `revision` inside the caller's transaction; the caller commits."""
    with _alone(connection) as config:
        command.upgrade(config, revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Bring the database down to `revision` ("base": empty) inside the caller's transaction."""
    with _alone(connection) as config:
        command.downgrade(config, revision)


def current(connection: Connection) -> str | None:
    """Return the revision the database is at, or None where it was never migrated (or downgraded to base)."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the newest revision the code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise DatabaseError("the installation is damaged: it has no migrations; reinstall")
    return revision


def differences(connection: Connection) -> list[str]:
    """Return one line for each point where the live database differs from the models; [] where none does.

    Alembic compares tables, columns, types, defaults, keys and indexes; checks are compared by name, and the
    guards of `db.guards` must be there, enabled, and say what they should.
    """
    options = {"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
    context = MigrationContext.configure(connection, opts=options)
    found = [_sentence(step) for step in _flat(compare_metadata(context, metadata))]
    differences = (_check_differences, _trigger_differences, _function_differences)
    return found + [line for told in differences for line in told(connection)]


def _flat(steps: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    for step in steps:
        if isinstance(step, list):
            yield from _flat(step)
        else:
            yield step


def _sentence(step: tuple[Any, ...]) -> str:
    """Return an Alembic step, which says what would make the database like the models, as one line."""
    action, *what = step
    named = [_named(part) for part in what if part is not None and not isinstance(part, dict)]
    return f"{action}: {' '.join(named)}"


def _named(part: Any) -> str:
    table = getattr(getattr(part, "table", None), "name", None)
    name = getattr(part, "name", None)
    if name is None:
        return str(part)
    return f"{table}.{name}" if table else str(name)


def _check_differences(connection: Connection) -> list[str]:
    wanted = {
        (table.name, str(rule.name))
        for table in metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    }
    query = text(
        "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        " WHERE k.contype = 'c' AND c.relnamespace = 'public'::regnamespace"
    )
    live = {(table, name) for table, name in connection.execute(query)}
    missing = [f"missing check: {table}.{name}" for table, name in sorted(wanted - live)]
    return missing + [f"unknown check: {table}.{name}" for table, name in sorted(live - wanted)]


def _trigger_differences(connection: Connection) -> list[str]:
    query = text(
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"
    )
    live = {(table, name) for table, name in connection.execute(query)}
    return [f"missing trigger: {table}.{name}" for table, name in triggers() if (table, name) not in live]


def _function_differences(connection: Connection) -> list[str]:
    query = text("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    live = {row.proname: row.prosrc for row in connection.execute(query)}
    wanted = {name: statement.split("$$")[1] for name, statement in FUNCTIONS.items()}
    return [f"missing or changed function: {name}" for name, source in wanted.items() if live.get(name) != source]
