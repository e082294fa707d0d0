"""The NumPy encoder of COPY BINARY against psycopg's own row by row writer, bit for bit."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.db import encode
from aipro_ml.db.base import UtcTimestamp
from aipro_ml.db.copy import copy_rows, driver_connection
from aipro_ml.db.encode import blocks, identifiers, pack
from aipro_ml.db.kinds import kind_of, python_values

TABLE = sa.Table(
    "encoded",
    sa.MetaData(),
    sa.Column("row", sa.Integer),
    sa.Column("id", sa.Uuid),
    sa.Column("name", sa.Text),
    sa.Column("small", sa.SmallInteger),
    sa.Column("price", sa.Integer),
    sa.Column("seq", sa.BigInteger),
    sa.Column("line", sa.Double),
    sa.Column("live", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("at", UtcTimestamp),
    sa.Column("items", sa.ARRAY(sa.Double)),
    prefixes=["TEMPORARY"],
)
CONTENT = """
    SELECT row, id, convert_to(name, 'UTF8'), small, price, seq, float8send(line), live, day, at::text,
           array_send(items)
    FROM encoded ORDER BY row
"""
GAPS = np.array([[1.5, np.nan, -0.0], [np.inf, 0.1, 5e-324], [np.nan] * 3, [np.nan, 2.0, 3.0], [1.0, -np.inf, np.nan]])
FIRST, LAST = pd.Timestamp("0001-01-01", tz="UTC"), pd.Timestamp("9999-12-31 23:59:59.999999", tz="UTC")
NANOSECONDS = pd.date_range("1999-12-31 19:00:00.123456789", periods=5, tz="America/New_York")
IDS = [uuid4() for _ in range(4)]

COLUMNS: dict[str, pd.Series] = {
    "id of UUIDs": pd.Series([*IDS, IDS[0]], name="id"),
    "id of text": pd.Series([str(IDS[0]), str(IDS[1]).upper(), IDS[2].hex, f"{{{IDS[3]}}}", str(IDS[0])], name="id"),
    "id of both and gaps": pd.Series([str(IDS[0]), IDS[1], None, pd.NA, IDS[0]], name="id"),
    "id of bytes": identifiers(b"".join(each.bytes for each in [*IDS, IDS[0]])).rename("id"),
    "id of bytes cut out": identifiers(b"".join(each.bytes for each in [*IDS, *IDS])).iloc[2:7].rename("id"),
    "id of bytes with gaps": identifiers(b"".join(each.bytes for each in IDS)).reindex([0, 3, 9, 1, 1]).rename("id"),
    "id by category": pd.Series(pd.Categorical.from_codes([0, 1, -1, 3, 0], categories=IDS), name="id"),
    "name": pd.Series(["", "Löwen 🏀", "a\tb\\N", None, "x" * 300], name="name"),
    "name of a string type": pd.Series(["a", None, "é", "a", ""], dtype="string", name="name"),
    "name by category": pd.Series(pd.Categorical(["away", "home", None, "away", "draw"]), name="name"),
    "name of no value": pd.Series([None] * 5, dtype=object, name="name"),
    "small": pd.Series([-(2**15), 2**15 - 1, 0, -1, 7], name="small"),
    "price": pd.Series([-(2**31), 2**31 - 1, 0, -110, 100], name="price"),
    "price as float": pd.Series([-110.0, np.nan, 100.0, -0.0, 1e9], name="price"),
    "price nullable": pd.Series([-110, None, 5, 0, 7], dtype="Int64", name="price"),
    "price of objects": pd.Series([-110, None, 5.0, 0, np.int32(7)], dtype=object, name="price"),
    "seq": pd.Series([-(2**63), 2**63 - 1, 0, 1, 2**53 + 1], name="seq"),
    "seq of objects": pd.Series([2**60 + 1, None, -1, 0, 2**53 + 1], dtype=object, name="seq"),
    "line": pd.Series([-0.0, np.nan, np.inf, -np.inf, 5e-324], name="line"),
    "line of single floats": pd.Series([-0.0, np.nan, 0.1, 3.5, 1e30], dtype="float32", name="line"),
    "line nullable": pd.Series([-3.5, None, 0.0, 1.0, 2.5], dtype="Float64", name="line"),
    "line of whole numbers": pd.Series([1, 2, 3, 4, 5], name="line"),
    "line of objects": pd.Series([1, None, "2.5", Decimal("0.1"), -0.0], dtype=object, name="line"),
    "live": pd.Series([True, False, True, True, False], name="live"),
    "live nullable": pd.Series([True, None, False, True, None], dtype="boolean", name="live"),
    "live of objects": pd.Series([True, None, 0, 1.0, False], dtype=object, name="live"),
    "day": pd.Series([date(1, 1, 1), None, date(2000, 1, 1), date(9999, 12, 31), date(1999, 12, 31)], name="day"),
    "at": pd.Series(pd.array([FIRST, LAST, pd.NaT, pd.Timestamp(0, tz="UTC"), LAST], "datetime64[us, UTC]"), name="at"),
    "at in nanoseconds of another zone": pd.Series(NANOSECONDS, name="at"),
    "at of objects": pd.Series([datetime(1, 1, 1, tzinfo=UTC), None, LAST, FIRST, FIRST], dtype=object, name="at"),
    "items": pd.Series(list(np.nan_to_num(GAPS)), name="items"),
    "items with gaps": pd.Series(list(GAPS), name="items"),
    "items of whole numbers": pd.Series([np.array([number, 2]) for number in range(5)], name="items"),
}  # fmt: skip


@pytest.fixture
def table(connection: sa.Connection) -> sa.Table:
    TABLE.create(connection)
    return TABLE


def by_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    kinds = [kind_of(table, name) for name in frame]
    statement = f"COPY encoded ({', '.join(frame)}) FROM STDIN (FORMAT BINARY)"
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(kinds)
        plain = [plainly(frame[name]) for name in frame]
        columns = [python_values(column, kind, "") for column, kind in zip(plain, kinds, strict=True)]
        for row in zip(*columns, strict=True):
            copy.write_row(row)


def plainly(column: pd.Series) -> pd.Series:
    """The column as single values: what no encoder has touched."""
    values = [None if np.ndim(value) == 0 and pd.isna(value) else value for value in column.tolist()]
    return pd.Series([UUID(bytes=each) if isinstance(each, bytes) else each for each in values], dtype=object)


def stored(connection: sa.Connection, load: Callable[[], object]) -> list[tuple[object, ...]]:
    connection.exec_driver_sql("TRUNCATE encoded")
    load()
    return [tuple(row) for row in connection.exec_driver_sql(CONTENT).all()]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_type_is_stored_as_the_driver_stores_it(connection: sa.Connection, table: sa.Table, column: pd.Series):
    frame = pd.DataFrame({"row": range(5), column.name: column.reset_index(drop=True)})
    assert pack(frame[column.name], kind_of(table, column.name), "") is not None
    ours = stored(connection, lambda: copy_rows(connection, table, frame))
    assert ours == stored(connection, lambda: by_rows(connection, table, frame))


def test_a_frame_of_all_columns_and_many_blocks_is_stored_as_the_driver_stores_it(
    connection: sa.Connection, table: sa.Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encode, "BLOCK_BYTES", 2_000)
    rng = np.random.default_rng(3)
    names = np.array(["moneyline", "spread", "", None, "größer"], dtype=object)
    rows = 1_000
    frame = pd.DataFrame(
        {
            "row": range(rows),
            "id": [UUID(bytes=rng.bytes(16)) if rng.random() < 0.9 else None for _ in range(rows)],
            "name": names[rng.integers(0, 5, rows)],
            "small": rng.integers(-9, 9, rows),
            "price": pd.array(np.where(rng.random(rows) < 0.5, -110, 100)).astype("Int64"),
            "seq": rng.integers(-(2**62), 2**62, rows),
            "line": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
            "live": rng.random(rows) < 0.5,
            "day": [date(2020, 1, 1) if rng.random() < 0.5 else None for _ in range(rows)],
            "at": pd.to_datetime(rng.integers(0, 2**50, rows), unit="us", utc=True).as_unit("us"),
        }
    )
    ours = stored(connection, lambda: copy_rows(connection, table, frame))
    assert len(ours) == rows
    assert ours == stored(connection, lambda: by_rows(connection, table, frame))


def test_the_driver_decodes_nothing_else_than_the_rows(connection: sa.Connection, table: sa.Table):
    frame = pd.DataFrame({"row": [1, 2], "name": ["a", None]})
    whole = b"".join(blocks([pack(frame["row"], "int4", ""), pack(frame["name"], "text", "")]))
    statement = "COPY (SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v) TO STDOUT (FORMAT BINARY)"
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        assert b"".join(map(bytes, copy)) == whole


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("price", 2**31, "beyond the range of int4"),
        ("price", 1e300, "beyond the range"),
        ("small", -(2**15) - 1, "beyond the range of int2"),
        ("seq", 2**63, "beyond the range"),
        ("price", True, "no whole number"),
        ("price", np.inf, r"infinity"),
    ],
)
def test_a_number_too_large_names_its_column(connection, table, column, value, told):
    frame = pd.DataFrame({column: pd.Series([1, value], dtype=object)})
    with pytest.raises(ValueError, match=rf"encoded\.{column}: .*{told}"):
        copy_rows(connection, table, frame)


def test_a_very_long_text_goes_row_by_row(connection, table):
    frame = pd.DataFrame({"row": [1, 2, 3], "name": ["é" * 5_000, None, "short"]})
    assert pack(frame["name"], "text", "") is None
    copy_rows(connection, table, frame)
    found = connection.exec_driver_sql("SELECT name FROM encoded ORDER BY row").scalars().all()
    assert found == ["é" * 5_000, None, "short"]


@pytest.mark.parametrize(
    "items",
    [
        [np.array([1.0]), np.array([1.0, 2.0])],
        [np.array([1.0]), None],
        [np.array([]), np.array([])],
        [[1.0, 2.0], [2.0, 3.0]],
        [np.zeros(400), np.zeros(400)],
    ],
    ids=["of two lengths", "and a gap", "without items", "as lists", "of very many"],
)
def test_arrays_of_no_one_width_go_row_by_row(connection, table, items):
    frame = pd.DataFrame({"row": [1, 2], "items": pd.Series(items, dtype=object)})
    assert pack(frame["items"], "float8[]", "") is None
    copy_rows(connection, table, frame)
    found = connection.exec_driver_sql("SELECT items FROM encoded ORDER BY row").scalars().all()
    assert found == [None if each is None else list(each) for each in items]


def test_an_empty_frame_and_an_empty_category_are_no_rows(connection, table):
    assert copy_rows(connection, table, pd.DataFrame({"row": [], "name": []})) == 0
    empty = pd.DataFrame({"row": [1], "id": pd.Categorical.from_codes([-1], categories=[])})
    assert copy_rows(connection, table, empty) == 1
    assert connection.exec_driver_sql("SELECT id FROM encoded").scalars().all() == [None]
