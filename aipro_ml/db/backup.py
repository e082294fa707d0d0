"""Backup and restore: one file with every table as of one moment, portable between server versions.

PostgreSQL's own pg_dump is not used: a dump of version 18 does not restore into 15, and a restore here is
one transaction that verifies every checksum first.
"""

import gzip
import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from aipro_ml.db import migrate
from aipro_ml.db.copy import driver_connection
from aipro_ml.db.guards import OF_THE_PRESENT, Guard
from aipro_ml.db.models import metadata
from aipro_ml.errors import DatabaseError, DataFileError, GuardError
from aipro_ml.files import whole

FORMAT = "aipro-backup-1"
_MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class TableEntry:
    """One table of a backup: its columns in file order, rows, and the SHA-256 of its COPY text."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: the schema's revision and its tables, parents before children."""

    revision: str
    tables: tuple[TableEntry, ...]

    @property
    def rows(self) -> int:
        """Return the number of rows of all tables."""
        return sum(table.rows for table in self.tables)


def backup(engine: sa.Engine, path: Path) -> Manifest:
    """Write all tables to one file at `path`, in one repeatable-read transaction; `path` appears complete."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with tempfile.TemporaryDirectory() as name, engine.connect() as plain:
            connection, folder = plain.execution_options(**options), Path(name)
            _no_timeout(connection)
            revision = migrate.current(connection)
            if revision is None:
                raise DatabaseError("there is nothing to back up: the database has no tables (`aipro db init`)")
            entries = tuple(_dump(connection, table, folder) for table in _tables())
            manifest = Manifest(revision, entries)
            with whole(path) as draft:
                _pack(manifest, folder, draft)
    except OSError as error:
        raise DataFileError(f"cannot be written ({error.strerror})", file=str(path)) from error
    return manifest


def verify(path: Path) -> Manifest:
    """Return the manifest of the backup at `path` after holding every table against its checksum."""
    with _reading(path) as archive:
        manifest = _read_manifest(archive)
        for table in manifest.tables:
            if _sha256(_member(archive, table)) != table.sha256:
                raise DataFileError(f"table {table.name} does not match its checksum", file=str(path))
    return manifest


def restore(engine: sa.Engine, path: Path, *, replace: bool = False) -> Manifest:
    """Load the backup at `path` in one transaction as the owner; its checksums are verified first.

    The database must be migrated and empty, else GuardError; with `replace` its tables are dropped and made
    anew at the backup's revision, then brought to the head.
    """
    manifest = verify(path)
    with engine.begin() as connection:
        _no_timeout(connection)
        if replace:
            migrate.downgrade(connection, "base")
            migrate.upgrade(connection, manifest.revision)
        else:
            _require_empty(connection, manifest)
        _load_all(connection, manifest, path)
        if replace:
            migrate.upgrade(connection)
    return manifest


def _tables() -> list[sa.Table]:
    return list(metadata.sorted_tables)


def _no_timeout(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _dump(connection: sa.Connection, table: sa.Table, folder: Path) -> TableEntry:
    """Write the rows of `table` as COPY text to a file of its name."""
    columns = tuple(table.columns.keys())
    digest, rows = hashlib.sha256(), 0
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table.name), _identifiers(columns))
    with (folder / table.name).open("wb") as file, driver_connection(connection).cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in copy:
                file.write(block)
                digest.update(block)
        rows = cursor.rowcount
    return TableEntry(table.name, columns, rows, digest.hexdigest())


def _pack(manifest: Manifest, folder: Path, path: Path) -> None:
    (folder / _MANIFEST).write_text(json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1))
    path.touch(mode=0o600)  # it holds password hashes and sessions
    with tarfile.open(path, "w:gz", compresslevel=5) as archive:
        archive.add(folder / _MANIFEST, _MANIFEST)
        for table in manifest.tables:
            archive.add(folder / table.name, f"tables/{table.name}")


@contextmanager
def _reading(path: Path) -> Iterator[tarfile.TarFile]:
    """Open the archive; whatever is wrong with it becomes one error that names the file."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            yield archive
    except _DAMAGED as error:
        raise DataFileError(f"no backup of aipro, or damaged ({error})", file=str(path)) from error
    except OSError as error:
        raise DataFileError(f"cannot be read ({error.strerror or error})", file=str(path)) from error


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    stored: dict[str, Any] = json.loads(_open(archive, _MANIFEST).read())
    if stored["format"] != FORMAT:
        raise ValueError(f"format {stored['format']}, this version reads {FORMAT}")
    tables = [TableEntry(**{**each, "columns": tuple(each["columns"])}) for each in stored["tables"]]
    return Manifest(stored["revision"], tuple(tables))


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is no file")
    return member


def _member(archive: tarfile.TarFile, table: TableEntry) -> IO[bytes]:
    return _open(archive, f"tables/{table.name}")


def _sha256(file: IO[bytes]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _require_empty(connection: sa.Connection, manifest: Manifest) -> None:
    current = migrate.current(connection)
    if current != manifest.revision:
        raise GuardError(f"the backup is of revision {manifest.revision}, the database at {current}: give --replace")
    for table in _tables():
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise GuardError(
                f"the database is not empty (table {table.name} has rows): restore into a new one,"
                " or give --replace to drop what is there"
            )


def _load_all(connection: sa.Connection, manifest: Manifest, path: Path) -> None:
    try:
        with _reading(path) as archive, _without_guards_of_the_present(connection):
            for table in manifest.tables:
                _load(connection, table, _member(archive, table))
        for table in manifest.tables:
            _fill_deferred(connection, table)
    except psycopg.Error as error:
        reason = str(error).splitlines()[0]
        raise DatabaseError(f"{path}: the backup does not fit the tables ({reason}); nothing was changed") from error


@contextmanager
def _without_guards_of_the_present(connection: sa.Connection) -> Iterator[None]:
    """Let rows in that were in time when they were written; a backup of an older schema has no such guards yet."""
    raw = driver_connection(connection)
    there = {name for (name,) in raw.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")}
    guards = [guard for guard in OF_THE_PRESENT if guard.trigger in there]
    _set_triggers(raw, guards, sql.SQL("DISABLE"))
    yield
    _set_triggers(raw, guards, sql.SQL("ENABLE"))


def _set_triggers(raw: psycopg.Connection[Any], guards: Iterable[Guard], how: sql.SQL) -> None:
    for guard in guards:
        names = (sql.Identifier(guard.table), how, sql.Identifier(guard.trigger))
        raw.execute(sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(*names))


def _deferred(table: TableEntry) -> list[str]:
    """Return the columns that close a cycle of foreign keys: they are filled when all rows are there."""
    declared = metadata.tables.get(table.name)
    keys = declared.foreign_key_constraints if declared is not None else ()
    return [column.name for each in keys if each.use_alter for column in each.columns]


def _load(connection: sa.Connection, table: TableEntry, file: IO[bytes]) -> None:
    """Copy one table in; one with a cyclic key goes through a staging table and leaves that key NULL."""
    raw, deferred = driver_connection(connection), _deferred(table)
    target = sql.Identifier(table.name)
    if deferred:
        target = _staging(table)
        raw.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                target, _identifiers(table.columns), sql.Identifier(table.name)
            )
        )
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(target, _identifiers(table.columns))
    with raw.cursor() as cursor:
        with cursor.copy(statement) as copy:
            while block := file.read(_CHUNK):
                copy.write(block)
        if cursor.rowcount != table.rows:
            raise DatabaseError(f"table {table.name}: {cursor.rowcount} rows of {table.rows} were restored")
    if deferred:
        kept = _identifiers(tuple(name for name in table.columns if name not in deferred))
        raw.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(sql.Identifier(table.name), kept, kept, target)
        )


def _fill_deferred(connection: sa.Connection, table: TableEntry) -> None:
    for name in _deferred(table):
        column, staging = sql.Identifier(name), _staging(table)
        driver_connection(connection).execute(
            sql.SQL("UPDATE {t} SET {c} = {s}.{c} FROM {s} WHERE {t}.id = {s}.id").format(
                t=sql.Identifier(table.name), c=column, s=staging
            )
        )


def _staging(table: TableEntry) -> sql.Identifier:
    return sql.Identifier(f"restored_{table.name}")


def _identifiers(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
