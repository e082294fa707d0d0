"""Filling a table for the benchmarks: rows go in bare, keys and indexes are built behind them, in one transaction.

The product does not do this: it takes the table's owner and locks every reader out.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from aipro_ml.db.copy import driver_connection

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


@dataclass(frozen=True)
class _Definition:
    """A key, index or foreign key as PostgreSQL writes it."""

    name: str
    words: str


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
    # the leader builds too: on two cores a second worker only gets in the way (1.1 times as long)
    raw.execute(f"SET LOCAL max_parallel_maintenance_workers = {max((os.cpu_count() or 1) - 1, 0)}".encode())
    raw.execute("SET LOCAL statement_timeout = 0")
    for index in indexes:
        raw.execute(index.words.encode())
    for constraint in constraints:  # foreign keys come last, when the keys are there
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(name, sql.Identifier(constraint.name))
        raw.execute(add.as_bytes(raw) + constraint.words.encode())
