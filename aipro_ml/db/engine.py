"""Opens the database: `DATABASE_URL` where set, the embedded server otherwise; one login a role."""

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError

from aipro_ml.config import Settings
from aipro_ml.db import migrate
from aipro_ml.db.embedded import EmbeddedServer
from aipro_ml.db.logins import ROLE_NAMES, Role
from aipro_ml.errors import DatabaseError, GuardError, UnreachableError, UsageError

_SECURE = {"require", "verify-ca", "verify-full"}
_SCHEMES = {"postgres", "postgresql", "postgresql+psycopg"}
_DRIVER = "postgresql+psycopg"
_NO_ROLE = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)


def server(settings: Settings) -> EmbeddedServer:
    """Return the embedded server of this installation, not started."""
    return EmbeddedServer(settings.home, (settings.database_name, "mlflow"))


def is_external(settings: Settings) -> bool:
    """Return whether `DATABASE_URL` names the server; otherwise it is the embedded one."""
    return settings.database_url is not None


def open_database(settings: Settings, role: Role = "app") -> sa.Engine:
    """Return a connected engine for `role`; the embedded server is started first.

    Raise DatabaseError with one line, never with the password, where no connection can be had; GuardError
    where profile `production` would go without TLS.
    """
    url = _url(settings, role)
    engine = sa.create_engine(
        url.set(drivername=_DRIVER),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,  # an error is logged with its statement: hashes and sealed secrets are none of the log's
        connect_args={"options": _options(settings, url), "application_name": "aipro", "connect_timeout": 10},
    )
    if role == "app" and is_external(settings):
        event.listen(engine, "connect", _become_app)
    try:
        with engine.connect():
            return engine
    except DBAPIError as error:
        engine.dispose()
        raise UnreachableError(f"{_shown(url)}: cannot connect: {_reason(error.orig)}") from error


def open_reader(settings: Settings) -> sa.Engine:
    """Return an engine on the application's database whose sessions cannot write; the server must run already.

    Made for many short questions: a statement is a transaction of its own, joins are made in the order they are
    written (planning them anew costs more than running them), and a connection is not asked first whether it lives.
    """
    url = _url(settings, "app")
    options = f"{_options(settings, url)} -c default_transaction_read_only=on -c join_collapse_limit=1"
    engine = sa.create_engine(
        url.set(drivername=_DRIVER),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": options, "application_name": "aipro reader", "connect_timeout": 10},
    )
    if is_external(settings):
        event.listen(engine, "connect", _become_app)
    return engine


def database_url(settings: Settings, role: Role = "app") -> str:
    """Return `postgresql://user:password@host:port/database` for psql and other standard clients."""
    return _url(settings, role).set(drivername="postgresql").render_as_string(hide_password=False)


def mlflow_url(settings: Settings) -> str:
    """Return where MLflow keeps its tables: `MLFLOW_TRACKING_URI`, else a database of its own on the server.

    The embedded server's is called `mlflow`; on a server of one's own it is `<database>_mlflow`, created here
    where the login may. Raise DatabaseError saying what to do where it may not.
    """
    if settings.mlflow_tracking_uri:
        return settings.mlflow_tracking_uri
    return _beside(settings, "mlflow", "MLflow (or set MLFLOW_TRACKING_URI)")


def has_mlflow_database(settings: Settings) -> bool:
    """Return whether MLflow's own database is there: it is created when MLflow is first used."""
    url = _url(settings, "owner")
    name = f"{url.database}_mlflow" if is_external(settings) else "mlflow"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, connect_timeout=10) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def optuna_url(settings: Settings) -> str:
    """Return where Optuna keeps its studies: a database of its own on the server, created where it is missing.

    The embedded server's is called `optuna`, on a server of one's own it is `<database>_optuna`.
    """
    return _beside(settings, "optuna", "Optuna")


def _beside(settings: Settings, name: str, whose: str) -> str:
    """Return the address of another program's own database on the same server."""
    url = _url(settings, "owner")
    name = f"{url.database}_{name}" if is_external(settings) else name
    _create_database(url, name, whose)
    return url.set(drivername=_DRIVER, database=name).render_as_string(hide_password=False)


def require_schema(engine: sa.Engine) -> None:
    """Raise DatabaseError where the schema is missing or is not the one this code was written for."""
    with engine.connect() as connection:
        found = migrate.current(connection)
    if found is None:
        raise DatabaseError(f"{_shown(engine.url)}: no tables yet: run `aipro db init`")
    if found != migrate.head():
        raise DatabaseError(
            f"{_shown(engine.url)}: the schema is at revision {found}, this version needs {migrate.head()}:"
            " run `aipro db upgrade`"
        )


def grant_app_role(connection: sa.Connection, login: str) -> None:
    """Make `login` a member of the application's role where the owner may; otherwise leave it as it is."""
    if login in (ROLE_NAMES["app"], ""):
        return
    grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(ROLE_NAMES["app"]), sql.Identifier(login))
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(grant.as_string())
    except DBAPIError:
        return


def login_name(settings: Settings, role: Role) -> str:
    """Return the user name that `role` logs in with."""
    return _url(settings, role).username or ""


def _url(settings: Settings, role: Role) -> URL:
    """Return the address of the database; the embedded server is started first."""
    if settings.database_url is None:
        return _embedded_url(settings, role)
    owner = settings.database_owner_url if role == "owner" else None
    name = "DATABASE_URL" if owner is None else "DATABASE_OWNER_URL"
    url = _parse((owner or settings.database_url).get_secret_value(), name)
    if settings.profile == "production" and url.query.get("sslmode") not in _SECURE:
        raise GuardError(f"profile production refuses a connection without TLS: add ?sslmode=verify-full to {name}")
    return url


def _embedded_url(settings: Settings, role: Role) -> URL:
    if settings.profile == "production":
        raise GuardError("profile production refuses the embedded PostgreSQL (no TLS): set DATABASE_URL")
    embedded = server(settings)
    info = embedded.ensure()
    return URL.create(
        "postgresql",
        username=ROLE_NAMES[role],
        password=embedded.logins().password(role),
        host=info.host,
        port=info.port,
        database=settings.database_name,
    )


def _parse(text: str, name: str) -> URL:
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError(f"{name} is no database address: expected postgresql://user:password@host/db") from None
    if url.drivername not in _SCHEMES or not url.database:
        raise UsageError(f"{name}: expected postgresql://user:password@host:port/database")
    return url


def _options(settings: Settings, url: URL) -> str:
    """Return the session's settings; what the address itself asks for comes last and wins."""
    asked = url.query.get("options", "")
    ours = {
        "timezone": "UTC",
        "statement_timeout": settings.statement_timeout_s * 1000,
        "lock_timeout": settings.lock_timeout_s * 1000,
    }
    theirs = asked if isinstance(asked, str) else " ".join(asked)
    return " ".join([*(f"-c {name}={value}" for name, value in ours.items()), theirs]).strip()


def _become_app(connection: psycopg.Connection[Any], _: object) -> None:
    """Take the application's role, so that append-only rights hold although the login may own the tables."""
    connection.autocommit = True
    try:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ROLE_NAMES["app"])))
    except _NO_ROLE:
        pass
    finally:
        connection.autocommit = False


def _create_database(url: URL, name: str, whose: str) -> None:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.Error as error:
        raise DatabaseError(
            f"{_shown(url)}: cannot create the database {name} for {whose} ({_reason(error)}): create it"
        ) from error


def _shown(url: URL) -> str:
    """Return the address without user and password."""
    return f"{url.host or 'local socket'}:{url.port or 5432}/{url.database}"


def _reason(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "FATAL" in line or "failed" in line or "could not" in line]
    return (told or lines or ["no reason given"])[-1]
