"""Which PostgreSQL type a column is sent as, and its values as Python objects of that type."""

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from aipro_ml.times import ensure_utc

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


def kind_of(table: sa.Table, name: str) -> str:
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


def python_values(column: pd.Series, kind: str, place: str) -> list[Any]:
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
    except (TypeError, ValueError, ArithmeticError) as error:
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
