"""Quotes and closing lines of a sport as narrow frames: games, books, markets and sides travel as small numbers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from aipro_ml.db.arrow import fetch_tables, fetching
from aipro_ml.db.copy import driver_connection, read_frame
from aipro_ml.enums import BetType, Selection

_GAMES = "SELECT id::text AS game_id FROM games WHERE sport_id = {sport} ORDER BY id"
_BOOKS = 'SELECT name AS book, coalesce(is_sharp, FALSE) AS is_sharp FROM sportsbooks ORDER BY name COLLATE "C"'
_NUMBERED = """
    WITH numbered AS (
      SELECT id, (row_number() OVER (ORDER BY id) - 1)::int4 AS game FROM games WHERE sport_id = {sport}),
    books AS (SELECT id, (row_number() OVER (ORDER BY name COLLATE "C") - 1)::int2 AS book FROM sportsbooks)
    SELECT n.game, b.book, {market} AS market, {selection} AS selection,
"""
_FROM = "JOIN numbered n ON n.id = o.game_id JOIN books b ON b.id = o.sportsbook_id"
_QUOTES = f"{_NUMBERED} o.line, o.price, o.recorded_at FROM odds o {_FROM}"
_CLOSING = f"{_NUMBERED} o.closing_line, o.closing_price, o.closed_at FROM closing_lines o {_FROM}"
_OF_REFERENCE = " WHERE o.selection IN ('home', 'over')"  # the sides of enums.REFERENCE_SIDE
_CHOSEN_GAMES = "SELECT id::text AS game_id FROM games WHERE id = ANY ({chosen}::uuid[]) ORDER BY id"
_OF_CHOSEN = "WHERE o.game_id = ANY ({chosen}::uuid[]) ORDER BY o.recorded_at, o.id"
_CHOSEN_QUOTES = f"{_QUOTES.replace('sport_id = {sport}', 'id = ANY ({chosen}::uuid[])')} {_OF_CHOSEN}"


Market = tuple[pd.DataFrame, pd.DataFrame]
"""Quotes (`features.records.ODDS_COLUMNS`) and closing lines (CLOSING_COLUMNS)."""


@contextmanager
def market_read(
    connection: Connection, sport_id: UUID, game_ids: Sequence[str] | None = None, *, reference_only: bool = False
) -> Iterator[Callable[[], Market | None]]:
    """Begin to read quotes and closing lines of this moment; what is yielded waits for them.

    They are those of `all_quotes` (with `game_ids` of `quotes_of`) and `all_closes`; None where no second connection
    may read, see `db.arrow`. `connection` is free to read meanwhile.
    """
    quotes = _statements(connection, sport_id, _QUOTES) if game_ids is None else _of_games(connection, game_ids)
    closes = _closes_statements(connection, sport_id, reference_only=reference_only)
    with fetching(connection, [*quotes, *closes]) as wait:

        def read() -> Market | None:
            tables = wait()
            return None if tables is None else (_quotes(tables[: len(quotes)]), _closes(tables[len(quotes) :]))

        yield read


def quotes_of(connection: Connection, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return the quotes of these games as `features.records.ODDS_COLUMNS`, in the order they were recorded.

    Read as `all_quotes` reads: the categoricals are over these games.
    """
    return _quotes(_tables(connection, _of_games(connection, game_ids)))


def _of_games(connection: Connection, game_ids: Sequence[str]) -> list[str]:
    return _written(connection, (_CHOSEN_GAMES, _BOOKS, _CHOSEN_QUOTES), chosen=sql.Literal(list(game_ids)))


def all_quotes(connection: Connection, sport_id: UUID) -> pd.DataFrame:
    """Return every quote of a sport as `features.records.ODDS_COLUMNS`, in no particular order.

    Words are categoricals over all games and books in sorted order: 32 bytes a row. ADBC reads them where it may
    (see `db.arrow`), else the driver, more slowly, the same rows.
    """
    return _quotes(_tables(connection, quote_statements(connection, sport_id)))


def _quotes(tables: list[pa.Table]) -> pd.DataFrame:
    games, books, quotes = tables
    sharp, book = books.column("is_sharp").to_numpy().astype(bool), quotes.column("book").to_numpy()
    who = _words_of(quotes, games, books)
    return pd.DataFrame(
        {
            "game_id": who["game_id"],
            "book": who["book"],
            "is_sharp": sharp[book] if len(sharp) else np.zeros(0, dtype=bool),
            "market": who["market"],
            "selection": who["selection"],
            **_numbers_of(quotes, "line", "price", "recorded_at"),
        },
        copy=False,
    )


def all_closes(connection: Connection, sport_id: UUID, *, reference_only: bool = False) -> pd.DataFrame:
    """Return every closing line of a sport as `features.records.CLOSING_COLUMNS`, read as `all_quotes` reads.

    `reference_only`: only those of the reference sides (home, over): a History hands out no others.
    """
    return _closes(_tables(connection, _closes_statements(connection, sport_id, reference_only=reference_only)))


def _closes_statements(connection: Connection, sport_id: UUID, *, reference_only: bool) -> list[str]:
    return _statements(connection, sport_id, f"{_CLOSING}{_OF_REFERENCE}" if reference_only else _CLOSING)


def _closes(tables: list[pa.Table]) -> pd.DataFrame:
    games, books, closes = tables
    numbers = _numbers_of(closes, "closing_line", "closing_price", "closed_at")
    return pd.DataFrame({**_words_of(closes, games, books), **numbers})


def quote_statements(connection: Connection, sport_id: UUID) -> list[str]:
    """Return the statements of the narrow read: the games' identifiers, the books, the quotes by their numbers."""
    return _statements(connection, sport_id, _QUOTES)


def _statements(connection: Connection, sport_id: UUID, rows: LiteralString) -> list[str]:
    return _written(connection, (_GAMES, _BOOKS, rows), sport=sql.Literal(str(sport_id)))


def _written(connection: Connection, patterns: Sequence[LiteralString], **named: sql.Literal) -> list[str]:
    parts = {
        **named,
        "market": sql.SQL(_number("o.market_type", BetType)),
        "selection": sql.SQL(_number("o.selection", Selection)),
    }
    raw = driver_connection(connection)
    return [sql.SQL(words).format(**parts).as_string(raw) for words in patterns]


def _tables(connection: Connection, statements: list[str]) -> list[pa.Table]:
    tables = fetch_tables(connection, statements)
    return [_table(connection, statement) for statement in statements] if tables is None else tables


def _number(column: str, words: type[StrEnum]) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"(CASE {column} {cases} END)::int2"


def _table(connection: Connection, statement: str) -> pa.Table:
    return pa.Table.from_pandas(read_frame(connection, text(statement)), preserve_index=False)


def _words_of(rows: pa.Table, games: pa.Table, books: pa.Table) -> dict[str, pd.Categorical]:
    return {
        "game_id": _named(rows.column("game"), games.column("game_id").to_pylist()),
        "book": _named(rows.column("book"), books.column("book").to_pylist()),
        "market": _named(rows.column("market"), [word.value for word in BetType]),
        "selection": _named(rows.column("selection"), [word.value for word in Selection]),
    }


def _named(numbers: pa.ChunkedArray, words: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(numbers.to_numpy(), categories=pd.Index(words, dtype=object))


def _numbers_of(rows: pa.Table, line: str, price: str, moment: str) -> dict[str, object]:
    moments = pd.Series(rows.column(moment).to_numpy().astype("datetime64[us]"))
    return {
        line: rows.column(line).to_numpy().astype("float64"),
        price: rows.column(price).to_numpy().astype("float64"),
        moment: moments.dt.tz_localize("UTC"),
    }
