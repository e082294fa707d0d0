"""Bytes of an Excel workbook (.xlsx) to rows of text that know their line; only its first sheet is read."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources.read import MAX_BYTES, MISSING, TextTable

XLSX_MAGIC = b"PK\x03\x04"

MAX_ROWS = 1024**2
"""Rows a sheet of Excel can have."""

MAX_CELLS = 10_000_000
"""Most cells read, empty ones before the last of a row included: a small file can claim any number."""

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, IndexError, ValueError, TypeError, AttributeError,
    SyntaxError, NotImplementedError,
)  # fmt: skip
"""What reading a damaged workbook raises; a syntax error is one of its XML."""


def is_excel(data: bytes) -> bool:
    """Return whether the first bytes are those of a workbook."""
    return data[:4] == XLSX_MAGIC


def read_excel(
    data: bytes, *, name: str, columns: Sequence[str], also: Callable[[str], bool] | None = None
) -> TextTable:
    """Return the `columns` of the first sheet, below its header, as `read_csv` would; raise DataFileError otherwise.

    Formulas give the value they had when saved. Whole numbers lose their `.0`, dates become ISO texts.
    """
    try:
        return _table(_rows(data, name), name, columns, also)
    except _DAMAGE as error:
        raise DataFileError(f"the workbook is truncated or damaged ({error}); fetch it again", file=name) from error


def _table(
    rows: Iterator[tuple[int, list[str]]], name: str, columns: Sequence[str], also: Callable[[str], bool] | None
) -> TextTable:
    """Return the wanted cells of the rows below the header; only these are kept of a row, however wide it is."""
    found = next(rows, None)
    if found is None:
        raise DataFileError("the sheet is empty", file=name)
    first, header = found
    if also is not None:
        columns = [*columns, *dict.fromkeys(cell for cell in header if cell not in columns and also(cell))]
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataFileError(f"lacks the columns {', '.join(missing)} in its first sheet", file=name, line=first)
    places = [header.index(column) for column in columns]
    body = [(line, [cells[place] if place < len(cells) else "" for place in places]) for line, cells in rows]
    frame = pd.DataFrame([cells for _, cells in body], columns=list(columns), dtype=object).astype("string")
    frame = frame.mask(frame.isin(MISSING))
    lines = pd.Series([line for line, _ in body], dtype="int64")
    return TextTable(frame.assign(line_number=lines), (), len(body))


def _rows(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, cells) of each row that is not blank, as wide as its last cell."""
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_BYTES:
            raise DataFileError(f"more than {MAX_BYTES // 1024**2} MiB unpacked; split the workbook", file=name)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # a sheet that says it is a million rows wide would be padded with empty cells
    seen = 0
    for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        seen += len(values)
        if line > MAX_ROWS or seen > MAX_CELLS:
            raise DataFileError(f"more than {MAX_ROWS} rows or {MAX_CELLS} cells; split the workbook", file=name)
        cells = [_text(value) for value in values]
        if any(cells):
            yield line, cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value).strip()
