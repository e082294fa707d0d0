"""Bytes of a Parquet file to rows of text."""

import io
from collections.abc import Sequence

from aipro_ml.errors import DataFileError
from aipro_ml.sources.read import MAX_BYTES, MISSING, TextTable

DAMAGED = "no whole Parquet file, truncated or damaged; fetch it again"
MAX_ROWS = 20_000_000
"""Most rows accepted: equal cells take no room in the file, but they do once read."""


def read_parquet(data: bytes, *, name: str, columns: Sequence[str]) -> TextTable:
    """Return the `columns` of `data` as texts, NA where missing; `line_number` is the row's number from 1.

    Raises DataFileError where it is no whole Parquet file, lacks a column or unpacks to more than 512 MiB.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        missing = [column for column in columns if column not in file.schema_arrow.names]
        if missing:
            raise DataFileError(f"lacks the columns {', '.join(missing)}", file=name)
        groups = (file.metadata.row_group(place) for place in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > MAX_BYTES:
            raise DataFileError(f"more than {MAX_BYTES // 1024**2} MiB unpacked; split the file", file=name)
        if file.metadata.num_rows > MAX_ROWS:
            raise DataFileError(f"more than {MAX_ROWS} rows; split the file", file=name)
        frame = file.read(columns=list(columns)).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataFileError(DAMAGED, file=name) from error
    texts = frame[list(columns)].astype("string").apply(lambda cells: cells.str.strip())
    texts = texts.mask(texts.isin(MISSING))
    return TextTable(texts.assign(line_number=range(1, len(texts) + 1)), (), len(texts))


def has_column(data: bytes, column: str, *, name: str) -> bool:
    """Return whether the Parquet file `data` has the column; DataFileError where it is no whole Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return column in parquet.read_schema(io.BytesIO(data)).names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataFileError(DAMAGED, file=name) from error
