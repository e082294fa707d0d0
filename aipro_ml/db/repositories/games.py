"""Games and their revisions: the present state, and what was known when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from aipro_ml.db.copy import any_of, insert_new, read_frame, upsert
from aipro_ml.db.models.feature_store import GameRevision
from aipro_ml.db.models.sports import Game, Season
from aipro_ml.identity import derive_id

STATE = ("game_date", "status", "home_score", "away_score", "overtime", "week", "venue_id")
"""What of a game can change in `games`; each change is a revision."""

SETTING = ("season_type", "neutral_site")
"""What can change too and stands in the revisions only."""


@dataclass(frozen=True)
class GameCount:
    """Rows written by one import of games."""

    inserted: int
    updated: int
    revisions: int


def present(connection: Connection, ids: Iterable[object]) -> pd.DataFrame:
    """Return the stored state of the games with these ids: id, `STATE`, `SETTING` and the last revision number."""
    last = select(GameRevision).ext(distinct_on(GameRevision.game_id))
    last_of = last.order_by(GameRevision.game_id, GameRevision.revision.desc()).subquery()
    state = [Game.id, *(getattr(Game, name) for name in STATE)]
    statement = select(*state, *(last_of.c[name] for name in (*SETTING, "revision")))
    statement = statement.outerjoin(last_of, last_of.c.game_id == Game.id)
    return read_frame(connection, statement.where(Game.id == any_of(ids)))


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


def schedule(connection: Connection, code: str) -> pd.DataFrame:
    """Return id, season, week, kickoff, status and teams of every game of the sport, by kick-off."""
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
        )
        .join(Season, Season.id == Game.season_id)
        .where(Game.sport_id == derive_id("sport", code))
        .order_by(Game.game_date, Game.id)
    )
    frame = read_frame(connection, statement)
    for name in ("game_id", "home_team_id", "away_team_id"):
        frame[name] = frame[name].astype(str)
    return frame
