"""Box scores: players, and what teams and players did in each game, with every correction beside the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Table, func, select, text

from aipro_ml.db.copy import any_of, insert_new, read_frame, upsert
from aipro_ml.db.models.sports import Player, PlayerStat, Season
from aipro_ml.db.models.warehouse import FactPlayerGame, FactTeamGame
from aipro_ml.identity import derive_id
from aipro_ml.times import iso_utc

CORRECTIONS = "corrections"
"""Key of `stats` that lists what was read later: `[{"known_at": …, "figures": {…}}]`, oldest first."""

SHORT_NAME = r"[a-z]\.\S.*|Action Network [0-9]+"
"""How a source of prices names a player."""

_GAMES = text(
    """
    SELECT g.id::text AS game, s.year AS season, last.season_type, g.week::float8 AS week, g.game_date AS kickoff,
           h.external_id AS home, a.external_id AS away, g.home_score::float8 AS home_score,
           g.away_score::float8 AS away_score, told.known_at AS result_known_at, told.created_at AS result_stored_at
    FROM games g
    JOIN seasons s ON s.id = g.season_id
    JOIN teams h ON h.id = g.home_team_id
    JOIN teams a ON a.id = g.away_team_id
    JOIN LATERAL (SELECT season_type FROM game_revisions r WHERE r.game_id = g.id
                  ORDER BY r.revision DESC LIMIT 1) last ON TRUE
    LEFT JOIN LATERAL (SELECT known_at, created_at FROM game_revisions r
                       WHERE r.game_id = g.id AND r.status = 'final' AND r.home_score IS NOT NULL
                         AND r.away_score IS NOT NULL
                       ORDER BY r.known_at, r.revision LIMIT 1) told ON TRUE
    WHERE g.sport_id = :sport
    ORDER BY g.game_date, g.id
    """
)
_TEAM_OF_THE_PRESENT = text(
    """
    UPDATE players p SET team_id = latest.team_id, updated_at = :now
    FROM (SELECT DISTINCT ON (f.player_id) f.player_id, f.team_id
          FROM fact_player_games f JOIN games g ON g.id = f.game_id
          WHERE g.sport_id = :sport ORDER BY f.player_id, g.game_date DESC, g.id DESC) latest
    WHERE latest.player_id = p.id AND p.team_id IS DISTINCT FROM latest.team_id
    """
)


@dataclass(frozen=True)
class FactCount:
    """Box scores written: new ones, and stored ones whose figures are different now."""

    inserted: int = 0
    corrected: int = 0


def stored_games(connection: Connection, code: str) -> pd.DataFrame:
    """Return the games of the sport, by kick-off.

    Columns: game (id as text), season, season_type, week, kickoff, home and away (franchise codes), scores, and when
    their first final score was known and when it was stored (NaT: not played yet).
    """
    frame = read_frame(connection, _GAMES.bindparams(sport=derive_id("sport", code)))
    return frame.astype({"season": "int64", "home": "string", "away": "string", "game": "string"})


def team_figures(connection: Connection, code: str, names: Sequence[str]) -> pd.DataFrame:
    """Return game, team (franchise code) and these figures of every stored team box of the sport, as they are now."""
    statement = text(
        """
        SELECT f.game_id::text AS game, t.external_id AS team,
               coalesce(f.stats #> '{corrections,-1,figures}', f.stats) AS stats
        FROM fact_team_games f JOIN games g ON g.id = f.game_id JOIN teams t ON t.id = f.team_id
        WHERE g.sport_id = :sport
        """
    )
    frame = read_frame(connection, statement.bindparams(sport=derive_id("sport", code)))
    stats = frame.pop("stats") if len(frame) else pd.Series([], dtype=object)
    for name in names:
        frame[name] = pd.Series([row.get(name) for row in stats], index=frame.index, dtype="float64")
    return frame


def save_players(connection: Connection, players: pd.DataFrame, now: datetime) -> int:
    """Store players (id, external_id, name, position) that are new; return the rows written.

    A stored name stays, unless a source of prices gave it in short (j.allen) and this one has it whole.
    """
    if players.empty:
        return 0
    inserted = insert_new(connection, Player.__table__, players.assign(created_at=pd.Timestamp(now)))
    whole = players.assign(id=players["id"].astype(str)).loc[~_in_short(players["name"])]
    stored = read_frame(connection, select(Player.id, Player.name).where(Player.id == any_of(whole["id"])))
    short = stored.loc[_in_short(stored["name"]), "id"]
    named = whole.loc[whole["id"].isin(short)].assign(created_at=pd.Timestamp(now), updated_at=pd.Timestamp(now))
    count = upsert(connection, Player.__table__, named, key=("id",), update=("name", "position", "updated_at"))
    return inserted + count.updated


def _in_short(names: pd.Series) -> pd.Series:
    """Return which names are an initial and a family name, or a source's number."""
    return names.astype("string").str.fullmatch(SHORT_NAME).fillna(False).astype(bool)


def move_players(connection: Connection, code: str, seasons: pd.DataFrame, now: datetime) -> int:
    """Bring each player to the team of his latest game, or else of his latest season; return how many moved.

    `seasons`: player_id, team_id, season of season files; an older season than a stored one moves nobody.
    """
    moved = connection.execute(
        _TEAM_OF_THE_PRESENT, {"now": now.replace(tzinfo=None), "sport": derive_id("sport", code)}
    )
    return moved.rowcount + _move_by_season(connection, seasons, now)


def _move_by_season(connection: Connection, seasons: pd.DataFrame, now: datetime) -> int:
    seasons = seasons.dropna(subset=["team_id"]).sort_values("season").drop_duplicates("player_id", keep="last")
    if seasons.empty:
        return 0
    ids = any_of(seasons["player_id"])
    played = select(FactPlayerGame.player_id).where(FactPlayerGame.player_id == ids).distinct()
    latest = (
        select(Player.id, Player.team_id, func.max(Season.year).label("season"))
        .outerjoin(PlayerStat, PlayerStat.player_id == Player.id)
        .outerjoin(Season, Season.id == PlayerStat.season_id)
        .where(Player.id == ids, Player.id.not_in(played))
        .group_by(Player.id)
    )
    stored = read_frame(connection, latest).set_index("id")
    rows = seasons.assign(id=seasons["player_id"].astype(str), team_id=seasons["team_id"].astype(str))
    rows = rows.loc[rows["id"].isin(stored.index)]
    before = stored.reindex(rows["id"])
    newest = ~(before["season"].to_numpy("float64") > rows["season"].to_numpy("float64"))
    differs = before["team_id"].astype(object).to_numpy() != rows["team_id"].to_numpy()
    rows = rows.loc[newest & differs, ["id", "team_id"]]
    moment = pd.Timestamp(now)
    known = rows.assign(name="", created_at=moment, updated_at=moment)  # all are stored: nothing is inserted
    return upsert(connection, Player.__table__, known, key=("id",), update=("team_id", "updated_at")).updated


def save_team_games(connection: Connection, rows: pd.DataFrame, now: datetime, *, seen_before: bool) -> FactCount:
    """Store team boxes (columns of `fact_team_games` but created_at), as `_save` says."""
    present = ("points_for", "points_against")
    return _save(connection, FactTeamGame.__table__, rows, present, Moment(now, seen_before))


def save_player_games(connection: Connection, rows: pd.DataFrame, now: datetime, *, seen_before: bool) -> FactCount:
    """Store player boxes (columns of `fact_player_games` but created_at), as `_save` says."""
    return _save(connection, FactPlayerGame.__table__, rows, ("minutes",), Moment(now, seen_before))


@dataclass(frozen=True)
class Moment:
    """When an import reads, and whether it read the very same bytes before: they are no new observation."""

    now: datetime
    seen_before: bool


def _save(
    connection: Connection, table: Table, rows: pd.DataFrame, present: Sequence[str], moment: Moment
) -> FactCount:
    """Insert new boxes; append other figures of a stored one to its corrections, known from now on.

    What was read first keeps its place and its time. Columns `present` hold the present value.
    """
    if rows.empty:
        return FactCount()
    rows = rows.assign(id=rows["id"].astype(str))
    found = read_frame(connection, select(table.c.id, table.c.stats).where(table.c.id == any_of(rows["id"])))
    stored = dict(zip(found["id"], found["stats"], strict=True))
    is_new = ~rows["id"].isin(stored)
    inserted = insert_new(connection, table, rows.loc[is_new].assign(created_at=pd.Timestamp(moment.now)))
    old = rows.loc[~is_new]
    if old.empty or moment.seen_before:
        return FactCount(inserted)
    stats = [corrected(stored[key], new, moment.now) for key, new in zip(old["id"], old["stats"], strict=True)]
    changed = old.assign(stats=pd.Series(stats, index=old.index, dtype=object), created_at=pd.Timestamp(moment.now))
    count = upsert(connection, table, changed, key=("id",), update=("stats", *present))
    return FactCount(inserted, count.updated)


def corrected(stored: Mapping[str, Any], figures: Mapping[str, float], now: datetime) -> dict[str, Any]:
    """Return stored `stats` with `figures` as a correction known at `now`; unchanged where they are the latest."""
    before = list(stored.get(CORRECTIONS, []))
    latest = before[-1]["figures"] if before else {name: v for name, v in stored.items() if name != CORRECTIONS}
    if latest == dict(figures):
        return dict(stored)
    return {**stored, CORRECTIONS: [*before, {"known_at": iso_utc(now), "figures": dict(figures)}]}
