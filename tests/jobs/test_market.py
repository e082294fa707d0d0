"""The derived tables in PostgreSQL: import by import they come to what a rebuild makes of everything."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from aipro_ml.db.repositories import market as repository
from aipro_ml.jobs import ingest
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.market import SNAPSHOT, MarketCount, derive_sport, stored_consensus
from tests.fixtures_platform import Platform
from tests.market.random_market import steps

SPORT = "SIM-NFL"
TABLES = ("closing_lines", "fact_odds", "odds_movements", "consensus_lines")
END = datetime(2024, 9, 30, tzinfo=UTC)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


def contents(platform):
    return {name: platform.rows(f"SELECT * FROM {name} ORDER BY id") for name in TABLES}


def bring(platform, step, number):
    options = ImportOptions(step.now)
    return import_batch(platform.engine, platform.settings, step.batch, content=f"{number}".encode(), options=options)


def forget(platform):
    """Empty what is derived; lines that an archive stated are not."""
    with platform.owner().begin() as connection:
        for name in TABLES:
            where = "WHERE closing_price IS NOT NULL" if name == "closing_lines" else ""
            connection.exec_driver_sql(f"DELETE FROM {name} {where}")


@pytest.mark.parametrize("seed", range(5))
def test_import_by_import_the_tables_are_what_a_rebuild_makes_of_everything(platform, seed):
    for number, step in enumerate(steps(seed, imports=10)):
        bring(platform, step, number)
        if number % 3 == 0:
            derive_sport(platform.engine, SPORT, step.now)
        if number % 4 == 3:
            derive_sport(platform.engine, SPORT, step.now)  # what kicked off since, as the rebuild sees it
            assert derive_sport(platform.engine, SPORT, step.now, rebuild=True).written == 0
    derive_sport(platform.engine, SPORT, END)
    grown = contents(platform)
    assert grown["fact_odds"]
    assert derive_sport(platform.engine, SPORT, END, rebuild=True).written == 0
    forget(platform)
    derive_sport(platform.engine, SPORT, END, rebuild=True)
    assert contents(platform) == grown


@pytest.mark.parametrize("seed", [3, 5])
def test_derived_once_at_the_end_the_tables_are_the_same(platform, seed, monkeypatch):
    played = steps(seed, imports=10)
    for number, step in enumerate(played):
        bring(platform, step, number)
    derive_sport(platform.engine, SPORT, END)
    grown = contents(platform)
    with platform.owner().begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(TABLES)}, odds")
    monkeypatch.setattr(ingest, "derive_markets", lambda *_: MarketCount())
    for number, step in enumerate(played):
        bring(platform, step, f"again {number}")
    derive_sport(platform.engine, SPORT, END)
    assert {name: len(rows) for name, rows in contents(platform).items()} == {n: len(r) for n, r in grown.items()}
    assert contents(platform)["closing_lines"] == grown["closing_lines"]


def test_the_closes_are_those_of_a_plain_loop_over_quotes(platform):
    for number, step in enumerate(steps(11, imports=12)):
        bring(platform, step, number)
    derive_sport(platform.engine, SPORT, END)
    stored = {
        (row["game_id"], row["sportsbook_id"], row["market_type"], row["selection"]): row
        for row in platform.rows("SELECT * FROM closing_lines WHERE closing_price IS NOT NULL")
    }
    quotes = platform.rows("SELECT * FROM odds ORDER BY recorded_at")
    revisions = platform.rows("SELECT * FROM game_revisions ORDER BY known_at, revision")
    assert stored
    expected = {}
    for quote in quotes:
        own = [row for row in revisions if row["game_id"] == quote["game_id"]]
        known = [row for row in own if row["known_at"] <= quote["recorded_at"]] or own[:1]
        off = own[-1]["status"] in ("postponed", "cancelled")
        if quote["recorded_at"] < known[-1]["game_date"] and not off:
            key = (quote["game_id"], quote["sportsbook_id"], quote["market_type"], quote["selection"])
            expected[key] = (quote["line"], quote["price"], quote["recorded_at"])
    found = {key: (row["closing_line"], row["closing_price"], row["closed_at"]) for key, row in stored.items()}
    assert found == expected


def test_a_game_has_no_close_before_it_begins_and_gets_one_by_the_command_after(platform):
    for number, step in enumerate(steps(2, imports=3)):
        bring(platform, step, number)
    before = datetime(2024, 9, 5, 1, tzinfo=UTC)
    derive_sport(platform.engine, SPORT, before)
    assert platform.one("SELECT count(*) FROM closing_lines WHERE closing_price IS NOT NULL") == 0
    assert platform.one("SELECT count(*) FROM fact_odds WHERE opening_at IS NOT NULL") > 0
    assert derive_sport(platform.engine, SPORT, END).closing_lines > 0
    assert derive_sport(platform.engine, SPORT, END + timedelta(days=1)).written == 0


def test_a_consensus_taken_for_a_moment_survives_a_rebuild(platform):
    for number, step in enumerate(steps(2, imports=3)):
        bring(platform, step, number)
    game = platform.rows("SELECT id FROM games LIMIT 1")[0]["id"]
    row = pd.DataFrame(
        {
            "game_id": [str(game)], "market": ["spread"], "consensus_line": [-3.0], "consensus_price": [-105.0],
            "books_count": [2], "calculated_at": [pd.Timestamp("2024-09-05T12:00:01Z").as_unit("us")],
        }
    )  # fmt: skip
    with platform.engine.begin() as connection:
        repository.save_derived(connection, "consensus_lines", stored_consensus(row, SNAPSHOT))
    derive_sport(platform.engine, SPORT, END, rebuild=True)
    assert platform.one("SELECT count(*) FROM consensus_lines WHERE calculated_at = '2024-09-05 12:00:01'") == 1
