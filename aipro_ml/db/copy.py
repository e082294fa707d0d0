"""Bulk paths between frames and tables: COPY BINARY inside the SQLAlchemy connection's own transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql

from aipro_ml.db.encode import blocks, pack
from aipro_ml.db.kinds import kind_of, python_values

_STAGING = "staged_rows"


@dataclass(frozen=True)
class UpsertCount:
    """Rows an upsert wrote; rows that were already the same count in neither."""

    inserted: int
    updated: int


def copy_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Load `frame` into `table` by COPY BINARY and return the number of rows.

    The frame's columns are columns of the table, in any order; a column left out takes its default. NA, NaN,
    NaT and None become NULL. Times must be timezone-aware and land as UTC; naive ones raise ValueError.
    """
    return _copy_into(connection, table, frame, sql.Identifier(table.name))


def insert_new(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Insert the rows of `frame` that break no unique rule of `table`; return how many were new."""
    if frame.empty:
        return 0
    _stage(connection, table, frame)
    columns = _names(frame)
    return _write(
        connection,
        sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} ON CONFLICT DO NOTHING"),
        table,
        columns=columns,
        last=True,
    )


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    frame: pd.DataFrame,
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> UpsertCount:
    """Insert the rows whose `key` is new and bring the columns `update` of the others to the frame's values.

    Only rows in which one of them differs (NULL equals NULL) are touched, so a second run writes nothing.
    `key` must be unique in the table, and in the frame (ValueError).
    """
    if frame.empty:
        return UpsertCount(0, 0)
    repeated = frame.duplicated(list(key))
    if repeated.any():
        row = frame.loc[repeated, list(key)].iloc[0].to_dict()
        raise ValueError(f"{table.name}: the key {row} comes more than once in one batch")
    _stage(connection, table, frame)
    updated = _update_changed(connection, table, key, update) if update else 0
    inserted = _write(
        connection,
        sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} ON CONFLICT ({key}) DO NOTHING"),
        table,
        columns=_names(frame),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        last=True,
    )
    return UpsertCount(inserted, updated)


def read_frame(connection: sa.Connection, statement: sa.Executable) -> pd.DataFrame:
    """Return the rows of `statement`, read from the driver's cursor column by column.

    Times come as datetime64[us, UTC], UUIDs as text, numerics as Decimal, integers and booleans with gaps as
    pandas has them (float64 with NaN, object with None).
    """
    result = connection.execute(statement)
    cursor = cast(Any, result.cursor)
    described = [(column.name, column.type_code) for column in cursor.description]
    rows = cursor.fetchall()
    result.close()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(described)
    read = {i: _series(oid, values) for i, ((_, oid), values) in enumerate(zip(described, columns, strict=True))}
    frame = pd.DataFrame(read)
    frame.columns = pd.Index([name for name, _ in described])
    return frame


def any_of(ids: Iterable[object]) -> sa.CollectionAggregate[Any]:
    """Return `ANY` of these UUIDs as one parameter: a list of them ends at 65,535."""
    return sa.any_(sa.cast([str(each) for each in ids], postgresql.ARRAY(postgresql.UUID(as_uuid=False))))


def driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection under `connection`, inside a transaction SQLAlchemy knows of."""
    if not connection.in_transaction():
        connection.begin()
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _stage(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """Load the frame into a temporary table of the same column types."""
    driver_connection(connection).execute(
        sql.SQL("CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA").format(
            staging=sql.Identifier(_STAGING), columns=_names(frame), table=sql.Identifier(table.name)
        )
    )
    _copy_into(connection, table, frame, sql.Identifier(_STAGING))


def _update_changed(connection: sa.Connection, table: sa.Table, key: Sequence[str], update: Sequence[str]) -> int:
    """Update first, without touching equal rows: ON CONFLICT DO UPDATE would lock and so rewrite them all."""
    old, new = sql.Identifier(table.name), sql.Identifier(_STAGING)

    def pairs(pattern: str, names: Sequence[str], between: str) -> sql.Composed:
        one = [sql.SQL(cast(Any, pattern)).format(c=sql.Identifier(n), old=old, new=new) for n in names]
        return sql.SQL(cast(Any, between)).join(one)

    return _write(
        connection,
        sql.SQL("UPDATE {table} SET {values} FROM {staging} WHERE {match} AND ({differs})"),
        table,
        values=pairs("{c} = {new}.{c}", update, ", "),
        match=pairs("{old}.{c} = {new}.{c}", key, " AND "),
        differs=pairs("{old}.{c} IS DISTINCT FROM {new}.{c}", update, " OR "),
    )


def _write(
    connection: sa.Connection,
    pattern: sql.SQL,
    table: sa.Table,
    *,
    last: bool = False,
    **parts: sql.Composable,
) -> int:
    """Run one statement from the staging table, drop that table after the last; return the row count."""
    raw, staging = driver_connection(connection), sql.Identifier(_STAGING)
    done = raw.execute(pattern.format(table=sql.Identifier(table.name), staging=staging, **parts))
    if last:
        raw.execute(sql.SQL("DROP TABLE {}").format(staging))
    return done.rowcount


def _names(frame: pd.DataFrame) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, frame.columns))


def _copy_into(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame, target: sql.Identifier) -> int:
    if frame.empty:
        return 0
    kinds = {name: kind_of(table, name) for name in frame.columns}
    packed = [pack(frame[name], kind, f"{table.name}.{name}") for name, kind in kinds.items()]
    ready = [column for column in packed if column is not None]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(target, _names(frame))
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        if len(ready) == len(packed):
            for block in blocks(ready):
                copy.write(block)
        else:
            _write_rows(copy, table, frame, kinds)
    return len(frame)


def _write_rows(copy: psycopg.Copy, table: sa.Table, frame: pd.DataFrame, kinds: Mapping[str, str]) -> None:
    """Send row by row what has no fixed width: documents, arrays, decimal numbers, very long texts."""
    columns = [python_values(frame[name], kind, f"{table.name}.{name}") for name, kind in kinds.items()]
    copy.set_types(list(kinds.values()))
    for row in zip(*columns, strict=True):
        copy.write_row(row)


def _series(oid: int, values: Sequence[Any]) -> pd.Series:
    """Return one column of a result in the type its PostgreSQL type has in frames."""
    gaps = any(value is None for value in values)
    if oid in _TIMES:
        if oid != _oid("timestamp"):
            values = [value and value.replace(tzinfo=None) for value in values]
        return pd.Series(np.array(values, dtype="datetime64[us]")).dt.tz_localize("UTC")
    if oid == _oid("uuid"):
        return pd.Series([None if value is None else str(value) for value in values], dtype=object)
    if oid in _FLOATS or (oid in _INTEGERS and gaps):
        return pd.Series(np.array(values, dtype="float64"))
    if oid in _INTEGERS:
        return pd.Series(np.array(values, dtype="int64"))
    if oid == _oid("bool") and not gaps:
        return pd.Series(np.array(values, dtype="bool"))
    return pd.Series(list(values), dtype=object)


def _oid(name: str) -> int:
    return psycopg.postgres.types.get_oid(name)


_TIMES = {_oid("timestamp"), _oid("timestamptz")}  # sessions run in UTC, so both read as UTC
_INTEGERS = {_oid("int2"), _oid("int4"), _oid("int8")}
_FLOATS = {_oid("float4"), _oid("float8")}
