"""What is derived from quotes: closing lines, movements, consensus lines and the opening and close a side."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, text

from aipro_ml.db.copy import UpsertCount, any_of, read_frame, upsert
from aipro_ml.db.models.odds import ClosingLine, ConsensusLine, OddsMovement
from aipro_ml.db.models.warehouse import FactOdds
from aipro_ml.identity import derive_id

TABLES: dict[str, sa.Table] = {
    "closing_lines": ClosingLine.__table__,
    "fact_odds": FactOdds.__table__,
    "odds_movements": OddsMovement.__table__,
    "consensus_lines": ConsensusLine.__table__,
}
_QUOTES = text(
    """
    SELECT game_id::text AS game_id, sportsbook_id::text AS book, market_type AS market, selection,
           line, price::float8 AS price, recorded_at
    FROM odds WHERE game_id = ANY(CAST(:games AS uuid[])) ORDER BY recorded_at, id
    """
)
_REVISIONS = text(
    """
    SELECT game_id::text AS game_id, game_date AS kickoff, coalesce(kickoff_estimated, FALSE) AS kickoff_estimated,
           status, known_at
    FROM game_revisions WHERE game_id = ANY(CAST(:games AS uuid[])) ORDER BY known_at, game_id, revision
    """
)
_STATED = text(
    """
    SELECT game_id::text AS game_id, sportsbook_id::text AS book, market_type AS market, selection,
           closing_line, closed_at
    FROM closing_lines WHERE game_id = ANY(CAST(:games AS uuid[])) AND closing_price IS NULL
    """
)
_BOOKS = text("SELECT id::text AS book, name, coalesce(is_sharp, FALSE) AS is_sharp FROM sportsbooks ORDER BY name")
_STALE = text(
    """
    WITH quoted AS (
      SELECT o.game_id, count(*) AS quotes FROM odds o JOIN games g ON g.id = o.game_id
      WHERE g.sport_id = :sport GROUP BY o.game_id),
    derived AS (
      SELECT f.game_id, sum(f.quotes_count) AS quotes, bool_or(f.closing_price IS NOT NULL) AS closed
      FROM fact_odds f JOIN games g ON g.id = f.game_id WHERE g.sport_id = :sport GROUP BY f.game_id)
    SELECT g.id::text AS game_id
    FROM games g JOIN quoted q ON q.game_id = g.id LEFT JOIN derived d ON d.game_id = g.id
    WHERE d.quotes IS DISTINCT FROM q.quotes
       OR d.closed <> (g.game_date <= :now AND g.status NOT IN ('postponed', 'cancelled'))
    ORDER BY g.game_date, g.id
    """
)
_ALL = text(
    """
    SELECT g.id::text AS game_id FROM games g
    WHERE g.sport_id = :sport
      AND (EXISTS (SELECT FROM odds o WHERE o.game_id = g.id)
        OR EXISTS (SELECT FROM closing_lines c WHERE c.game_id = g.id))
    ORDER BY g.game_date, g.id
    """
)


def games_to_derive(connection: Connection, code: str, now: datetime, *, everything: bool) -> list[str]:
    """Return the ids of the games whose derived rows may be out of date at `now`, or of all with a market.

    Out of date: quotes came that no derived row has counted, or the game has begun (or is no longer) since.
    A game that was quoted in play only counts as such for ever; deriving it again changes nothing.
    """
    query = _ALL if everything else _STALE.bindparams(now=now.replace(tzinfo=None))
    return list(read_frame(connection, query.bindparams(sport=derive_id("sport", code)))["game_id"])


def quotes_of(connection: Connection, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return all quotes of games as `market.closing.QUOTE_COLUMNS`; `book` is the book's id."""
    return read_frame(connection, _QUOTES.bindparams(games=list(game_ids)))


def revisions_of(connection: Connection, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return the revisions of games as `market.closing.REVISION_COLUMNS`, in the order they became known."""
    return read_frame(connection, _REVISIONS.bindparams(games=list(game_ids)))


def stated_lines(connection: Connection, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return the closing lines without a price that archives state: game_id, book, market … closed_at."""
    return read_frame(connection, _STATED.bindparams(games=list(game_ids)))


def books(connection: Connection) -> pd.DataFrame:
    """Return every book's id (`book`), name and whether it is sharp."""
    return read_frame(connection, _BOOKS)


def save_derived(connection: Connection, name: str, rows: pd.DataFrame) -> UpsertCount:
    """Bring the table `name` (one of TABLES) to these rows; equal ones are not touched."""
    return upsert(connection, TABLES[name], rows, key=("id",), update=[c for c in rows.columns if c != "id"])


def stored_keys(connection: Connection, name: str, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return id, game_id, market_type (and calculated_at of a consensus) of the derived rows of games.

    Closing lines without a price are not derived but stated, and left out.
    """
    table = TABLES[name]
    moment = [table.c.calculated_at] if "calculated_at" in table.c else []
    query = sa.select(table.c.id, table.c.game_id, table.c.market_type, *moment)
    query = query.where(table.c.game_id == any_of(game_ids))
    if name == "closing_lines":
        query = query.where(table.c.closing_price.is_not(None))
    return read_frame(connection, query)


def delete_derived(connection: Connection, name: str, ids: Iterable[object]) -> int:
    """Delete derived rows by id; return how many."""
    table = TABLES[name]
    return connection.execute(sa.delete(table).where(table.c.id == any_of(ids))).rowcount
