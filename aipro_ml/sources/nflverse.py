"""nflverse's games file (one row an NFL game, its closing lines beside it) as canonical frames."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus, SeasonType, Severity
from aipro_ml.sources import nflverse_odds
from aipro_ml.sources.base import (
    GAME_COLUMNS,
    UTC_TIME,
    VENUE_COLUMNS,
    Book,
    SourceBatch,
    conform,
)
from aipro_ml.sources.checks import FindingLog, malformed, numbers, whole
from aipro_ml.sources.franchises import Franchises, franchises, venues
from aipro_ml.sources.games import busy, game_key, season_frame
from aipro_ml.sources.read import read_csv

SPORT = "NFL"
SOURCE = "nflverse"
BOOK = "nflverse close"
EASTERN = ZoneInfo("America/New_York")
USUAL_KICKOFF = "13:00"
"""Eastern kick-off assumed, and marked as estimated, where the file has none (all of 1999)."""

GAME_FIELDS = (
    "game_id", "season", "game_type", "week", "gameday", "gametime", "away_team", "away_score", "home_team",
    "home_score", "location", "result", "overtime", "roof", "surface", "stadium_id", "stadium",
)  # fmt: skip
SEASON_TYPES = {
    "REG": SeasonType.REGULAR,
    "PRE": SeasonType.PRESEASON,
    **dict.fromkeys(("WC", "DIV", "CON", "SB", "POST"), SeasonType.POSTSEASON),
}
FIRST_SEASON, LAST_SEASON = 1920, 2100
MOST_POINTS = 199
MOST_WEEKS = 60
LONGEST_ID = 50
"""`games.external_id` is VARCHAR(50); `venues.name` and `surface_type` 200 and 50."""


def read(data: bytes, *, name: str, book: str = BOOK, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the games file `data` (plain or gzip) says; bad rows and cells become findings.

    `name` is the file's name in messages, `book` the bookmaker its lines land under. A price counts as seen
    60 seconds before kick-off or at `known_from` (the moment of a live fetch), whichever is earlier. Raises
    DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=(*GAME_FIELDS, *nflverse_odds.FIELDS))
    log = FindingLog(name, table.frame["line_number"], table.findings)
    teams = franchises(SPORT)
    games = _games(table.frame, teams, log)
    landed = table.frame.loc[games.index]
    offers = nflverse_odds.offers(landed, games, log)
    venue_rows = _venues(landed, log)
    return SourceBatch(
        sport=SPORT,
        source=SOURCE,
        teams=teams.frame(),
        venues=venue_rows,
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        books=(Book(book),),
        quotes=nflverse_odds.quotes(offers, book, known_from),
        closing=nflverse_odds.closing(offers, book),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _games(rows: pd.DataFrame, teams: Franchises, log: FindingLog) -> pd.DataFrame:
    """Return the good games under the index of their rows."""
    season = whole(rows["season"], FIRST_SEASON, LAST_SEASON)
    parts = [
        _slots(rows, season, log),
        _kickoffs(rows, season, log),
        _sides(rows, season, teams, log),
        _scores(rows, log),
    ]
    games = pd.concat(parts, axis=1).loc[~log.rejected]
    games = games.assign(game=game_key(games))
    _reject_repeated(rows.loc[games.index], games, log)
    return games.loc[~log.rejected.loc[games.index]]


def _slots(rows: pd.DataFrame, season: pd.Series, log: FindingLog) -> pd.DataFrame:
    """Return what places a game in its season, and the source's own facts that need no reading."""
    week = whole(rows["week"], 1, MOST_WEEKS)
    season_type = rows["game_type"].map(SEASON_TYPES).astype("string")
    location = rows["location"].str.lower()
    no_id = rows["game_id"].isna() | (rows["game_id"].str.len() > LONGEST_ID)
    log.reject(season.isna(), rows["season"], "season_range", f"no season from {FIRST_SEASON} to {LAST_SEASON}")
    log.reject(week.isna(), rows["week"], "week_number", f"no week number from 1 to {MOST_WEEKS}")
    log.reject(season_type.isna(), rows["game_type"], "game_type", f"none of {', '.join(SEASON_TYPES)}")
    log.reject(no_id, rows["game_id"], "game_id", f"a game needs an id of 1 to {LONGEST_ID} characters")
    elsewhere = ~location.isin(["home", "neutral"])
    said = "neither Home nor Neutral: taken as Home"
    log.flag(elsewhere, rows["location"], "unknown_location", said, Severity.WARNING)
    return pd.DataFrame(
        {
            "external_id": rows["game_id"],
            "season": season,
            "season_type": season_type,
            "week": week,
            "game_number": 1,
            "venue": rows["stadium_id"],
            "neutral_site": location.eq("neutral").fillna(False),
            "line_number": rows["line_number"],
        }
    )


def _kickoffs(rows: pd.DataFrame, season: pd.Series, log: FindingLog) -> pd.DataFrame:
    """Return kick-offs in UTC from Eastern wall-clock days and times."""
    day = _moments(rows["gameday"], r"(?:19|20|21)\d\d-\d\d-\d\d", "%Y-%m-%d")
    clock = rows["gametime"].fillna(USUAL_KICKOFF).str.zfill(5)
    wall = _moments(rows["gameday"] + " " + clock, r"(?:19|20|21)\d\d-\d\d-\d\d \d\d:\d\d", "%Y-%m-%d %H:%M")
    # A time the clocks skip or show twice is no kick-off either
    kickoff = wall.dt.tz_localize(EASTERN, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    strayed = (day - pd.DateOffset(months=6)).dt.year.astype("Int64") != season
    log.reject(day.isna(), rows["gameday"], "game_date", "no date like 2022-09-11")
    timeless = kickoff.isna() & day.notna()
    log.reject(timeless, rows["gametime"], "game_time", "no Eastern time of that day like 13:00")
    said = "a season's games are played from July of its year to June of the next"
    log.reject(strayed & day.notna(), rows["gameday"], "date_outside_season", said)
    return pd.DataFrame({"kickoff": kickoff.astype(UTC_TIME), "kickoff_estimated": rows["gametime"].isna()})


def _moments(text: pd.Series, pattern: str, form: str) -> pd.Series:
    plain = text.where(text.str.fullmatch(pattern, flags=re.ASCII).fillna(False).astype(bool))
    return pd.to_datetime(plain, format=form, errors="coerce")


def _sides(rows: pd.DataFrame, season: pd.Series, teams: Franchises, log: FindingLog) -> pd.DataFrame:
    """Return the franchises of both teams."""

    def unknown(code: str) -> str:
        near = ", ".join(teams.nearest(code))
        return "no such team in that season" + (f"; nearest: {near}" if near else "; see configs/teams/nfl.yaml")

    sides = {side: teams.resolve_all(rows[f"{side}_team"], season) for side in ("home", "away")}
    for side, franchise in sides.items():
        log.reject(franchise.isna() & season.notna(), rows[f"{side}_team"], "unknown_team", unknown)
    same = sides["home"] == sides["away"]
    log.reject(same, rows["away_team"], "home_is_away", "a team cannot play itself")
    return pd.DataFrame(sides)


def _scores(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return scores, status and overtime; a game without scores is still to be played."""
    scores = {side: whole(rows[f"{side}_score"], 0, MOST_POINTS) for side in ("home", "away")}
    for side, other in (("home", "away"), ("away", "home")):
        text, there = rows[f"{side}_score"], rows[f"{other}_score"].notna()
        log.reject(malformed(text, scores[side]), text, "score", f"no whole number from 0 to {MOST_POINTS}")
        log.reject(text.isna() & there, text, "score_alone", "only one of the two scores is there")
    overtime = whole(rows["overtime"], 0, 1)
    final = scores["home"].notna() & scores["away"].notna()
    margin = numbers(rows["result"])
    differs = malformed(rows["result"], margin) | (margin != scores["home"] - scores["away"])
    said = "not the home score less the away score; the scores count"
    log.flag(differs, rows["result"], "result_differs", said, Severity.WARNING)
    odd = malformed(rows["overtime"], overtime)
    log.flag(odd, rows["overtime"], "overtime", "neither 0 nor 1: taken as 0", Severity.WARNING)
    return pd.DataFrame(
        {
            "status": np.where(final, GameStatus.FINAL.value, GameStatus.SCHEDULED.value),
            "home_score": scores["home"],
            "away_score": scores["away"],
            "overtime": overtime.eq(1).fillna(False) & final,
        }
    )


def _reject_repeated(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> None:
    """Reject games an earlier row already told, by the source's id or by what the game is, and exchanged sides."""
    again = games["external_id"].duplicated()
    same = games["game"].duplicated() & ~again
    rule = "duplicate_game"
    log.reject(again, rows["game_id"], rule, "an earlier row has this game_id; the first counts")
    log.reject(same, rows["game_id"], rule, "an earlier row has these teams in this week; the first counts")
    named = "_" + rows["home_team"] + "_" + rows["away_team"]
    exchanged = pd.Series([i.endswith(end) for i, end in zip(rows["game_id"], named, strict=True)], index=rows.index)
    log.reject(
        exchanged & ~again & ~same, rows["game_id"], "sides_exchanged", "the id has the home team as the visitor"
    )
    left = games.loc[~again & ~same & ~exchanged]
    slot = left["season"].astype("string") + ":" + left["season_type"] + ":" + left["week"].astype("string")
    said = "one of these teams has another game that week; the first counts"
    log.reject(busy(left, slot), rows["game_id"].loc[left.index], "team_twice_a_week", said)


def _venues(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the stadiums played in; one that `configs/venues` lacks has only the file's own words."""
    known = venues(SPORT).frame()
    code = rows["stadium_id"]
    said = "no stadium: the game lands without one"
    log.flag(code.isna(), code, "venue_missing", said, Severity.WARNING)
    strange = rows.loc[code.notna() & ~code.isin(known["venue"]) & ~code.duplicated()]
    said = "not in configs/venues/nfl.yaml: lands under the file's own name, without place and time zone"
    log.flag(strange["stadium_id"].notna(), strange["stadium_id"], "unknown_venue", said, Severity.WARNING)
    own = pd.DataFrame(
        {
            "venue": strange["stadium_id"],
            "name": strange["stadium"].fillna(strange["stadium_id"]).str.slice(0, 200),
            "surface_type": strange["surface"].str.slice(0, 50),
            "is_dome": strange["roof"].eq("dome").fillna(False),
        }
    )
    used = known.loc[known["venue"].isin(code)]
    return pd.concat([used, conform(own.reindex(columns=list(VENUE_COLUMNS)), VENUE_COLUMNS)], ignore_index=True)
