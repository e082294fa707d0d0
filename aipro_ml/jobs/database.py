"""The life of the database: create, migrate, check, back up and restore it, and open it for a job."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from aipro_ml.config import Settings
from aipro_ml.db import backup as archive
from aipro_ml.db import engine as database
from aipro_ml.db import migrate
from aipro_ml.db.binaries import find_client
from aipro_ml.db.logins import Role


@dataclass(frozen=True)
class DatabaseStatus:
    """Where the database is, whether it answers, and at which revision its schema stands."""

    kind: str
    running: bool
    host: str
    port: int | None
    database: str
    revision: str | None
    head: str
    data_dir: str
    log: str


@contextmanager
def opened(settings: Settings, role: Role = "app") -> Iterator[sa.Engine]:
    """Yield an engine on a database whose schema is the code's, and dispose of it at the end.

    The embedded database is created and migrated on first use. One named by DATABASE_URL never is:
    DatabaseError says to run `aipro db init`.
    """
    engine = database.open_database(settings, role)
    try:
        if not database.is_external(settings):
            with engine.connect() as connection:
                current = migrate.current(connection)
            if current is None:
                initialise(settings)
        database.require_schema(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def unit(engine: sa.Engine, *, dry_run: bool = False) -> Iterator[sa.Connection]:
    """Yield a connection whose transaction is committed at the end, or undone where `dry_run` asks for it."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        if dry_run:
            transaction.rollback()


def initialise(settings: Settings) -> DatabaseStatus:
    """Create the database where it is missing, bring its schema to the head and return where it is."""
    upgrade(settings)
    return status(settings)


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Bring the schema up to `revision` as the owner."""
    with _owner(settings) as connection:
        migrate.upgrade(connection, revision)
        database.grant_app_role(connection, database.login_name(settings, "app"))


def downgrade(settings: Settings, revision: str) -> None:
    """Take the schema down to `revision` (`base`: no tables), with the data of what is dropped."""
    with _owner(settings) as connection:
        migrate.downgrade(connection, revision)


def check(settings: Settings) -> list[str]:
    """Return the differences between the models and the live database, one line each."""
    with _owner(settings) as connection:
        return migrate.differences(connection)


def status(settings: Settings) -> DatabaseStatus:
    """Return how the database stands; the embedded server is not started for it."""
    if not database.is_external(settings):
        info = database.server(settings).status()
        revision = _revision(settings) if info.running else None
        return DatabaseStatus(
            kind=f"embedded PostgreSQL {info.version or ''}".strip(),
            running=info.running,
            host=info.host,
            port=info.port,
            database=settings.database_name,
            revision=revision,
            head=migrate.head(),
            data_dir=str(info.data_dir),
            log=str(info.log),
        )
    address = sa.make_url(database.database_url(settings))
    return DatabaseStatus(
        kind="DATABASE_URL",
        running=True,
        revision=_revision(settings),
        host=address.host or "",
        port=address.port or 5432,
        database=address.database or "",
        head=migrate.head(),
        data_dir="",
        log="",
    )


def has_database(settings: Settings) -> bool:
    """Return whether there is a database to ask, running or not: the embedded one is made on first use."""
    if database.is_external(settings):
        return True
    return (database.server(settings).status().data_dir / "PG_VERSION").is_file()


def stop(settings: Settings) -> bool:
    """Stop the embedded server; return whether it was running. A server of DATABASE_URL is left alone."""
    return not database.is_external(settings) and database.server(settings).stop()


def url(settings: Settings, role: Role = "app", *, mlflow: bool = False) -> str:
    """Return the address for standard clients, with its password; the embedded server is started."""
    return database.mlflow_url(settings) if mlflow else database.database_url(settings, role)


def psql(settings: Settings, role: Role = "app") -> tuple[Path, Mapping[str, str]]:
    """Return psql's path and the PG* environment it needs: a password never stands on a command line."""
    address = sa.make_url(database.database_url(settings, role))
    named = {
        "PGHOST": address.host,
        "PGPORT": address.port,
        "PGUSER": address.username,
        "PGPASSWORD": address.password,
        "PGDATABASE": address.database,
        "PGSSLMODE": address.query.get("sslmode"),
        "PGSSLROOTCERT": address.query.get("sslrootcert"),
        "PGOPTIONS": address.query.get("options"),
    }
    return find_client("psql"), {name: str(value) for name, value in named.items() if value is not None}


def backup(settings: Settings, path: Path) -> archive.Manifest:
    """Write every table, as of one moment, to one file at `path`; also of a schema that is yet to be upgraded."""
    engine = database.open_database(settings, "owner")
    try:
        return archive.backup(engine, path)
    finally:
        engine.dispose()


def verify_backup(path: Path) -> archive.Manifest:
    """Return what the backup at `path` holds after verifying its checksums; no database is needed."""
    return archive.verify(path)


def restore(settings: Settings, path: Path, *, replace: bool = False) -> archive.Manifest:
    """Load the file at `path` into an empty migrated database; with `replace` into one emptied for it."""
    archive.verify(path)  # before an embedded server is even created
    with opened(settings, "owner") as engine:
        summary = archive.restore(engine, path, replace=replace)
        with engine.begin() as connection:
            database.grant_app_role(connection, database.login_name(settings, "app"))
    return summary


@contextmanager
def _owner(settings: Settings) -> Iterator[sa.Connection]:
    engine = database.open_database(settings, "owner")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _revision(settings: Settings) -> str | None:
    engine = database.open_database(settings)
    try:
        with engine.connect() as connection:
            return migrate.current(connection)
    finally:
        engine.dispose()
