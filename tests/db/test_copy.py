from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from aipro_ml.db.base import UtcTimestamp
from aipro_ml.db.copy import UpsertCount, any_of, copy_rows, insert_new, read_frame, upsert
from aipro_ml.enums import BetType

TABLE = sa.Table(
    "copied",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.String(50)),
    sa.Column("tier", sa.CHAR(1)),
    sa.Column("note", sa.Text, server_default="none"),
    sa.Column("price", sa.Integer),
    sa.Column("seq", sa.BigInteger),
    sa.Column("line", sa.Double),
    sa.Column("live", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("at", UtcTimestamp),
    sa.Column("money", sa.Numeric(10, 2)),
    sa.Column("details", JSONB),
    sa.Column("vector", ARRAY(sa.Double)),
    prefixes=["TEMPORARY"],
)
AT = datetime(2022, 9, 8, 20, 20, tzinfo=timezone(timedelta(hours=-4)))


@pytest.fixture
def table(connection: sa.Connection) -> sa.Table:
    TABLE.create(connection)
    return TABLE


def rows(*ids: UUID, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"id": list(ids), **columns})


def stored(connection: sa.Connection, table: sa.Table) -> pd.DataFrame:
    return read_frame(connection, sa.select(table).order_by(table.c.id))


def test_every_type_comes_back_as_it_went_in(connection: sa.Connection, table: sa.Table) -> None:
    one, two = sorted([uuid4(), uuid4()])
    frame = pd.DataFrame(
        {
            "id": [str(one), two],
            "name": ["Löwen", None],
            "tier": [BetType.MONEYLINE.value[0], pd.NA],
            "note": pd.Series(["a\tb\\", None], dtype="string"),
            "price": pd.Series([-110, pd.NA], dtype="Int64"),
            "seq": [2**60, None],
            "line": [-3.5, np.nan],
            "live": pd.Series([True, None], dtype="boolean"),
            "day": [date(2022, 9, 8), None],
            "at": pd.Series([pd.Timestamp(AT), pd.NaT]),
            "money": [Decimal("12.34"), None],
            "details": [{"a": [1, None]}, None],
            "vector": [np.array([1.5, np.nan]), None],
        }
    ).astype({"seq": object})
    assert copy_rows(connection, table, frame) == 2
    first, second = stored(connection, table).to_dict("records")
    assert first == {
        "id": str(one),
        "name": "Löwen",
        "tier": "m",
        "note": "a\tb\\",
        "price": -110.0,
        "seq": float(2**60),
        "line": -3.5,
        "live": True,
        "day": date(2022, 9, 8),
        "at": pd.Timestamp("2022-09-09 00:20", tz="UTC"),
        "money": Decimal("12.34"),
        "details": {"a": [1, None]},
        "vector": [1.5, None],
    }
    assert second.pop("id") == str(two)
    assert all(pd.isna(value) for value in second.values())


def test_times_of_any_zone_and_unit_land_as_utc(connection: sa.Connection, table: sa.Table) -> None:
    ids = sorted(uuid4() for _ in range(3))
    eastern = pd.Series([pd.Timestamp(AT)]).dt.tz_convert("America/New_York").dt.as_unit("s")
    copy_rows(connection, table, rows(ids[0], at=eastern))
    copy_rows(connection, table, rows(ids[1], at=pd.Series([AT], dtype=object)))
    copy_rows(connection, table, rows(ids[2], at=pd.Series([pd.Timestamp(AT)], dtype=object)))
    raw = connection.exec_driver_sql("SELECT DISTINCT at::text FROM copied").scalars().all()
    assert raw == ["2022-09-09 00:20:00"]


@pytest.mark.parametrize(
    "naive",
    [pd.Series([pd.Timestamp("2022-09-08")]), pd.Series([datetime(2022, 9, 8)], dtype=object)],  # noqa: DTZ001
    ids=["column", "values"],
)
def test_naive_datetimes_are_refused(connection: sa.Connection, table: sa.Table, naive: pd.Series) -> None:
    with pytest.raises(ValueError, match=r"copied\.at: naive datetime"):
        copy_rows(connection, table, rows(uuid4(), at=naive))


@pytest.mark.parametrize(
    ("column", "value"), [("price", 1.5), ("live", "perhaps"), ("name", 7), ("id", "no uuid"), ("line", "x")]
)
def test_a_value_of_another_type_names_its_column(
    connection: sa.Connection, table: sa.Table, column: str, value: object
) -> None:
    frame = rows(uuid4()).astype(object)
    frame[column] = pd.Series([value], dtype=object)
    with pytest.raises(ValueError, match=rf"copied\.{column}: "):
        copy_rows(connection, table, frame)


def test_an_unknown_column_is_refused(connection: sa.Connection, table: sa.Table) -> None:
    with pytest.raises(ValueError, match="no column typo"):
        copy_rows(connection, table, rows(uuid4(), typo=[1]))


def test_a_column_left_out_takes_its_default(connection: sa.Connection, table: sa.Table) -> None:
    copy_rows(connection, table, rows(uuid4()))
    insert_new(connection, table, rows(uuid4()))
    assert stored(connection, table)["note"].tolist() == ["none", "none"]


def test_insert_new_counts_only_new_rows_even_within_one_frame(connection: sa.Connection, table: sa.Table) -> None:
    old, new = uuid4(), uuid4()
    assert insert_new(connection, table, rows(old, price=[1])) == 1
    assert insert_new(connection, table, rows(old, new, new, price=[2, 3, 4])) == 1
    assert sorted(stored(connection, table)["price"]) == [1, 3]
    assert insert_new(connection, table, rows()) == 0


def test_upsert_touches_only_what_differs(connection: sa.Connection, table: sa.Table) -> None:
    one, two, three = sorted(uuid4() for _ in range(3))
    first = rows(one, two, price=[1, 2], name=["a", None])
    both = {"key": ["id"], "update": ["price", "name"]}
    assert upsert(connection, table, first, **both) == UpsertCount(2, 0)
    versions = "SELECT xmin, ctid, xmax FROM copied ORDER BY id"
    before = connection.exec_driver_sql(versions).all()
    assert upsert(connection, table, first, **both) == UpsertCount(0, 0)
    assert connection.exec_driver_sql(versions).all() == before
    changed = rows(one, two, three, price=[1, 2, 3], name=["a", "b", "c"])
    assert upsert(connection, table, changed, **both) == UpsertCount(1, 1)
    assert stored(connection, table)["name"].tolist() == ["a", "b", "c"]


def test_upsert_leaves_the_columns_alone_that_are_not_named(connection: sa.Connection, table: sa.Table) -> None:
    one = uuid4()
    copy_rows(connection, table, rows(one, price=[1], name=["first"]))
    frame = rows(one, price=[2], name=["second"])
    assert upsert(connection, table, frame, key=["id"], update=["price"]) == UpsertCount(0, 1)
    assert upsert(connection, table, frame, key=["id"], update=[]) == UpsertCount(0, 0)
    assert stored(connection, table)[["price", "name"]].values.tolist() == [[2, "first"]]


def test_a_key_twice_in_one_batch_is_refused(connection: sa.Connection, table: sa.Table) -> None:
    one = uuid4()
    with pytest.raises(ValueError, match="more than once"):
        upsert(connection, table, rows(one, one, price=[1, 2]), key=["id"], update=["price"])


def test_what_was_copied_is_rolled_back_with_the_callers_transaction(engine: sa.Engine) -> None:
    frame = pd.DataFrame({"id": [uuid4()], "code": ["X"], "name": ["X"], "created_at": [pd.Timestamp(AT)]})
    sports = sa.Table("sports", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        assert copy_rows(connection, sports, frame) == 1
        connection.rollback()
        assert insert_new(connection, sports, frame) == 1
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            copy_rows(connection, sports, frame)


def test_an_empty_result_keeps_its_types(connection: sa.Connection, table: sa.Table) -> None:
    frame = read_frame(connection, sa.select(table.c.at, table.c.line, table.c.price, table.c.name))
    assert [str(kind) for kind in frame.dtypes] == ["datetime64[us, UTC]", "float64", "int64", "object"]


def test_columns_of_one_name_stay_apart(connection: sa.Connection) -> None:
    frame = read_frame(connection, sa.text("SELECT 1 AS n, 2 AS n"))
    assert frame.values.tolist() == [[1, 2]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(blacklist_characters="\x00", codec="utf-8"), max_size=40),
            st.none() | st.integers(-(2**31), 2**31 - 1),
            st.none() | st.floats(allow_nan=False),
            st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_value_survives_the_round_trip(connection: sa.Connection, drawn: list[tuple[object, ...]]) -> None:
    table = TABLE
    connection.exec_driver_sql("DROP TABLE IF EXISTS copied")
    table.create(connection)
    frame = pd.DataFrame(drawn, columns=["name", "price", "line", "at"], dtype=object)
    frame["id"] = sorted(uuid4() for _ in drawn)
    copy_rows(connection, table, frame)
    read = stored(connection, table)
    for name in ("name", "price", "line", "at"):
        back = [None if pd.isna(value) else value for value in read[name].tolist()]
        assert back == frame[name].tolist()


def test_more_ids_than_a_statement_has_parameters_are_asked_for_at_once(connection):
    ids = [UUID(int=number) for number in range(70_000)]
    found = sa.select(sa.cast(str(ids[-1]), sa.Uuid) == any_of(ids))
    assert connection.scalar(found) is True
