"""Predictions of player props: published in `player_props`, how they came about and ended in `fact_player_props`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from aipro_ml.db.copy import insert_new, read_frame
from aipro_ml.db.models.predictions import PlayerProp
from aipro_ml.db.models.warehouse import FactPlayerProp
from aipro_ml.identity import derive_id, derive_ids

FACES = ("game_id", "player_id", "prop_type", "predicted_value", "over_probability", "under_probability")

_STORED = text(
    """
    SELECT f.id::text AS id, f.game_id::text AS game_id, f.player_id::text AS player_id, f.prop_type AS prop, f.line,
           f.over_price::float8 AS over_price, f.under_price::float8 AS under_price, f.as_of, f.predicted_value,
           f.over_probability AS over, f.under_probability AS under, f.actual_value, f.result, f.graded_at,
           p.signal_tier AS tier, s.year AS season
    FROM fact_player_props f JOIN player_props p ON p.id = f.player_prop_id JOIN games g ON g.id = f.game_id
    JOIN seasons s ON s.id = g.season_id
    WHERE g.sport_id = :sport AND f.prediction_hash IS NOT NULL
    ORDER BY f.as_of, f.id
    """
)
_GRADED = text(
    """
    UPDATE fact_player_props f SET actual_value = v.actual, result = v.result, graded_at = v.moment
    FROM unnest(CAST(:ids AS uuid[]), CAST(:actual AS float8[]), CAST(:results AS text[]),
                CAST(:moments AS timestamp[])) v(id, actual, result, moment)
    WHERE f.id = v.id AND (f.actual_value IS DISTINCT FROM v.actual OR f.result IS DISTINCT FROM v.result)
    """
)
_LISTED = text(
    """
    SELECT g.game_date AS kickoff, a.abbreviation || ' @ ' || h.abbreviation AS game, y.name AS player,
           p.prop_type AS prop, f.line, p.predicted_value AS expected, p.over_probability AS over,
           p.under_probability AS under, b.name AS book, f.over_price, f.under_price, p.signal_tier AS tier,
           f.actual_value AS actual, f.result, f.as_of, f.prediction_hash AS hash,
           p.created_at < g.game_date AS before_kickoff
    FROM player_props p JOIN fact_player_props f ON f.player_prop_id = p.id JOIN games g ON g.id = p.game_id
    JOIN seasons s ON s.id = g.season_id JOIN players y ON y.id = p.player_id
    JOIN teams h ON h.id = g.home_team_id JOIN teams a ON a.id = g.away_team_id
    LEFT JOIN sportsbooks b ON b.id = f.sportsbook_id
    WHERE g.sport_id = :sport AND (CAST(:season AS integer) IS NULL OR s.year = :season)
      AND (CAST(:week AS integer) IS NULL OR g.week = :week)
      AND (CAST(:prop AS text) IS NULL OR p.prop_type = :prop)
      AND (CAST(:tier AS text) IS NULL OR p.signal_tier = :tier)
      AND (CAST(:player AS text) IS NULL OR y.name ILIKE :player)
    ORDER BY g.game_date DESC, g.id, y.name, p.prop_type, f.as_of DESC, f.id
    LIMIT :limit
    """
)


@dataclass(frozen=True)
class Asked:
    """Which predictions are listed; None: all. `player` is part of a name."""

    season: int | None = None
    week: int | None = None
    prop: str | None = None
    tier: str | None = None
    player: str | None = None
    limit: int = 60


def save_predictions(connection: Connection, rows: pd.DataFrame, now: datetime) -> int:
    """Store predictions that are new by their hash and return how many were.

    `rows`: game_id, player_id, prop_type, line, published_line, sportsbook_id, over_price, under_price, as_of,
    predicted_value, over_probability, under_probability, signal_tier, prediction_hash.
    """
    if rows.empty:
        return 0
    faces = derive_ids("player_prop", rows["prediction_hash"])
    moment = pd.Timestamp(now)
    face = rows[[*FACES, "signal_tier"]].assign(id=faces, line=rows["published_line"], created_at=moment)
    insert_new(connection, PlayerProp.__table__, face)
    facts = rows.drop(columns=["published_line", "signal_tier"]).assign(
        id=derive_ids("predicted_player_prop", rows["prediction_hash"]), player_prop_id=faces, created_at=moment
    )
    return insert_new(connection, FactPlayerProp.__table__, facts)


def stored_predictions(connection: Connection, code: str) -> pd.DataFrame:
    """Return every prediction of the sport's props with its grade, oldest first."""
    frame = read_frame(connection, _STORED.bindparams(sport=derive_id("sport", code)))
    numbers = ("line", "over_price", "under_price", "predicted_value", "over", "under", "actual_value")
    return frame.astype(dict.fromkeys(numbers, "float64"))


def save_grades(connection: Connection, rows: pd.DataFrame) -> int:
    """Bring predictions (id, actual_value, result, graded_at) to these grades; return how many changed."""
    if rows.empty:
        return 0
    told = {
        "ids": rows["id"].astype(str).tolist(),
        "actual": [None if pd.isna(value) else float(value) for value in rows["actual_value"]],
        "results": rows["result"].astype(str).tolist(),
        "moments": [moment.to_pydatetime().replace(tzinfo=None) for moment in rows["graded_at"]],
    }
    return connection.execute(_GRADED, told).rowcount


def listed(connection: Connection, code: str, asked: Asked) -> list[dict[str, Any]]:
    """Return the latest published props as rows for people, by kick-off."""
    told = vars(asked) | {"player": None if asked.player is None else f"%{asked.player}%"}
    bound = _LISTED.bindparams(sport=derive_id("sport", code), **told)
    return [dict(row) for row in connection.execute(bound).mappings()]
