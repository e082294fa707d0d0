"""Bytes of a CSV file, plain or gzip, to rows of text that know their line."""

import csv
import gzip
import io
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import Finding
from aipro_ml.sources.checks import shortened

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 512 * 1024**2
"""Largest text accepted, unpacked; a larger one is refused before it fills the memory."""

MISSING = ("", "NA")
"""Cells that mean "no value": R, which writes many of these files, spells it NA."""


@dataclass(frozen=True)
class TextTable:
    """Stripped cells of the asked columns (dtype string, NA where missing) and `line_number`, a row each.

    `rows_read` counts every data row of the file, those in `findings` (wrong number of cells) included.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    rows_read: int


def unpack(data: bytes, *, name: str) -> bytes:
    """Return `data`, unpacked where its first bytes say gzip; raise DataFileError where it is damaged."""
    if data[:2] != GZIP_MAGIC:
        content = data
    else:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                content = packed.read(MAX_BYTES + 1)
        except EOFError as error:
            raise DataFileError("the gzip file is truncated; fetch it again", file=name) from error
        except (OSError, zlib.error) as error:
            raise DataFileError(f"the gzip file is damaged ({error}); fetch it again", file=name) from error
    if len(content) > MAX_BYTES:
        raise DataFileError(f"more than {MAX_BYTES // 1024**2} MiB of text; split the file", file=name)
    return content


def text_of(content: bytes, *, name: str) -> str:
    """Return UTF-8 `content` as text (a byte-order mark is dropped); name the line of the first bad byte."""
    content = content.removeprefix(BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if name.lower().endswith((".xlsx", ".xls", ".parquet", ".tar")):
            told = "not what its name says, or damaged; fetch it again"
            raise DataFileError(told, file=name) from error
        raise DataFileError(
            f"not UTF-8 text (byte 0x{content[error.start]:02x}); save it as UTF-8 CSV", file=name, line=line
        ) from error
    zero = text.find("\x00")
    if zero >= 0:
        line = text.count("\n", 0, zero) + 1
        raise DataFileError("holds a NUL byte, so it is damaged or no text", file=name, line=line)
    return text


def read_csv(data: bytes, *, name: str, columns: Sequence[str], also: Callable[[str], bool] | None = None) -> TextTable:
    """Return the `columns` of the CSV file `data`; raise DataFileError where it cannot be read as one.

    Columns whose name `also` accepts come too, where they are there; others are ignored. A row with too few or
    too many cells becomes a finding; the others land.
    """
    text = text_of(unpack(data, name=name), name=name)
    rows = _records(text, name)
    first = next(rows, None)
    if first is None:
        raise DataFileError("the file is empty", file=name)
    header = [cell.strip() for cell in first[1]]
    if also is not None:
        columns = [*columns, *dict.fromkeys(cell for cell in header if cell not in columns and also(cell))]
    places = _places(header, columns, name)
    kept: list[list[str]] = []
    lines: list[int] = []
    findings: list[Finding] = []
    for line, cells in rows:
        if len(cells) != len(header):
            findings.append(_misshapen(name, line, cells, len(header)))
            continue
        kept.append([cells[place].strip() for place in places])
        lines.append(line)
    frame = pd.DataFrame(kept, columns=list(columns), dtype=object).astype("string")
    frame = frame.mask(frame.isin(MISSING)).assign(line_number=pd.Series(lines, dtype="int64"))
    return TextTable(frame, tuple(findings), len(kept) + len(findings))


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line of its first character, cells) of each record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataFileError(f"not valid CSV ({error})", file=name, line=line) from error


def _places(header: Sequence[str], columns: Sequence[str], name: str) -> list[int]:
    missing = [column for column in columns if column not in header]
    if missing:
        found = shortened(", ".join(header))
        raise DataFileError(f"lacks the columns {', '.join(missing)}; its header is: {found}", file=name, line=1)
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise DataFileError("the header names this column twice", file=name, line=1, column=twice[0])
    return [header.index(column) for column in columns]


def _misshapen(name: str, line: int, cells: Sequence[str], width: int) -> Finding:
    return Finding(
        file=name,
        line=line,
        column="",
        value=shortened(",".join(cells)),
        rule="row_width",
        message=f"the row has {len(cells)} cells, the header {width}",
    )
