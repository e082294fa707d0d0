"""The narrow read of all quotes: the same rows by ADBC and by the driver, of the same moment."""

from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.config import Settings
from aipro_ml.db import arrow
from aipro_ml.db.copy import read_frame
from aipro_ml.db.engine import open_database
from aipro_ml.db.repositories import quotes as repository
from aipro_ml.db.repositories.quotes import all_closes, all_quotes, quotes_of
from aipro_ml.db.repositories.records import load_frames
from aipro_ml.features.records import CLOSING_COLUMNS, ODDS_COLUMNS, frame_of
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


_CLOSES = """
    SELECT c.game_id::text AS game_id, b.name AS book, c.market_type AS market, c.selection, c.closing_line,
           c.closing_price::float8 AS closing_price, c.closed_at
    FROM closing_lines c JOIN sportsbooks b ON b.id = c.sportsbook_id
"""


def test_closing_lines_come_the_same_by_adbc_by_the_driver_and_by_plain_sql(
    filled: sa.Engine, owner_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    with owner_engine.begin() as owner:
        owner.exec_driver_sql("UPDATE closing_lines SET closing_price = NULL WHERE selection = 'over'")
    with filled.connect() as connection:
        read = all_closes(connection, SPORT)
        with monkeypatch.context() as patch:
            patch.setattr(repository, "fetch_tables", lambda *_: None)
            by_cursor = all_closes(connection, SPORT)
        stored = read_frame(connection, sa.text(_CLOSES))
        reference = all_closes(connection, SPORT, reference_only=True)
        none = all_closes(connection, derive_id("sport", "NFL"))
    order = ["game_id", "book", "market", "selection"]
    plainly = [_plain_closes(frame).sort_values(order, ignore_index=True) for frame in (read, by_cursor, stored)]
    assert len(read) > 100
    assert read["closing_price"].isna().any()
    pd.testing.assert_frame_equal(plainly[0], plainly[2])
    pd.testing.assert_frame_equal(plainly[1], plainly[2])
    ours = _plain_closes(reference).sort_values(order, ignore_index=True)
    sides = plainly[0][plainly[0]["selection"].isin(["home", "over"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, sides)
    assert list(read.columns) == list(CLOSING_COLUMNS)
    assert frame_of(none, CLOSING_COLUMNS).empty


def _plain_closes(closes: pd.DataFrame) -> pd.DataFrame:
    words = {name: closes[name].astype(object) for name, kind in CLOSING_COLUMNS.items() if kind == "str"}
    return frame_of(closes.assign(**words), CLOSING_COLUMNS)


def test_the_second_connection_takes_the_role_of_the_first(filled: sa.Engine, database_settings: Settings):
    given = database_settings.model_copy(update={"database_url": database_settings.database_owner_url})
    opened = open_database(given)
    try:
        with opened.connect() as connection:
            ours, login = connection.exec_driver_sql("SELECT current_user, session_user").one()
            if ours == login:
                pytest.skip("this server's login may not take the application's role")
            (table,) = arrow.fetch_tables(connection, ["SELECT current_user::text AS name"]) or ()
            assert table.column("name").to_pylist() == [ours]
            assert len(all_quotes(connection, SPORT)) > 2_000
    finally:
        opened.dispose()


def test_what_cannot_be_read_beside_is_read_through_the_connection_the_same(filled: sa.Engine):
    with filled.connect() as connection:
        beside = load_frames(connection, "NBA", reference_closes=True)
        with connection.begin_nested():
            through = load_frames(connection, "NBA", reference_closes=True)
    assert beside.keys() == through.keys()
    pd.testing.assert_frame_equal(plain(beside["odds"]), plain(through["odds"]))
    assert [len(beside[name]) for name in beside] == [len(through[name]) for name in beside]
    assert len(beside["closing"]) > 50


def test_rows_come_in_the_order_they_were_written_whatever_scan_went_before(filled: sa.Engine):
    with filled.connect() as connection:
        found = arrow.fetch_tables(connection, ["SELECT current_setting('synchronize_seqscans') AS told"])
    assert found is not None
    assert found[0].column("told").to_pylist() == ["off"]  # else a scan may begin where the last one stopped
