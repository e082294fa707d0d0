"""Secrets planted to be looked for, and where they could come out: files, databases, what commands print."""

import gzip
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import connect, sql

from aipro_ml.config import Settings

ENVIRONMENT = {
    "AIPRO_ODDS_API_KEY": "planted-odds-key-7d1f",
    "AIPRO_ALERT_WEBHOOK": "http://127.0.0.1:1/hook/planted-hook-3c55?key=planted-query-91ab",
    "AIPRO_SMTP_PASSWORD": "planted-mail-word-55e2",
    "AIPRO_SECRET_KEY": "planted-seal-0f3b9a-0f3b9a-0f3b9a-0f3b9a",
}
MARKS = {
    "AIPRO_ODDS_API_KEY": "planted-odds-key-7d1f",
    "AIPRO_ALERT_WEBHOOK": "planted-hook-3c55",
    "its query": "planted-query-91ab",
    "AIPRO_SMTP_PASSWORD": "planted-mail-word-55e2",
    "AIPRO_SECRET_KEY": "planted-seal-0f3b9a",
}
"""What of each would give it away, by what it is."""


def plant(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put the secrets into the environment; return their marks."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return dict(MARKS)


def passwords_of(settings: Settings) -> dict[str, str]:
    """Return the passwords of the database's two logins."""
    urls = {"DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.database_owner_url}
    return {name: str(sa.make_url(url.get_secret_value()).password) for name, url in urls.items() if url is not None}


def leaks(where: str, content: bytes | str, secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets stand in `content`, each with where."""
    whole = content.encode() if isinstance(content, str) else content
    return [f"{name} in {where}" for name, secret in secrets.items() if secret.encode() in whole]


def leaks_of_files(folders: Iterable[Path], secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets stand in any file below the folders, inside archives too."""
    return [leak for folder in folders for name, content in _contents(folder) for leak in leaks(name, content, secrets)]


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield str(path), content
        if content[:2] == b"\x1f\x8b":
            yield f"{path}, unpacked", gzip.decompress(content)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path}, {name}", archive.read(name)) for name in archive.namelist())


def leaks_of_database(url: str, secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets stand in any row of the database."""
    found = []
    with connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for place in tables:
            query = sql.SQL("SELECT coalesce(string_agg(t::text, ' '), '') FROM {} t").format(sql.Identifier(*place))
            found += leaks(".".join(place), str(connection.execute(query).fetchone()), secrets)
    return found
