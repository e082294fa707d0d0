"""Saving quotes: what goes straight in is what the way through the temporary table writes."""

from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.db.copy import read_frame
from aipro_ml.db.repositories import odds
from aipro_ml.db.repositories.odds import QuoteCount, quote_ids, save_quotes
from benchmarks.market import fill

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_STORED = sa.text("SELECT * FROM odds ORDER BY id")


def test_first_quotes_of_games_go_straight_in_and_are_the_rows_of_the_way_through_the_temporary_table(
    owner_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    with owner_engine.begin() as connection:
        fill(connection, {"NBA": 3}, seed=5)
        quotes = read_frame(connection, sa.text("SELECT * FROM odds")).drop(columns=["id", "is_current"])
        quotes = quotes.sample(frac=1, random_state=1, ignore_index=True).assign(line=quotes["line"].round(1))
        quotes = quotes.assign(id=quote_ids(quotes))
        connection.exec_driver_sql("DELETE FROM odds")
        straight = _saved(connection, quotes, staged=False)
        connection.exec_driver_sql("DELETE FROM odds")
        with monkeypatch.context() as patch:
            patch.setattr(odds, "_any_quoted", lambda *_: True)
            through = _saved(connection, quotes, staged=True)
        assert save_quotes(connection, quotes, NOW) == QuoteCount(0, 0)
    assert len(straight) == len(quotes) > 500
    pd.testing.assert_frame_equal(straight, through)
    series = ["game_id", "sportsbook_id", "market_type", "selection"]
    newest = straight.groupby(series)["recorded_at"].transform("max") == straight["recorded_at"]
    assert (straight["is_current"].astype(bool) == newest).all()


def _saved(connection: sa.Connection, quotes: pd.DataFrame, *, staged: bool) -> pd.DataFrame:
    assert save_quotes(connection, quotes, NOW) == QuoteCount(len(quotes), 0)
    there = connection.exec_driver_sql("SELECT to_regclass('incoming_odds') IS NOT NULL").scalar()
    assert there is staged
    return read_frame(connection, _STORED)
