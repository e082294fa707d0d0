"""Fixtures of the database: one server a test session, a migrated template, and a fresh clone for each test.

With DATABASE_URL set the throw-away databases are made on that server; otherwise on an embedded one.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from aipro_ml.config import Settings
from aipro_ml.db.embedded import EmbeddedServer
from aipro_ml.db.engine import open_database
from aipro_ml.jobs import database


@dataclass(frozen=True)
class Server:
    """A server to make databases on, by the URLs of its two roles."""

    owner_url: str
    app_url: str

    def settings(self, home: Path, name: str, mlflow: str | None = None) -> Settings:
        """Return settings of an installation in `home` whose database is `name`."""
        return Settings(
            home=home,
            database_url=_named(self.app_url, name),
            database_owner_url=_named(self.owner_url, name),
            mlflow_tracking_uri=mlflow and _named(self.owner_url, mlflow, "postgresql+psycopg"),
            pool_size=5,
        )

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Make a database of a name of its own, drop it at the end."""
        name = f"aipro_test_{uuid4().hex[:12]}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield name
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        """Drop a database; an autovacuum worker in it is the superuser's, and an owner can only wait for it."""
        for last in (False,) * 40 + (True,):
            try:
                return self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                if last:
                    raise
                time.sleep(0.25)
        return None

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _hurry(url: str) -> None:
    """Let the throw-away server skip waits for the disk and clean-ups: each test makes and drops a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")


def _named(url: str, name: str, driver: str = "postgresql") -> str:
    return sa.make_url(url).set(drivername=driver, database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder every user can enter: pytest's own is closed to `nobody`, the server's user under root."""
    folder = Path(tempfile.mkdtemp(prefix="aipro-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[Server]:
    """The session's server (one for each xdist worker)."""
    given = os.environ.get("DATABASE_URL")
    if given:
        plain = _named(given, str(sa.make_url(given).database))
        yield Server(plain, plain)
        return
    embedded = EmbeddedServer(open_folder / "session", ("ai_pro_sports",))
    info, logins = embedded.ensure(), embedded.logins()
    _hurry(f"postgresql://postgres:{logins.superuser}@{info.host}:{info.port}/postgres")
    place = f"{info.host}:{info.port}/ai_pro_sports"
    yield Server(f"postgresql://aipro_owner:{logins.owner}@{place}", f"postgresql://aipro_app:{logins.app}@{place}")
    embedded.stop()


@pytest.fixture(scope="session")
def template(server: Server, open_folder: Path) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with server.database() as name:
        database.upgrade(server.settings(open_folder, name))
        yield name


@pytest.fixture(scope="session")
def mlflow_database(server: Server) -> Iterator[str]:
    """The name of the session's database for MLflow's tables; MLflow builds them when first used."""
    with server.database() as name:
        yield name


@pytest.fixture
def empty_database(server: Server, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an installation whose database has no tables."""
    with server.database() as name:
        yield server.settings(tmp_path, name)


@pytest.fixture
def database_settings(server: Server, template: str, mlflow_database: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an installation of the test's own: a fresh migrated database and an empty home."""
    with server.database(template) as name:
        yield server.settings(tmp_path, name, mlflow_database)


@pytest.fixture
def engine(database_settings: Settings) -> Iterator[sa.Engine]:
    """An engine on the test's database with the application's rights."""
    opened = open_database(database_settings)
    yield opened
    opened.dispose()


@pytest.fixture
def owner_engine(database_settings: Settings) -> Iterator[sa.Engine]:
    """An engine on the test's database with the owner's rights."""
    opened = open_database(database_settings, "owner")
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def _shared_engine(server: Server, template: str, open_folder: Path) -> Iterator[sa.Engine]:
    with server.database(template) as name:
        opened = open_database(server.settings(open_folder, name))
        yield opened
        opened.dispose()


@pytest.fixture
def connection(_shared_engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection with the application's rights; what the test does is rolled back at its end."""
    with _shared_engine.connect() as opened:
        opened.begin()
        yield opened
        opened.rollback()
