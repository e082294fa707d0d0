"""Records built straight from the shared nflverse file, without a database: what tests on real games read."""

from pathlib import Path

import numpy as np
import pandas as pd

from aipro_ml.features.records import (
    ALIGNMENT_COLUMNS,
    CLOSING_COLUMNS,
    GROUND_COLUMNS,
    ODDS_COLUMNS,
    REVISION_COLUMNS,
    TEAM_COLUMNS,
    TEAM_STAT_COLUMNS,
    VENUE_COLUMNS,
    Records,
    frame_of,
    no_rows,
)
from aipro_ml.sources.franchises import franchises, venues

FRANCHISES = {"OAK": "LV", "SD": "LAC", "STL": "LA"}
MINUTE = pd.Timedelta(minutes=1)
SIDES = (
    # market, selection, sign of the line, line column, price column
    ("moneyline", "home", 1, None, "home_moneyline"),
    ("moneyline", "away", 1, None, "away_moneyline"),
    ("spread", "home", -1, "spread_line", "home_spread_odds"),
    ("spread", "away", 1, "spread_line", "away_spread_odds"),
    ("total", "over", 1, "total_line", "over_odds"),
    ("total", "under", 1, "total_line", "under_odds"),
)


def read_records(path: Path) -> Records:
    """Records of every game: schedule known a day before the season, results at kick-off + 240 minutes."""
    rows = pd.read_csv(path)
    clock = pd.to_datetime(rows["gameday"] + " " + rows["gametime"].fillna("13:00"))
    rows["kickoff"] = clock.dt.tz_localize("America/New_York").dt.tz_convert("UTC")
    return Records(
        games=_revisions(rows),
        odds=_sides(rows, "odds"),
        closing=_sides(rows, "closing"),
        teams=_teams(),
        venues=_venues(rows),
        team_stats=no_rows(TEAM_STAT_COLUMNS),
        alignments=_alignments(),
        grounds=_grounds(),
    )


def _revisions(rows: pd.DataFrame) -> pd.DataFrame:
    start = rows.groupby("season")["kickoff"].transform("min") - pd.Timedelta(days=1)
    schedule = pd.DataFrame(
        {
            "game_id": rows["game_id"],
            "season": rows["season"],
            "season_type": np.where(rows["game_type"] == "REG", "regular", "postseason"),
            "week": rows["week"],
            "game_number": 1,
            "home_team_id": rows["home_team"].replace(FRANCHISES),
            "away_team_id": rows["away_team"].replace(FRANCHISES),
            "venue_id": rows["stadium_id"],
            "neutral_site": rows["location"] == "Neutral",
            "kickoff": rows["kickoff"],
            "kickoff_estimated": rows["gametime"].isna(),
            "status": "scheduled",
            "home_score": np.nan,
            "away_score": np.nan,
            "overtime": False,
            "revision": 1,
            "known_at": start,
        }
    )
    final = schedule.assign(
        status="final",
        home_score=rows["home_score"],
        away_score=rows["away_score"],
        overtime=rows["overtime"] == 1,
        revision=2,
        known_at=rows["kickoff"] + 240 * MINUTE,
    )
    return frame_of(pd.concat([schedule, final]), REVISION_COLUMNS)


def _sides(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    parts = []
    for market, selection, sign, line, price in SIDES:
        points = pd.Series(np.nan, index=rows.index) if line is None else sign * rows[line]
        parts.append(
            pd.DataFrame(
                {
                    "game_id": rows["game_id"],
                    "book": "nflverse close",
                    "is_sharp": False,
                    "market": market,
                    "selection": selection,
                    "line": points,
                    "price": rows[price],
                    "recorded_at": rows["kickoff"] - MINUTE,
                }
            )
        )
    every = pd.concat(parts)
    if kind == "odds":
        return frame_of(every.loc[every["price"].notna()], ODDS_COLUMNS)
    every = every.loc[every["price"].notna() | every["line"].notna()]
    names = {"line": "closing_line", "price": "closing_price", "recorded_at": "closed_at"}
    return frame_of(every.rename(columns=names), CLOSING_COLUMNS)


def _teams() -> pd.DataFrame:
    teams = franchises("NFL").frame()
    return frame_of(teams.rename(columns={"team": "team_id"}), TEAM_COLUMNS)


def _venues(rows: pd.DataFrame) -> pd.DataFrame:
    last = rows.drop_duplicates("stadium_id", keep="last")
    nowhere = {"timezone": "", "latitude": np.nan, "longitude": np.nan}
    return frame_of(pd.DataFrame({"venue_id": last["stadium_id"], **nowhere}), VENUE_COLUMNS)


def _alignments() -> pd.DataFrame:
    return frame_of(franchises("NFL").alignments().rename(columns={"team": "team_id"}), ALIGNMENT_COLUMNS)


def _grounds() -> pd.DataFrame:
    names = {"venue": "venue_id", "since": "known_at"}
    return frame_of(venues("NFL").grounds().rename(columns=names), GROUND_COLUMNS)
