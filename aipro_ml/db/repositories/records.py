"""All facts of a sport as the frames features are computed from."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from aipro_ml.db.copy import read_frame
from aipro_ml.db.repositories.quotes import all_closes, all_quotes, market_read, quotes_of
from aipro_ml.identity import derive_id
from aipro_ml.times import ensure_utc

_GAMES = text(
    """
    SELECT g.id::text AS game_id, s.year AS season, r.season_type, r.week::float8 AS week, r.game_number,
           g.home_team_id::text AS home_team_id, g.away_team_id::text AS away_team_id,
           coalesce(r.venue_id::text, '') AS venue_id, r.neutral_site, r.game_date AS kickoff,
           r.kickoff_estimated, r.status, r.home_score::float8 AS home_score,
           r.away_score::float8 AS away_score, coalesce(r.overtime, FALSE) AS overtime, r.revision, r.known_at
    FROM game_revisions r JOIN games g ON g.id = r.game_id JOIN seasons s ON s.id = g.season_id
    WHERE g.sport_id = :sport AND r.created_at <= CAST(:recorded_by AS timestamp)
    ORDER BY r.known_at, g.id, r.revision
    """
)
_TEAMS = text(
    """
    SELECT id::text AS team_id, abbreviation
    FROM teams WHERE sport_id = :sport ORDER BY id
    """
)
_VENUES = text(
    """
    SELECT id::text AS venue_id, coalesce(timezone, '') AS timezone, latitude, longitude
    FROM venues ORDER BY id
    """
)
_TEAM_STATS = text(
    """
    SELECT t.team_id::text AS team_id, s.year AS season, t.stat_type, t.value,
           t.games_played::float8 AS games_played,
           greatest(s.end_date::timestamp + interval '1 day', t.updated_at) AS known_at
    FROM team_stats t JOIN seasons s ON s.id = t.season_id
    WHERE s.sport_id = :sport AND t.created_at <= CAST(:recorded_by AS timestamp) ORDER BY known_at, t.id
    """
)


_STATEMENTS = {
    "games": _GAMES,
    "teams": _TEAMS,
    "venues": _VENUES,
    "team_stats": _TEAM_STATS,
}

_EVER = "infinity"
"""Facts recorded by then are all facts."""


def load_frames(
    connection: Connection,
    code: str,
    odds_of: Sequence[str] | None = None,
    recorded_by: datetime | None = None,
    *,
    reference_closes: bool = False,
) -> dict[str, pd.DataFrame]:
    """Return every stored fact of the sport `code`, by the field of `features.records.Records` it belongs to.

    With `odds_of` only the odds of the games with these ids, with `reference_closes` only the
    closing lines of reference sides. With `recorded_by` only what was imported by then;
    quotes and closing lines do not say when they were, and are cut by their own time. Odds and closing lines are
    those of the moment the read begins: what a statement after that finds was committed later, so no quote comes
    without its game.
    """
    sport = derive_id("sport", code)
    by = _EVER if recorded_by is None else ensure_utc(recorded_by).replace(tzinfo=None)
    dated = {"games": {"recorded_by": by}, "team_stats": {"recorded_by": by}}
    bound = {
        name: query if name == "venues" else query.bindparams(sport=sport, **dated.get(name, {}))
        for name, query in _STATEMENTS.items()
    }
    with market_read(connection, sport, odds_of, reference_only=reference_closes) as market:
        rest = {name: read_frame(connection, query) for name, query in bound.items()}
        found = market()
    if found is None:  # nothing may be read beside: the market first, then the rest once more
        found = (
            all_quotes(connection, sport) if odds_of is None else quotes_of(connection, odds_of),
            all_closes(connection, sport, reference_only=reference_closes),
        )
        rest = {name: read_frame(connection, query) for name, query in bound.items()}
    odds, closing = found
    if recorded_by is not None:
        odds = odds.loc[odds["recorded_at"] <= recorded_by].reset_index(drop=True)
        closing = closing.loc[closing["closed_at"] <= recorded_by].reset_index(drop=True)
    return {"odds": odds, "closing": closing, **rest}


def load_results(connection: Connection, code: str) -> dict[str, pd.DataFrame]:
    """Return the `games` and the `closing` of `load_frames` alone: what grading needs, without a single quote."""
    sport = derive_id("sport", code)
    closing = all_closes(connection, sport)
    return {"closing": closing, "games": read_frame(connection, _GAMES.bindparams(sport=sport, recorded_by=_EVER))}
