"""The quotes of a sport as narrow frames: games, books, markets and sides travel as small numbers."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from aipro_ml.db.arrow import fetch_tables
from aipro_ml.db.copy import driver_connection, read_frame
from aipro_ml.enums import BetType, Selection

_GAMES = "SELECT id::text AS game_id FROM games WHERE sport_id = {sport} ORDER BY id"
_BOOKS = 'SELECT name AS book, coalesce(is_sharp, FALSE) AS is_sharp FROM sportsbooks ORDER BY name COLLATE "C"'
_QUOTES = """
    WITH numbered AS (
      SELECT id, (row_number() OVER (ORDER BY id) - 1)::int4 AS game FROM games WHERE sport_id = {sport}),
    books AS (SELECT id, (row_number() OVER (ORDER BY name COLLATE "C") - 1)::int2 AS book FROM sportsbooks)
    SELECT n.game, b.book, {market} AS market, {selection} AS selection, o.line, o.price, o.recorded_at
    FROM odds o JOIN numbered n ON n.id = o.game_id JOIN books b ON b.id = o.sportsbook_id
"""
_FEW = text(
    """
    SELECT o.game_id::text AS game_id, b.name AS book, coalesce(b.is_sharp, FALSE) AS is_sharp,
           o.market_type AS market, o.selection, o.line, o.price::float8 AS price, o.recorded_at
    FROM odds o JOIN sportsbooks b ON b.id = o.sportsbook_id
    WHERE o.game_id = ANY(CAST(:games AS uuid[]))
    ORDER BY o.recorded_at, o.id
    """
)


def quotes_of(connection: Connection, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return the quotes of these games as `features.records.ODDS_COLUMNS`, in the order they were recorded."""
    return read_frame(connection, _FEW.bindparams(games=list(game_ids)))


def all_quotes(connection: Connection, sport_id: UUID) -> pd.DataFrame:
    """Return every quote of a sport as `features.records.ODDS_COLUMNS`, in no particular order.

    Words are categoricals over all games and books in sorted order: 32 bytes a row. ADBC reads them where it may
    (see `db.arrow`), else the driver, more slowly, the same rows.
    """
    statements = quote_statements(connection, sport_id)
    tables = fetch_tables(connection, statements)
    if tables is None:
        tables = [_table(connection, statement) for statement in statements]
    games, books, quotes = tables
    return _frame(quotes, games.column("game_id").to_pylist(), books)


def quote_statements(connection: Connection, sport_id: UUID) -> list[str]:
    """Return the statements of the narrow read: the games' identifiers, the books, the quotes by their numbers."""
    parts = {
        "sport": sql.Literal(str(sport_id)),
        "market": sql.SQL(_number("o.market_type", BetType)),
        "selection": sql.SQL(_number("o.selection", Selection)),
    }
    raw = driver_connection(connection)
    return [sql.SQL(words).format(**parts).as_string(raw) for words in (_GAMES, _BOOKS, _QUOTES)]


def _number(column: str, words: type[StrEnum]) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"(CASE {column} {cases} END)::int2"


def _table(connection: Connection, statement: str) -> pa.Table:
    return pa.Table.from_pandas(read_frame(connection, text(statement)), preserve_index=False)


def _frame(quotes: pa.Table, games: list[str], books: pa.Table) -> pd.DataFrame:
    sharp = books.column("is_sharp").to_numpy().astype(bool)
    book = quotes.column("book").to_numpy()
    moments = quotes.column("recorded_at").to_numpy().astype("datetime64[us]")
    return pd.DataFrame(
        {
            "game_id": pd.Categorical.from_codes(
                quotes.column("game").to_numpy(), categories=pd.Index(games, dtype=object)
            ),
            "book": pd.Categorical.from_codes(
                book, categories=pd.Index(books.column("book").to_pylist(), dtype=object)
            ),
            "is_sharp": sharp[book] if len(sharp) else np.zeros(0, dtype=bool),
            "market": _words(quotes.column("market"), BetType),
            "selection": _words(quotes.column("selection"), Selection),
            "line": quotes.column("line").to_numpy(),
            "price": quotes.column("price").to_numpy().astype("float64"),
            "recorded_at": pd.Series(moments).dt.tz_localize("UTC"),
        }
    )


def _words(numbers: pa.ChunkedArray, words: type[StrEnum]) -> pd.Categorical:
    return pd.Categorical.from_codes(
        numbers.to_numpy(), categories=pd.Index([word.value for word in words], dtype=object)
    )
