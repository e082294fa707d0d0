"""Bulk paths between frames and tables: COPY BINARY inside the SQLAlchemy connection's own transaction."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from aipro_ml.times import ensure_utc

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
    kinds = [_kind(table, name) for name in frame.columns]
    columns = [_values(frame[name], kind, f"{table.name}.{name}") for name, kind in zip(frame, kinds, strict=True)]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(target, _names(frame))
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(kinds)
        for row in zip(*columns, strict=True):
            copy.write_row(row)
    return len(frame)


_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.Uuid, "uuid"),
    (sa.DateTime, "timestamp"),
    (sa.Date, "date"),
    (sa.JSON, "jsonb"),
    (sa.Boolean, "bool"),
    (sa.SmallInteger, "int2"),
    (sa.BigInteger, "int8"),
    (sa.Integer, "int4"),
    (sa.Float, "float8"),
    (sa.Numeric, "numeric"),
    (sa.String, "text"),  # CHAR(1) too: psycopg has no binary dumper for it, and the bytes are the same
    (sa.ARRAY, "float8[]"),
    (postgresql.ARRAY, "float8[]"),
)


def _kind(table: sa.Table, name: str) -> str:
    """Return PostgreSQL's name of the type that a column is sent as."""
    if name not in table.columns:
        raise ValueError(f"{table.name}: no column {name}")
    declared: Any = table.columns[name].type
    while isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    for known, kind in _KINDS:
        if isinstance(declared, known):
            return kind
    raise ValueError(f"{table.name}.{name}: no bulk path for the type {declared}")


def _values(column: pd.Series, kind: str, place: str) -> list[Any]:
    """Return the column as Python values of `kind`, None where missing."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) and kind == "timestamp":
        times: list[Any] = _utc_naive(column).tolist()
        return times
    if pd.api.types.is_datetime64_dtype(column.dtype) and kind == "timestamp":
        raise ValueError(f"{place}: naive datetimes: give the column a time zone (times are UTC)")
    if not column.hasnans and kind in _AS_THEY_ARE and _AS_THEY_ARE[kind](column.dtype):
        plain: list[Any] = column.tolist()
        return plain
    convert, missing = _CONVERT[kind], column.isna().tolist()
    try:
        return [
            None if gap else convert(value) for value, gap in zip(column.astype(object).tolist(), missing, strict=True)
        ]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def _utc_naive(column: pd.Series) -> np.ndarray[Any, Any]:
    moments = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return cast("np.ndarray[Any, Any]", moments.astype("datetime64[us]").astype(object))


def _time(value: datetime) -> datetime:
    moment = ensure_utc(value).replace(tzinfo=None)
    return moment.to_pydatetime(warn=False) if isinstance(moment, pd.Timestamp) else moment


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _truth(value: Any) -> bool:
    if value not in (True, False):
        raise ValueError(f"{value!r} is neither true nor false")
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else cast(date, value)


def _floats(value: Any) -> list[float | None]:
    numbers = map(float, value)
    return [None if math.isnan(number) else number for number in numbers]


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "uuid": lambda value: value if isinstance(value, UUID) else UUID(value),
    "timestamp": _time,
    "date": _day,
    "jsonb": lambda value: value,
    "bool": _truth,
    "int2": _whole,
    "int4": _whole,
    "int8": _whole,
    "float8": float,
    "numeric": lambda value: value if isinstance(value, Decimal) else Decimal(str(value)),
    "text": _text,
    "float8[]": _floats,
}


_AS_THEY_ARE: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("int2", "int4", "int8"), pd.api.types.is_integer_dtype),
    "float8": pd.api.types.is_float_dtype,
    "bool": pd.api.types.is_bool_dtype,
}
"""Kinds whose values, in a column of such a type without gaps, need no look at each."""


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
