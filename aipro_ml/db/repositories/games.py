"""Games and their revisions: the present state, and what was known when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, false, func, select
from sqlalchemy.orm import aliased

from aipro_ml.db.copy import insert_new, read_frame, upsert
from aipro_ml.db.models.feature_store import GameRevision
from aipro_ml.db.models.sports import Game, Season, Team
from aipro_ml.identity import derive_id

STATE = ("game_date", "status", "home_score", "away_score", "overtime", "week", "venue_id")
"""What of a game can change in `games`; each change is a revision."""

SETTING = ("season_type", "neutral_site")
"""What can change too and stands in the revisions only."""


@dataclass(frozen=True)
class GameCount:
    """Rows written by one import of games."""

    inserted: int = 0
    updated: int = 0
    revisions: int = 0


def revisions_of(connection: Connection, code: str, seasons: Iterable[int]) -> pd.DataFrame:
    """Return every revision of the sport's games in these seasons, in the order they were known.

    Columns: game_id, season, home, away (franchise codes), external_id, revision, source, source_game_id, known_at,
    created_at, game_number, kickoff_estimated, `STATE` and `SETTING`.
    """
    home, away, row = aliased(Team), aliased(Team), GameRevision
    told = [row.source, row.source_game_id, row.known_at, row.created_at, row.game_number, row.kickoff_estimated]
    statement = (
        select(
            row.game_id,
            Season.year.label("season"),
            home.external_id.label("home"),
            away.external_id.label("away"),
            Game.external_id,
            row.revision,
            *told,
            *(getattr(row, name) for name in (*STATE, *SETTING)),
        )
        .join(Game, Game.id == row.game_id)
        .join(Season, Season.id == Game.season_id)
        .join(home, home.id == Game.home_team_id)
        .join(away, away.id == Game.away_team_id)
        .where(Game.sport_id == derive_id("sport", code), Season.year.in_(list(seasons)))
        .order_by(row.known_at, row.game_id, row.revision)
    )
    return read_frame(connection, statement)


def seasons(connection: Connection, code: str) -> list[int]:
    """Return the years of the sport's stored seasons."""
    statement = select(Season.year).where(Season.sport_id == derive_id("sport", code)).order_by(Season.year)
    return list(connection.scalars(statement))


def save_games(connection: Connection, games: pd.DataFrame, revisions: Sequence[pd.DataFrame]) -> GameCount:
    """Store games (columns of the table) and append their revisions (columns of `game_revisions`)."""
    changing = (*STATE, "updated_at")
    count = upsert(connection, Game.__table__, games, key=("id",), update=changing)
    appended = sum(insert_new(connection, GameRevision.__table__, rows) for rows in revisions)
    return GameCount(count.inserted, count.updated, appended)


def revision_rows(
    changed: pd.DataFrame, *, source: str, known_at: pd.Series, number: pd.Series, now: datetime
) -> pd.DataFrame:
    """Return `game_revisions` rows for games in canonical columns plus `id` and the `STATE` columns."""
    return pd.DataFrame(
        {
            "id": [derive_id("game_revision", game, n) for game, n in zip(changed["id"], number, strict=True)],
            "game_id": changed["id"],
            "revision": number,
            "source": source,
            "source_game_id": changed["external_id"],
            **{name: changed[name] for name in (*SETTING, "game_number", "kickoff_estimated")},
            **{name: changed[name] for name in STATE},
            "known_at": known_at,
            "created_at": pd.Timestamp(now),
        }
    )


def schedule(connection: Connection, code: str, span: tuple[datetime, datetime] | None = None) -> pd.DataFrame:
    """Return id, season, week, kickoff, status, teams and score of every game of the sport, by kick-off.

    With `span` only of those that kick off from its first moment to its last.
    """
    statement = (
        select(
            Game.id.label("game_id"),
            Season.year.label("season"),
            Game.week,
            Game.game_date.label("kickoff"),
            Game.status,
            Game.home_team_id,
            Game.away_team_id,
            Game.home_score,
            Game.away_score,
            func.coalesce(Game.overtime, false()).label("overtime"),
        )
        .join(Season, Season.id == Game.season_id)
        .where(Game.sport_id == derive_id("sport", code))
        .order_by(Game.game_date, Game.id)
    )
    if span is not None:
        statement = statement.where(Game.game_date.between(*span))
    frame = read_frame(connection, statement)
    for name in ("game_id", "home_team_id", "away_team_id"):
        frame[name] = frame[name].astype(str)
    return frame
