"""How the benchmarks fill a table: keys and indexes come back exactly as they were, or nothing does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from aipro_ml.db.copy import copy_rows
from aipro_ml.db.models.odds import Odds, Sportsbook
from aipro_ml.db.models.sports import Game
from benchmarks.bulk import without_indexes
from benchmarks.market import fill

ODDS = Odds.__table__
_RULES = """
    SELECT conname, pg_get_constraintdef(oid), convalidated, condeferrable FROM pg_constraint
    WHERE conrelid = 'odds'::regclass ORDER BY conname
"""
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'odds' ORDER BY indexname"


@pytest.fixture
def owner(owner_engine: sa.Engine) -> Iterator[sa.Connection]:
    """The owner's connection to a database of 4 games with odds taken away again."""
    with owner_engine.begin() as connection:
        fill(connection, {"NBA": 4}, seed=3)
        connection.exec_driver_sql("DELETE FROM odds")
    with owner_engine.connect() as connection:
        yield connection


def rules(connection: sa.Connection) -> list[tuple[object, ...]]:
    found = [*connection.exec_driver_sql(_RULES), *connection.exec_driver_sql(_INDEXES)]
    return [tuple(row) for row in found]


def some_quotes(connection: sa.Connection, game: UUID | None = None) -> pd.DataFrame:
    known = connection.execute(sa.select(Game.__table__.c.id)).scalars().first()
    book = connection.execute(sa.select(Sportsbook.__table__.c.id)).scalars().first()
    quote = {"game_id": game or known, "sportsbook_id": book, "market_type": "moneyline", "selection": "home"}
    times = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(5)]
    return pd.DataFrame([{"id": uuid4(), **quote, "price": -110, "line": None, "recorded_at": at} for at in times])


def test_keys_indexes_and_foreign_keys_come_back_exactly_as_they_were(owner):
    before = rules(owner)
    assert {"pk_odds", "fk_odds_game_id", "idx_odds_current", "ck_odds_price_american"} <= {row[0] for row in before}
    with without_indexes(owner, ODDS):
        during = {row[0] for row in rules(owner)}
        copy_rows(owner, ODDS, some_quotes(owner))
    owner.commit()
    assert during == {row[0] for row in before if str(row[0]).startswith("ck_") or str(row[0]).endswith("_not_null")}
    assert rules(owner) == before
    assert owner.execute(sa.select(sa.func.count()).select_from(ODDS)).scalar() == 5


def test_an_interruption_in_the_middle_leaves_the_table_with_its_rules_and_without_a_row(owner):
    before = rules(owner)
    owner.rollback()
    with pytest.raises(KeyboardInterrupt):
        _interrupted_load(owner)
    assert rules(owner) == before
    assert owner.execute(sa.select(sa.func.count()).select_from(ODDS)).scalar() == 0


def _interrupted_load(owner: sa.Connection) -> None:
    with owner.begin(), without_indexes(owner, ODDS):
        copy_rows(owner, ODDS, some_quotes(owner))
        raise KeyboardInterrupt


@pytest.mark.parametrize(("broken", "rule"), [("twice", "pk_odds"), ("no such game", "fk_odds_game_id")])
def test_rows_that_break_a_rule_are_refused_when_it_is_built_again_and_nothing_is_kept(owner, broken, rule):
    before = rules(owner)
    quotes = some_quotes(owner, uuid4() if broken == "no such game" else None)
    owner.rollback()
    rows = pd.concat([quotes, quotes]) if broken == "twice" else quotes
    with pytest.raises(psycopg.errors.IntegrityError, match=rule), owner.begin(), without_indexes(owner, ODDS):
        copy_rows(owner, ODDS, rows)
    assert rules(owner) == before
    assert owner.execute(sa.select(sa.func.count()).select_from(ODDS)).scalar() == 0
