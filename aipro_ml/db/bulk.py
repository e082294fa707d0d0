"""The large first load: rows go in bare, and keys and indexes are built once behind them, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from aipro_ml.db.copy import driver_connection

LARGE = 100_000
"""Rows from which on it pays: building indexes over fewer costs about what keeping them costs."""

_CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid), contype::text FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')
    ORDER BY position(contype::text IN 'puf'), conname
"""
_INDEXES = """
    SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = %s::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
    ORDER BY relname
"""
_OWNED = """
    SELECT pg_has_role(relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = pg_class.oid)
    FROM pg_class WHERE oid = %s::regclass
"""


@dataclass(frozen=True)
class _Definition:
    """A key, index or foreign key as PostgreSQL writes it."""

    name: str
    words: str


def can_build_after(connection: sa.Connection, table: sa.Table, rows: int) -> bool:
    """Return whether a load of so many rows may take `without_indexes`.

    It must be large and the table empty; the session must own the table (the application's role does not: it
    loads under keys and indexes) and no other table may refer to it.
    """
    if rows < LARGE:
        return False
    raw, name = driver_connection(connection), sql.Identifier(table.name)
    (owned,) = raw.execute(_OWNED, [table.name]).fetchone() or (False,)
    if not owned:
        return False
    (empty,) = raw.execute(sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(name)).fetchone() or (False,)
    return bool(empty)


@contextmanager
def without_indexes(connection: sa.Connection, table: sa.Table) -> Iterator[None]:
    """Take keys, indexes and foreign keys of `table` away and build the very same again at the end.

    The table is locked until the transaction ends, and whoever else reads it waits. Where a row breaks a key
    the driver's error is raised and the transaction is lost: nothing is left without its keys.
    """
    raw, name = driver_connection(connection), sql.Identifier(table.name)
    raw.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
    constraints = [_Definition(*row[:2]) for row in raw.execute(_CONSTRAINTS, [table.name]).fetchall()]
    indexes = [_Definition(*row) for row in raw.execute(_INDEXES, [table.name]).fetchall()]
    for constraint in reversed(constraints):
        raw.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(constraint.name)))
    for index in indexes:
        raw.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index.name)))
    yield
    raw.execute("SET LOCAL maintenance_work_mem = '256MB'")
    raw.execute("SET LOCAL statement_timeout = 0")
    for index in indexes:
        raw.execute(index.words.encode())
    for constraint in constraints:  # foreign keys come last, when the keys are there
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(name, sql.Identifier(constraint.name))
        raw.execute(add.as_bytes(raw) + constraint.words.encode())
