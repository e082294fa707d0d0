"""Season statistics: totals of the box scores, and what season files say where no box scores are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, TextClause, select, text

from aipro_ml.db.copy import any_of, insert_new, read_frame, upsert
from aipro_ml.db.models.sports import PlayerStat, TeamStat
from aipro_ml.identity import derive_id, derive_ids

RATES = "(_pct|_share|_cpoe|Percentage)$|^(pacr|racr|wopr)$"
"""Figures (a regular expression, any letter case) whose season value is the mean of the games, not their sum."""

LONGEST = "^(fg_long)$"
"""Figures whose season value is the largest of the games."""

_TOTALS = """
    WITH boxes AS (
      SELECT f.{who}, g.season_id, f.game_id, coalesce(f.stats #> '{{corrections,-1,figures}}', f.stats) AS figures
      FROM {facts} f
      JOIN games g ON g.id = f.game_id
      JOIN LATERAL (SELECT season_type FROM game_revisions r WHERE r.game_id = g.id
                    ORDER BY r.revision DESC LIMIT 1) last ON TRUE
      WHERE g.sport_id = :sport AND last.season_type = 'regular'
        AND g.season_id = ANY(CAST(:seasons AS uuid[]))),
    played AS (SELECT {who}, season_id, count(*) AS games FROM boxes GROUP BY 1, 2),
    told AS (
      SELECT b.{who}, b.season_id, e.key AS stat_type, CAST(e.value #>> '{{}}' AS numeric) AS value
      FROM boxes b, jsonb_each(b.figures) e WHERE jsonb_typeof(e.value) = 'number'
      {more})
    SELECT CAST(t.{who} AS text) AS {who}, CAST(t.season_id AS text) AS season_id, t.stat_type,
           CAST(round(CASE WHEN t.stat_type ~* :rates THEN avg(t.value) WHEN t.stat_type ~ :longest THEN max(t.value)
                      ELSE sum(t.value) END, 6) AS float8) AS value,
           CAST(p.games AS float8) AS games_played
    FROM told t JOIN played p USING ({who}, season_id)
    GROUP BY t.{who}, t.season_id, t.stat_type, p.games
    ORDER BY 1, 2, 3
"""
_POINTS = """
      UNION ALL
      SELECT b.team_id, b.season_id, v.name, v.points
      FROM boxes b JOIN fact_team_games f ON f.team_id = b.team_id AND f.game_id = b.game_id,
           LATERAL (VALUES ('points_for', f.points_for), ('points_against', f.points_against)) v(name, points)
      WHERE v.points IS NOT NULL
"""
_TEAM_TOTALS = text(_TOTALS.format(who="team_id", facts="fact_team_games", more=_POINTS))
_PLAYER_TOTALS = text(_TOTALS.format(who="player_id", facts="fact_player_games", more=""))


@dataclass(frozen=True)
class StatCount:
    """Season statistics written: new rows and rows whose value changed."""

    inserted: int = 0
    updated: int = 0


def rebuild_team_stats(connection: Connection, code: str, seasons: Sequence[object], now: datetime) -> StatCount:
    """Sum the regular-season team boxes of these seasons (ids) into `team_stats`; equal rows stay untouched."""
    return _rebuild(connection, code, seasons, now, ("team_id", _TEAM_TOTALS, TeamStat.__table__))


def rebuild_player_stats(connection: Connection, code: str, seasons: Sequence[object], now: datetime) -> StatCount:
    """Sum the regular-season player boxes of these seasons (ids) into `player_stats`; equal rows stay untouched."""
    return _rebuild(connection, code, seasons, now, ("player_id", _PLAYER_TOTALS, PlayerStat.__table__))


def _rebuild(
    connection: Connection,
    code: str,
    seasons: Sequence[object],
    now: datetime,
    kind: tuple[str, TextClause, Table],
) -> StatCount:
    who, statement, table = kind
    if not len(seasons):
        return StatCount()
    bound = statement.bindparams(
        sport=derive_id("sport", code), seasons=[str(season) for season in seasons], rates=RATES, longest=LONGEST
    )
    return save_stats(connection, table, who, read_frame(connection, bound), now)


def save_player_seasons(connection: Connection, rows: pd.DataFrame, now: datetime) -> StatCount:
    """Store season totals of players (player_id, season_id, stat_type, value, games_played) from a season file."""
    return save_stats(connection, PlayerStat.__table__, "player_id", rows, now)


def save_stats(connection: Connection, table: Table, who: str, rows: pd.DataFrame, now: datetime) -> StatCount:
    """Insert new statistics and update changed ones; `updated_at` moves only with a value."""
    if rows.empty:
        return StatCount()
    keys = ("id", who, "season_id", "stat_type")
    rows = rows.assign(id=[str(each) for each in derive_ids(table.name, *(rows[name] for name in keys[1:]))])
    found = select(table.c.id, table.c.value, table.c.games_played).where(table.c.id == any_of(rows["id"]))
    stored = read_frame(connection, found).set_index("id")
    is_new = ~rows["id"].isin(stored.index)
    fresh = rows.loc[is_new].assign(created_at=pd.Timestamp(now))
    inserted = insert_new(connection, table, fresh)
    old = rows.loc[~is_new]
    before, differs = stored.reindex(old["id"]), np.zeros(len(old), dtype=bool)
    for name in ("value", "games_played"):
        new, was = old[name].to_numpy("float64", na_value=np.nan), before[name].to_numpy("float64", na_value=np.nan)
        differs |= ~((new == was) | (np.isnan(new) & np.isnan(was)))
    changed = old.loc[differs].assign(created_at=pd.Timestamp(now), updated_at=pd.Timestamp(now))
    update = ("value", "games_played", "updated_at")
    return StatCount(inserted, upsert(connection, table, changed, key=("id",), update=update).updated)


def played_seasons(connection: Connection, code: str) -> set[tuple[str, int]]:
    """Return (player id, season) of every player with a stored regular-season box in that season."""
    statement = text(
        """
        SELECT DISTINCT f.player_id::text AS player_id, s.year AS season
        FROM fact_player_games f JOIN games g ON g.id = f.game_id JOIN seasons s ON s.id = g.season_id
        WHERE g.sport_id = :sport
        """
    )
    frame = read_frame(connection, statement.bindparams(sport=derive_id("sport", code)))
    return set(zip(frame["player_id"], frame["season"].astype(int), strict=True)) if len(frame) else set()


def season_totals(connection: Connection, code: str, years: Sequence[int]) -> pd.DataFrame:
    """Return the totals of players with boxes in these seasons: player_id, name, team, season, stat_type, value, games.

    `team` is the franchise code of the player's one team in that season's boxes, missing where he had several.
    """
    statement = text(
        """
        WITH teams_of AS (
          SELECT f.player_id, g.season_id, min(t.external_id) AS team, count(DISTINCT t.id) AS teams
          FROM fact_player_games f JOIN games g ON g.id = f.game_id JOIN teams t ON t.id = f.team_id
          WHERE g.sport_id = :sport GROUP BY 1, 2)
        SELECT p.id::text AS player_id, p.name, CASE WHEN o.teams = 1 THEN o.team END AS team, s.year AS season,
               x.stat_type, x.value, x.games_played::float8 AS games
        FROM player_stats x JOIN teams_of o USING (player_id, season_id) JOIN players p ON p.id = x.player_id
        JOIN seasons s ON s.id = x.season_id
        WHERE s.year = ANY(:years)
        """
    )
    return read_frame(connection, statement.bindparams(sport=derive_id("sport", code), years=list(years)))
