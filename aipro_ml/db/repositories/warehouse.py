"""The warehouse's rows: what they are derived from, and bringing the tables to what is derived."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, func, select, text

from aipro_ml.db.copy import UpsertCount, any_of, read_frame, upsert
from aipro_ml.db.models.betting import Bet
from aipro_ml.db.models.warehouse import DimDate, DimModel, DimTeam, FactBet
from aipro_ml.enums import BetResult
from aipro_ml.identity import derive_id

TABLES: dict[str, sa.Table] = {
    "dim_dates": DimDate.__table__,
    "dim_teams": DimTeam.__table__,
    "dim_models": DimModel.__table__,
    "fact_bets": FactBet.__table__,
}
_TEAMS = text(
    """
    SELECT t.id::text AS team_id, s.code AS sport_code, t.external_id AS franchise, t.name, t.abbreviation,
           t.conference, t.division
    FROM teams t JOIN sports s ON s.id = t.sport_id ORDER BY s.code, t.id
    """
)
_SEASONS = text(
    "SELECT s.code AS sport_code, n.year, n.start_date::timestamp AS starts_at "
    "FROM seasons n JOIN sports s ON s.id = n.sport_id WHERE n.start_date IS NOT NULL ORDER BY s.code, n.year"
)
_MODELS = text(
    """
    SELECT m.id::text AS model_id, s.code AS sport_code, m.bet_type, m.framework, m.version, m.created_at
    FROM ml_models m JOIN sports s ON s.id = m.sport_id ORDER BY m.created_at, m.id
    """
)
_CHAMPIONS = text(
    """
    SELECT p.model_id::text AS model_id, s.code AS sport_code, p.bet_type, p.decided_at
    FROM fact_model_promotions p JOIN sports s ON s.id = p.sport_id
    WHERE p.action <> 'promote' OR p.verdict = 'PROMOTE' ORDER BY p.decided_at, p.id
    """
)
_GRADED = text(
    """
    SELECT s.code, count(r.id) AS graded, max(r.graded_at) AS latest, count(b.id) AS bets,
           max(b.graded_at) AS bet_latest
    FROM predictions p JOIN games g ON g.id = p.game_id JOIN sports s ON s.id = g.sport_id
      LEFT JOIN prediction_results r ON r.prediction_id = p.id LEFT JOIN fact_bets b ON b.prediction_id = p.id
    GROUP BY s.code ORDER BY s.code
    """
)
_CLOSES = text(
    """
    SELECT s.code, count(*) || ' ' || sum(hashtextextended(c::text, 0)::numeric) AS closes
    FROM closing_lines c JOIN games g ON g.id = c.game_id JOIN sports s ON s.id = g.sport_id
    WHERE EXISTS (SELECT FROM predictions p WHERE p.game_id = c.game_id) GROUP BY s.code
    """
)
_DERIVED_FROM = text(
    """
    SELECT DISTINCT ON (resource_id) resource_id AS code, details->>'closes' AS closes FROM audit_logs
    WHERE action = 'warehouse.bets' AND resource = 'fact_bets' ORDER BY resource_id, created_at DESC, id
    """
)
_BETS = text(
    """
    SELECT b.id::text AS id FROM fact_bets b JOIN games g ON g.id = b.game_id
    WHERE g.sport_id = :sport AND b.bet_id IS NULL
    """
)


def teams(connection: Connection) -> pd.DataFrame:
    """Return every team of today: team_id, sport_code, franchise, name, abbreviation, conference, division."""
    return read_frame(connection, _TEAMS)


def seasons(connection: Connection) -> pd.DataFrame:
    """Return sport_code, year and starts_at (UTC) of every season whose beginning is known, in order."""
    found = read_frame(connection, _SEASONS)
    return found.assign(starts_at=pd.to_datetime(found["starts_at"], utc=True))


def models(connection: Connection) -> pd.DataFrame:
    """Return every model: model_id, sport_code, bet_type, framework, version, created_at."""
    return read_frame(connection, _MODELS)


def champions(connection: Connection) -> pd.DataFrame:
    """Return each decision that changed production, in order: model_id, sport_code, bet_type, decided_at."""
    return read_frame(connection, _CHAMPIONS)


def game_span(connection: Connection) -> tuple[datetime, datetime] | None:
    """Return the first and the last kick-off of all games, None without any."""
    first, last = connection.execute(text("SELECT min(game_date), max(game_date) FROM games")).one()
    return None if first is None else (first, last)


def sports_with_news(connection: Connection, *, everything: bool) -> list[str]:
    """Return the sports whose bets do not follow their grades and closes any more.

    With `everything` all that have predictions. A grade does not tell of each close that a bet is held against.
    """
    closes = closes_now(connection)
    before: dict[str, str] = {row.code: row.closes for row in connection.execute(_DERIVED_FROM)}
    rows = connection.execute(_GRADED).all()

    def is_behind(row: sa.Row[Any]) -> bool:
        if (row.graded, row.latest) != (row.bets, row.bet_latest):
            return True
        return bool(row.graded) and closes.get(row.code) != before.get(row.code)

    return [row.code for row in rows if everything or is_behind(row)]


def closes_now(connection: Connection) -> dict[str, str]:
    """Return a fingerprint of the closes of each sport's predicted games."""
    return {row.code: row.closes for row in connection.execute(_CLOSES)}


def bets_of(connection: Connection, code: str) -> list[str]:
    """Return the ids of the sport's rows of `fact_bets` that come from predictions."""
    return list(read_frame(connection, _BETS.bindparams(sport=derive_id("sport", code)))["id"])


def has_news_of_tracked(connection: Connection) -> bool:
    """Return whether the rows of tracked bets do not follow the settled bets any more."""
    settled = select(func.count(), func.max(Bet.settled_at)).where(Bet.result != BetResult.PENDING)
    kept = select(func.count(), func.max(FactBet.graded_at)).where(FactBet.bet_id.is_not(None))
    return tuple(connection.execute(settled).one()) != tuple(connection.execute(kept).one())


def tracked(connection: Connection) -> list[str]:
    """Return the ids of the rows of `fact_bets` that come from users' bets."""
    return [str(found) for found in connection.scalars(select(FactBet.id).where(FactBet.bet_id.is_not(None)))]


def stored_ids(connection: Connection, name: str) -> list[str]:
    """Return the ids of all rows of a table (one of TABLES)."""
    return [str(found) for found in connection.scalars(sa.select(TABLES[name].c.id))]


def bring_to(connection: Connection, name: str, rows: pd.DataFrame, stored: Iterable[str]) -> tuple[UpsertCount, int]:
    """Bring a table to these rows; equal ones are not touched, and `stored` ids that are none of them are deleted."""
    table = TABLES[name]
    gone = sorted(set(stored) - (set() if rows.empty else set(map(str, rows["id"]))))
    deleted = connection.execute(sa.delete(table).where(table.c.id == any_of(gone))).rowcount if gone else 0
    changing = [column for column in rows.columns if column != "id"]
    return upsert(connection, table, rows, key=("id",), update=changing), deleted


def empty(connection: Connection, name: str) -> int:
    """Delete what a rebuild derives anew: all rows of a dimension, of `fact_bets` those of predictions."""
    table = TABLES[name]
    statement = sa.delete(table)
    if name == "fact_bets":
        statement = statement.where(table.c.bet_id.is_(None))
    return connection.execute(statement).rowcount
