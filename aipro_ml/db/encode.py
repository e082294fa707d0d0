"""Frames as the bytes of COPY BINARY, by NumPy records: no Python object a value, and no call a row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from aipro_ml.db.kinds import python_values

Bytes = npt.NDArray[Any]
Sizes = npt.NDArray[np.int32]

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
BLOCK_BYTES = 4 << 20
LONGEST_TEXT = 4096
"""Bytes; a record is as wide as its longest text, so a frame with a longer one is sent row by row."""

_NULL, _FLOAT8_OID = -1, 701
_EPOCH = np.datetime64("2000-01-01", "us").astype("int64")
_EPOCH_DAY = np.datetime64("2000-01-01", "D").astype("int64")
_WHOLE = {"int2": ">i2", "int4": ">i4", "int8": ">i8"}
_IDENTIFIER = pd.ArrowDtype(pa.binary(16))


@dataclass(frozen=True)
class Packed:
    """One column: `data` (n,) of one fixed-width type in network order; `size` (n,) bytes a value, −1 for NULL.

    `size` None: every value is there and fills its width.
    """

    data: Bytes
    size: Sizes | None = None

    def take(self, codes: npt.NDArray[np.intp]) -> "Packed":
        """Return the values at `codes`, NULL where a code is −1."""
        full = np.full(len(self.data), self.data.dtype.itemsize, dtype=np.int32) if self.size is None else self.size
        if not len(self.data):
            return Packed(np.zeros(len(codes), dtype=self.data.dtype), np.full(len(codes), _NULL, dtype=np.int32))
        if self.size is None and (codes >= 0).all():
            return Packed(self.data[codes])
        return Packed(self.data[codes], np.where(codes < 0, np.int32(_NULL), full[codes]))


def identifiers(raw: bytes) -> pd.Series:
    """Return 16 bytes an identifier, end to end, as a column that COPY sends without a look at each."""
    values = pa.Array.from_buffers(pa.binary(16), len(raw) // 16, [None, pa.py_buffer(raw)])
    return pd.Series(pd.arrays.ArrowExtensionArray(values))


def pack(column: pd.Series, kind: str, place: str) -> Packed | None:
    """Return the column as values of the PostgreSQL type `kind`, None where it can only go row by row.

    Missing values (None, NaN, NaT, NA) are NULL. ValueError beginning with `place` for a value of another type.
    """
    if kind not in _PACK:
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = pack(column.cat.categories.to_series(), kind, place)
        return None if words is None else words.take(column.cat.codes.to_numpy("intp"))
    return _PACK[kind](column, kind, place)


def blocks(columns: Sequence[Packed]) -> Iterator[bytes]:
    """Yield the whole COPY BINARY stream of these columns in pieces of about BLOCK_BYTES."""
    fields, widths = [("n", ">i2")], {}
    for number, column in enumerate(columns):
        fields += [(f"size{number}", ">i4"), (f"data{number}", column.data.dtype.str)]
        widths[f"data{number}"] = column.data.dtype.itemsize
    record = np.dtype(fields)
    rows, step = len(columns[0].data), max(1, BLOCK_BYTES // record.itemsize)
    kept = _mask(record, widths, columns, min(step, rows))
    yield SIGNATURE
    for start in range(0, rows, step):
        yield _block([_part(column, start, start + step) for column in columns], record, kept)
    yield TRAILER


def _part(column: Packed, start: int, stop: int) -> Packed:
    return Packed(column.data[start:stop], None if column.size is None else column.size[start:stop])


def _mask(record: np.dtype[Any], widths: dict[str, int], columns: Sequence[Packed], rows: int) -> Bytes | None:
    """Return the bytes of a block that are sent, as records of the same layout; None where all are."""
    if all(column.size is None for column in columns):
        return None
    layout = [
        (name, f"V{widths[name]}" if name in widths else f"V{record[name].itemsize}") for name in record.names or ()
    ]
    mask: Bytes = np.ones(rows * record.itemsize, dtype=bool).view(np.dtype(layout))
    return mask


def _block(columns: Sequence[Packed], record: np.dtype[Any], mask: Bytes | None) -> bytes:
    rows = len(columns[0].data)
    block = np.empty(rows, dtype=record)
    block["n"] = len(columns)
    for number, column in enumerate(columns):
        width = column.data.dtype.itemsize
        block[f"data{number}"] = column.data
        block[f"size{number}"] = width if column.size is None else column.size
        if mask is not None and column.size is not None:
            mask[f"data{number}"][:rows] = _prefixes(width)[np.maximum(column.size, 0)]
    if mask is None:
        return block.tobytes()
    flat = block.view(np.uint8)
    kept: Bytes = flat[mask[:rows].view(bool)]
    return kept.tobytes()


def _prefixes(width: int) -> Bytes:
    """Return for each size 0 … width which of the width's bytes are sent."""
    return np.tri(width + 1, width, -1, dtype=bool).view(f"V{width}").ravel()


def _sizes(missing: npt.NDArray[np.bool_], width: int) -> Sizes | None:
    return np.where(missing, np.int32(_NULL), np.int32(width)) if missing.any() else None


def _identifier(column: pd.Series, kind: str, place: str) -> Packed:
    if column.dtype == _IDENTIFIER:
        values = pa.array(column.array)
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        data = np.frombuffer(values.buffers()[1], dtype="V16")[values.offset : values.offset + len(values)]
        return Packed(data, _sizes(column.isna().to_numpy(), 16))
    objects = column.tolist()
    if all(type(value) is UUID for value in objects):
        return Packed(np.frombuffer(b"".join([value.bytes for value in objects]), dtype="V16"))
    if column.map(type).eq(str).all():  # mostly few games and books over and over
        codes, words = pd.factorize(column)
        return _identifiers(python_values(pd.Series(words, dtype=object), kind, place)).take(codes)
    return _identifiers(python_values(column, kind, place))


def _identifiers(values: Sequence[UUID | None]) -> Packed:
    raw = b"".join(bytes(16) if value is None else value.bytes for value in values)
    missing = np.array([value is None for value in values], dtype=bool)
    return Packed(np.frombuffer(raw, dtype="V16"), _sizes(missing, 16))


def _time(column: pd.Series, kind: str, place: str) -> Packed:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    else:
        moments = np.array(python_values(column, kind, place), dtype="datetime64[us]")
    return Packed((moments.astype("int64") - _EPOCH).astype(">i8"), _sizes(np.isnat(moments), 8))


def _day(column: pd.Series, kind: str, place: str) -> Packed:
    days = np.array(python_values(column, kind, place), dtype="datetime64[D]")
    whole = np.where(np.isnat(days), 0, days.astype("int64") - _EPOCH_DAY)
    return Packed(whole.astype(">i4"), _sizes(np.isnat(days), 4))


def _whole(column: pd.Series, kind: str, place: str) -> Packed:
    width, missing = np.dtype(_WHOLE[kind]).itemsize, column.isna().to_numpy(bool)
    if pd.api.types.is_integer_dtype(column.dtype):
        numbers = column.to_numpy("int64", na_value=0) if missing.any() else column.to_numpy("int64")
    else:
        numbers = _whole_numbers(column, missing, kind, place)
    bound = 2 ** (8 * width - 1)
    over = (numbers < -bound) | (numbers > bound - 1)
    if over.any():
        raise ValueError(f"{place}: {numbers[over][0]} is beyond the range of {kind}")
    return Packed(numbers.astype(_WHOLE[kind]), _sizes(missing, width))


def _whole_numbers(column: pd.Series, missing: npt.NDArray[np.bool_], kind: str, place: str) -> npt.NDArray[np.int64]:
    """Return whole numbers of a column of floats, or of objects one by one; 0 where missing."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        given = np.where(missing, 0.0, column.to_numpy("float64"))
        if (np.abs(given) < 2**53).all() and (given == np.trunc(given)).all():
            return given.astype("int64")
    values = python_values(column, kind, place)
    try:
        return np.array([0 if value is None else value for value in values], dtype="int64")
    except OverflowError as error:
        raise ValueError(f"{place}: a number is beyond the range of {kind}") from error


def _number(column: pd.Series, kind: str, place: str) -> Packed:
    missing = column.isna().to_numpy(bool)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        numbers = column.to_numpy("float64", na_value=np.nan)
    else:
        numbers = np.array(python_values(column, kind, place), dtype="float64")
    return Packed(numbers.astype(">f8"), _sizes(missing, 8))


def _truth(column: pd.Series, kind: str, place: str) -> Packed:
    missing = column.isna().to_numpy(bool)
    if pd.api.types.is_bool_dtype(column.dtype):
        flags = column.to_numpy("bool", na_value=False)
    else:
        flags = np.array([bool(value) for value in python_values(column, kind, place)], dtype=bool)
    return Packed(flags.view("u1"), _sizes(missing, 1))


def _arrays(column: pd.Series, kind: str, place: str) -> Packed | None:  # noqa: ARG001 (one signature for all)
    """Return arrays of equally many numbers (NaN: NULL); None for others, which go row by row."""
    values = column.tolist()
    if not values or any(not isinstance(each, np.ndarray) or each.shape != values[0].shape for each in values):
        return None
    numbers = np.array(values, dtype="float64")
    if numbers.ndim != 2 or not numbers.shape[1]:
        return None
    missing, record = np.isnan(numbers), np.empty(len(values), dtype=_array_record(numbers.shape[1]))
    if record.itemsize > LONGEST_TEXT:
        return None
    record["dimensions"], record["nulls"], record["element"] = 1, missing.any(axis=1), _FLOAT8_OID
    record["length"], record["first"] = numbers.shape[1], 1
    record["items"]["size"] = np.where(missing, _NULL, 8)
    record["items"]["value"] = numbers
    return _without(record, missing)


def _array_record(length: int) -> np.dtype[Any]:
    header = [(name, ">i4") for name in ("dimensions", "nulls", "element", "length", "first")]
    return np.dtype([*header, ("items", [("size", ">i4"), ("value", ">f8")], (length,))])


def _without(record: Bytes, missing: npt.NDArray[np.bool_]) -> Packed:
    """Return the records without the values that are `missing`, of which only the size is sent."""
    width = record.dtype.itemsize
    if not missing.any():
        return Packed(record.view(f"V{width}"))
    sent = np.ones((len(record), width), dtype=bool)
    sent[:, width - 12 * missing.shape[1] :].reshape(*missing.shape, 12)[missing, 4:] = False
    sizes = sent.sum(axis=1, dtype=np.int32)
    moved = np.zeros((len(record), width), dtype=np.uint8)
    moved[np.arange(width) < sizes[:, None]] = record.view(np.uint8).reshape(len(record), width)[sent]
    return Packed(moved.view(f"V{width}").ravel(), sizes)


def _text(column: pd.Series, kind: str, place: str) -> Packed | None:
    codes, words = pd.factorize(column)
    raw = [word.encode() for word in python_values(pd.Series(words, dtype=object), kind, place)]
    width = max(map(len, raw), default=1)
    if width > LONGEST_TEXT:
        return None
    sizes = np.fromiter(map(len, raw), dtype=np.int32, count=len(raw))
    return Packed(np.array(raw, dtype=f"S{max(width, 1)}"), sizes).take(codes)


_PACK: dict[str, Callable[[pd.Series, str, str], Packed | None]] = {
    "uuid": _identifier,
    "timestamp": _time,
    "date": _day,
    "int2": _whole,
    "int4": _whole,
    "int8": _whole,
    "float8": _number,
    "bool": _truth,
    "text": _text,
    "float8[]": _arrays,
}
