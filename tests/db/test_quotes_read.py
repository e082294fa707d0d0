"""The narrow read of all quotes: the same rows by ADBC and by the driver, of the same moment."""

from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.config import Settings
from aipro_ml.db import arrow
from aipro_ml.db.engine import open_database
from aipro_ml.db.repositories import quotes as repository
from aipro_ml.db.repositories.quotes import all_quotes, quotes_of
from aipro_ml.features.records import ODDS_COLUMNS, frame_of
from aipro_ml.identity import derive_id
from benchmarks.market import fill

SPORT = derive_id("sport", "NBA")
ORDER = ["recorded_at", "game_id", "book", "market", "selection"]


@pytest.fixture
def filled(database_settings: Settings, owner_engine: sa.Engine) -> Iterator[sa.Engine]:
    with owner_engine.begin() as connection:
        fill(connection, {"NBA": 12}, seed=3)
        connection.exec_driver_sql("UPDATE odds SET line = NULL WHERE price = -110")
    opened = open_database(database_settings)
    yield opened
    opened.dispose()


def plain(odds: pd.DataFrame) -> pd.DataFrame:
    """The same rows as text, in one order."""
    words = {name: odds[name].astype(object) for name, kind in ODDS_COLUMNS.items() if kind == "str"}
    return frame_of(odds.assign(**words), ODDS_COLUMNS).sort_values(ORDER, ignore_index=True)


def by_driver(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "fetch_tables", lambda *_: None)
        return all_quotes(connection, SPORT)


def test_adbc_the_driver_and_the_read_of_single_games_give_the_same_rows(
    filled: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    with filled.connect() as connection:
        assert arrow.fetch_tables(connection, ["SELECT 1 AS one"]) is not None
        quotes = all_quotes(connection, SPORT)
        games = connection.exec_driver_sql("SELECT id::text FROM games").scalars().all()
        few = quotes_of(connection, games)
        driver = by_driver(connection, monkeypatch)
    assert len(quotes) > 2_000
    assert list(quotes.columns) == list(ODDS_COLUMNS)
    pd.testing.assert_frame_equal(plain(quotes), plain(few))
    pd.testing.assert_frame_equal(plain(quotes), plain(driver))
    assert quotes["line"].isna().any()


def test_what_the_transaction_wrote_itself_is_read_through_it(filled: sa.Engine):
    with filled.connect() as connection:
        before = len(all_quotes(connection, SPORT))
        connection.exec_driver_sql(
            "INSERT INTO odds SELECT gen_random_uuid(), game_id, sportsbook_id, market_type, selection, 150, line,"
            " recorded_at FROM odds LIMIT 5"
        )
        assert arrow.fetch_tables(connection, ["SELECT 1 AS one"]) is None
        assert len(all_quotes(connection, SPORT)) == before + 5
        connection.rollback()


def test_a_savepoint_and_a_server_that_lets_nobody_else_in_are_read_by_the_driver(
    filled: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    with filled.connect() as connection:
        connection.begin()
        with connection.begin_nested():
            assert arrow.fetch_tables(connection, ["SELECT 1 AS one"]) is None
        monkeypatch.setattr(arrow, "make_conninfo", lambda **_: "host=127.0.0.1 port=1 connect_timeout=1")
        assert arrow.fetch_tables(connection, ["SELECT 1 AS one"]) is None
        assert len(all_quotes(connection, SPORT)) > 2_000


def test_a_sport_without_quotes_is_an_empty_frame_of_the_same_types(filled: sa.Engine):
    with filled.connect() as connection:
        empty = all_quotes(connection, derive_id("sport", "NFL"))
    assert frame_of(empty, ODDS_COLUMNS).empty
    assert str(empty["recorded_at"].dtype) == "datetime64[us, UTC]"


def test_rows_committed_after_the_snapshot_are_not_seen(filled: sa.Engine, monkeypatch: pytest.MonkeyPatch):
    real = arrow.make_conninfo

    def meanwhile(**parameters: object) -> str:
        with filled.begin() as other:
            other.exec_driver_sql("DELETE FROM closing_lines")
        return real(**parameters)

    monkeypatch.setattr(arrow, "make_conninfo", meanwhile)
    with filled.connect() as connection:
        (table,) = arrow.fetch_tables(connection, ["SELECT count(*) AS n FROM closing_lines"]) or ()
        assert table.column("n").to_pylist()[0] > 0
        assert connection.exec_driver_sql("SELECT count(*) FROM closing_lines").scalar() == 0
