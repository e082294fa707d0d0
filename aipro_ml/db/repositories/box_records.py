"""Box scores and season statistics as the frames features are computed from, every version of a box a row."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from aipro_ml.db.copy import read_frame
from aipro_ml.identity import derive_id
from aipro_ml.times import ensure_utc

_BOXES = """
    SELECT {ids}, v.known_at{figures}
    FROM {facts} f
    JOIN games g ON g.id = f.game_id
    CROSS JOIN LATERAL (
      SELECT f.known_at, f.stats
      UNION ALL
      SELECT CAST(c ->> 'known_at' AS timestamptz) AT TIME ZONE 'UTC', c -> 'figures'
      FROM jsonb_array_elements(f.stats -> 'corrections') c) v(known_at, stats)
    WHERE g.sport_id = :sport AND greatest(f.created_at, v.known_at) <= CAST(:recorded_by AS timestamp)
    ORDER BY v.known_at, f.id
"""
_TEAM_IDS = "CAST(f.team_id AS text) AS team_id, CAST(f.game_id AS text) AS game_id"
_PLAYER_IDS = f"CAST(f.player_id AS text) AS player_id, {_TEAM_IDS}"
_PLAYER_STATS = text(
    """
    SELECT p.player_id::text AS player_id, s.year AS season, p.stat_type, p.value,
           p.games_played::float8 AS games_played,
           greatest(s.end_date::timestamp + interval '1 day', p.updated_at) AS known_at
    FROM player_stats p JOIN seasons s ON s.id = p.season_id
    WHERE s.sport_id = :sport AND p.stat_type = ANY(:figures) AND p.created_at <= CAST(:recorded_by AS timestamp)
    ORDER BY known_at, p.id
    """
)


def team_boxes(
    connection: Connection, code: str, figures: Sequence[str], recorded_by: datetime | None = None
) -> pd.DataFrame:
    """Return team_id, game_id, known_at and these figures of every stored team box, and of every correction of it.

    With `recorded_by`, here and below, only of what was imported by then.
    """
    return _boxes(connection, code, figures, (_TEAM_IDS, "fact_team_games"), recorded_by)


def player_boxes(
    connection: Connection, code: str, figures: Sequence[str], recorded_by: datetime | None = None
) -> pd.DataFrame:
    """Return player_id, team_id, game_id, known_at and these figures of every player box, and of every correction."""
    return _boxes(connection, code, figures, (_PLAYER_IDS, "fact_player_games"), recorded_by)


def player_stats(
    connection: Connection, code: str, figures: Sequence[str], recorded_by: datetime | None = None
) -> pd.DataFrame:
    """Return the season statistics of players; known at the season's end, or when a value last changed after it."""
    bound = _PLAYER_STATS.bindparams(
        sport=derive_id("sport", code), figures=list(figures), recorded_by=_by(recorded_by)
    )
    return read_frame(connection, bound)


def _by(recorded_by: datetime | None) -> datetime | str:
    return "infinity" if recorded_by is None else ensure_utc(recorded_by).replace(tzinfo=None)


def _boxes(
    connection: Connection,
    code: str,
    figures: Sequence[str],
    source: tuple[str, str],
    recorded_by: datetime | None,
) -> pd.DataFrame:
    ids, facts = source
    named = {f"figure_{number}": figure for number, figure in enumerate(figures)}
    columns = "".join(f", CAST(v.stats ->> :{name} AS float8) AS {name}" for name in named)
    statement = text(_BOXES.format(ids=ids, facts=facts, figures=columns))
    frame = read_frame(
        connection, statement.bindparams(sport=derive_id("sport", code), recorded_by=_by(recorded_by), **named)
    )
    return frame.rename(columns=named)
