"""What a running server tells: whether it answers, on which port, and what its pid file and its log say."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from aipro_ml.db.logins import ROLE_NAMES, SUPERUSER, Logins
from aipro_ml.errors import DatabaseError

HOST = "127.0.0.1"


def pid_file(data: Path) -> tuple[int | None, int | None]:
    """Return (pid, port) that `postmaster.pid` claims, None for what it does not say."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None, None
    numbers = [int(line) if line.strip().lstrip("-").isdigit() else None for line in lines]
    return (numbers[0] if numbers else None), (numbers[3] if len(numbers) > 3 else None)


def drop_stale_pid(data: Path) -> None:
    """Remove a pid file whose number now belongs to another program: PostgreSQL would refuse for ever.

    A server's working folder is its data folder; where /proc does not tell, the file is left alone.
    """
    pid, _ = pid_file(data)
    if pid is None:
        return
    try:
        works_in = (Path("/proc") / str(abs(pid)) / "cwd").resolve(strict=True)
    except OSError:
        return
    if works_in != data.resolve():
        (data / "postmaster.pid").unlink(missing_ok=True)


def probe(port: int, logins: Logins, data: Path) -> set[str] | None:
    """Return the names of the databases if it is our server over `data` that answers at `port`."""
    try:
        with _superuser(port, logins) as connection:
            row = connection.execute(
                "SELECT current_setting('data_directory'), array(SELECT datname::text FROM pg_database)"
            ).fetchone()
    except psycopg.Error:
        return None
    return set(row[1]) if row and Path(row[0]).resolve() == data.resolve() else None


def _superuser(port: int, logins: Logins) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=HOST,
        port=port,
        user=SUPERUSER,
        password=logins.superuser,
        dbname="postgres",
        connect_timeout=3,
        sslmode="disable",
        autocommit=True,
    )


def create_databases(port: int, logins: Logins, databases: Sequence[str]) -> None:
    """Create what is missing of the two roles and the databases; running it again changes nothing."""
    with _superuser(port, logins) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, name in ROLE_NAMES.items():
            rights = "CREATEDB" if role == "owner" else "NOCREATEDB"
            verb = "ALTER" if name in roles else "CREATE"
            connection.execute(
                sql.SQL(f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOCREATEROLE {rights} PASSWORD {{}}").format(
                    sql.Identifier(name), sql.Literal(logins.password(role))
                )
            )
        # so that the owner's login, given as DATABASE_URL, can step down to the application's rights
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(*(sql.Identifier(ROLE_NAMES[role]) for role in ("app", "owner")))
        )
        present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in databases:
            if name not in present:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(name), sql.Identifier(ROLE_NAMES["owner"])
                    )
                )


def free_port(preferred: int | None) -> int:
    """Return `preferred` where nothing listens on it, else a free port."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probing:
            probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probing.bind((HOST, port))
            except OSError:
                continue
            return int(probing.getsockname()[1])
    raise DatabaseError(f"no free port on {HOST}")


def last_line(printed: str) -> str:
    """Return the line that tells the reason: the last FATAL, else the last one."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "could not" in line]
    return (fatal or lines or ["it says nothing"])[-1]
