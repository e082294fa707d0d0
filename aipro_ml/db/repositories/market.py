"""What is derived from quotes: closing lines, movements, consensus lines and the opening and close a side."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, text

from aipro_ml.db.copy import UpsertCount, any_of, copy_rows, read_frame, upsert
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
      SELECT f.game_id, sum(f.quotes_count) AS quotes, bool_or(f.closing_price IS NOT NULL) AS closed,
             bool_or(f.opening_price IS NOT NULL) AS opened
      FROM fact_odds f JOIN games g ON g.id = f.game_id WHERE g.sport_id = :sport GROUP BY f.game_id)
    SELECT g.id::text AS game_id
    FROM games g JOIN quoted q ON q.game_id = g.id LEFT JOIN derived d ON d.game_id = g.id
    WHERE d.quotes IS DISTINCT FROM q.quotes
       OR d.closed <> (d.opened AND g.game_date <= :now AND g.status NOT IN ('postponed', 'cancelled'))
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
    A game that was quoted in play only has neither opening nor close, and is up to date without.
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


def save_derived(
    connection: Connection, name: str, rows: pd.DataFrame, is_new: npt.NDArray[np.bool_] | None = None
) -> UpsertCount:
    """Bring the table `name` (one of TABLES) to these rows; equal ones are not touched.

    `is_new`: where it is known, under the sport's lock, that no stored row has the id (n,): such rows need no
    comparison and are copied straight into the table.
    """
    table, changing = TABLES[name], [column for column in rows.columns if column != "id"]
    if is_new is None or not is_new.any():
        return upsert(connection, table, rows, key=("id",), update=changing)
    count = upsert(connection, table, rows.loc[~is_new], key=("id",), update=changing)
    return UpsertCount(count.inserted + copy_rows(connection, table, rows.loc[is_new]), count.updated)


def stored_keys(connection: Connection, name: str, game_ids: Sequence[str]) -> pd.DataFrame:
    """Return id (as 32 hexadecimal digits) and is_derived of the rows of games, of consensus lines also their key.

    Closing lines without a price are not derived but stated. The key: game_id, market_type and calculated_at.
    """
    table = TABLES[name]
    digits = sa.func.replace(sa.cast(table.c.id, sa.Text), "-", "").label("id")
    derived = table.c.closing_price.is_not(None) if name == "closing_lines" else sa.true()
    key = [table.c.game_id, table.c.market_type, table.c.calculated_at] if name == "consensus_lines" else []
    return read_frame(
        connection, sa.select(digits, derived.label("is_derived"), *key).where(table.c.game_id == any_of(game_ids))
    )


def delete_derived(connection: Connection, name: str, ids: Iterable[object]) -> int:
    """Delete derived rows by id; return how many."""
    table = TABLES[name]
    return connection.execute(sa.delete(table).where(table.c.id == any_of(ids))).rowcount


_SIDES = text(
    """
    SELECT f.game_id::text AS game_id, b.name AS book, coalesce(b.is_sharp, FALSE) AS is_sharp,
           f.market_type AS market, f.selection, f.opening_line, f.opening_price::float8 AS opening_price,
           f.opening_at, f.closing_line, f.closing_price::float8 AS closing_price, f.closed_at, f.quotes_count
    FROM fact_odds f JOIN sportsbooks b ON b.id = f.sportsbook_id JOIN games g ON g.id = f.game_id
    WHERE g.sport_id = :sport AND (CAST(:games AS uuid[]) IS NULL OR f.game_id = ANY(CAST(:games AS uuid[])))
    """
)
_MOVES = text(
    """
    SELECT m.game_id::text AS game_id, b.name AS book, m.market_type AS market, m.old_line, m.new_line,
           m.old_price::float8 AS old_price, m.new_price::float8 AS new_price, m.movement_size, m.detected_at
    FROM odds_movements m JOIN sportsbooks b ON b.id = m.sportsbook_id JOIN games g ON g.id = m.game_id
    WHERE g.sport_id = :sport AND (CAST(:games AS uuid[]) IS NULL OR m.game_id = ANY(CAST(:games AS uuid[])))
    ORDER BY m.detected_at, m.id
    """
)
_CONSENSUS = text(
    """
    SELECT market_type AS market, consensus_line, consensus_price::float8 AS consensus_price, books_count, calculated_at
    FROM consensus_lines WHERE game_id = CAST(:game AS uuid) ORDER BY market_type, calculated_at
    """
)
_CLOSES = text(
    """
    SELECT c.market_type AS market, count(DISTINCT c.game_id) AS games, count(DISTINCT c.sportsbook_id) AS books,
           count(*) AS sides, count(c.closing_price) AS priced, min(c.closed_at) AS first, max(c.closed_at) AS last
    FROM closing_lines c JOIN games g ON g.id = c.game_id WHERE g.sport_id = :sport GROUP BY 1 ORDER BY 1
    """
)
_GAMES = text(
    """
    SELECT g.id::text AS game_id, p.code AS sport, g.external_id, s.year AS season, g.game_date AS kickoff, g.status,
           h.abbreviation AS home, a.abbreviation AS away, g.home_score::float8 AS home_score,
           g.away_score::float8 AS away_score
    FROM games g JOIN sports p ON p.id = g.sport_id JOIN seasons s ON s.id = g.season_id
      JOIN teams h ON h.id = g.home_team_id JOIN teams a ON a.id = g.away_team_id
    WHERE (CAST(:sport AS uuid) IS NULL OR g.sport_id = CAST(:sport AS uuid))
      AND (CAST(:name AS text) IS NULL OR g.id::text LIKE :start OR g.external_id = CAST(:name AS text)
        OR g.id IN (SELECT r.game_id FROM game_revisions r WHERE r.source_game_id = CAST(:name AS text)))
    ORDER BY g.game_date, g.id LIMIT :most
    """
)


def sides_of(connection: Connection, code: str, game_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return opening and close of every side at every book (`market.closing.SIDE_COLUMNS`, is_sharp); book by name."""
    bound = _SIDES.bindparams(sport=derive_id("sport", code), games=None if game_ids is None else list(game_ids))
    return read_frame(connection, bound)


def moves_of(connection: Connection, code: str, game_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the movements (`market.movements.MOVEMENT_COLUMNS`) of a sport, or of some of its games."""
    bound = _MOVES.bindparams(sport=derive_id("sport", code), games=None if game_ids is None else list(game_ids))
    return read_frame(connection, bound)


def consensus_of(connection: Connection, game_id: str) -> pd.DataFrame:
    """Return the stored consensus lines of a game: market, line, price, books_count, calculated_at."""
    return read_frame(connection, _CONSENSUS.bindparams(game=game_id))


def closes_by_market(connection: Connection, code: str) -> pd.DataFrame:
    """Return per market how many games, books and sides have a close, how many with a price, and from when to when."""
    return read_frame(connection, _CLOSES.bindparams(sport=derive_id("sport", code)))


def games_named(connection: Connection, name: str) -> pd.DataFrame:
    """Return up to 20 games whose id begins with `name`, or that a source calls so."""
    start = f"{name.lower()}%" if len(name) >= 4 and set(name.lower()) <= set("0123456789abcdef-") else ""
    return read_frame(connection, _GAMES.bindparams(sport=None, name=name, start=start, most=20))


def games_of_sport(connection: Connection, code: str) -> pd.DataFrame:
    """Return the games of a sport by kick-off: game_id, season, kickoff, status, home, away and scores."""
    return read_frame(connection, _GAMES.bindparams(sport=derive_id("sport", code), name=None, start="", most=None))
