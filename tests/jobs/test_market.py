"""The derived tables in PostgreSQL: import by import they come to what a rebuild makes of everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from aipro_ml.db.repositories import market as repository
from aipro_ml.jobs import ingest
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.market import SNAPSHOT, MarketCount, derive_sport, stored_consensus
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, SourceBatch, conform
from tests.fixtures_platform import Platform
from tests.market.random_market import START, Step, steps

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
    assert derive_sport(platform.engine, SPORT, END).games == 0  # nor games that were quoted in play only
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


def one_game(day: int, source: str, kickoff: pd.Timestamp, **facts: object) -> Step:
    """One import of one game, told by `source` so many days after START, with the frames `facts`."""
    batch = steps(0, imports=1)[0].batch
    games = batch.games.iloc[:1].assign(kickoff=kickoff, status="scheduled", kickoff_estimated=source != "times")
    bare: SourceBatch = replace(batch, quotes=batch.quotes.iloc[:0], closing=batch.closing.iloc[:0])
    told = replace(bare, source=source, games=games, known_from=None, **facts)
    return Step(told, (START + timedelta(days=day)).to_pydatetime())


def test_a_stated_line_that_a_void_quote_replaced_comes_back_with_its_archive(platform):
    """A side has one close: a priced one takes the place of a bare line, and cannot give it back by itself."""
    assumed, real = START + timedelta(days=1, hours=19), START + timedelta(days=1, hours=13)
    game = one_game(5, "archive", assumed).batch.games["game"].iloc[0]
    side = (game, "soft", "total", "over")
    said = conform(pd.DataFrame([(*side, 44.5, pd.NA, assumed)], columns=list(CLOSING_COLUMNS)), CLOSING_COLUMNS)
    seen = pd.DataFrame([(*side, 45.5, -110, assumed - timedelta(hours=4))], columns=list(QUOTE_COLUMNS))
    archive = one_game(5, "archive", assumed, closing=said)
    closes = "SELECT closing_line, closing_price FROM closing_lines"
    told = []
    for number, step in enumerate(
        (
            archive,
            one_game(6, "feed", assumed, quotes=conform(seen, QUOTE_COLUMNS)),
            one_game(7, "times", real),
            archive,
        )
    ):
        bring(platform, step, 0 if step is archive else number)
        told.append([(float(row["closing_line"]), row["closing_price"]) for row in platform.rows(closes)])
    assert told == [[(44.5, None)], [(45.5, -110)], [], [(44.5, None)]]
    fact = platform.rows("SELECT closing_line, closing_price FROM fact_odds WHERE closing_line IS NOT NULL")
    assert [(float(row["closing_line"]), row["closing_price"]) for row in fact] == [(44.5, None)]
