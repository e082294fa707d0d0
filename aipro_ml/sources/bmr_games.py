"""The games of BookmakersReview's weekly NFL files, which do not say what is played on neutral ground."""

import re

import pandas as pd

from aipro_ml.enums import GameStatus, SeasonType
from aipro_ml.sources.base import UTC_TIME
from aipro_ml.sources.checks import FindingLog, malformed, whole
from aipro_ml.sources.dated import EASTERN
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import game_key

FIELDS = ("game_id", "season", "week", "team", "date", "time", "score", "outcome", "rotation")
OUTCOMES = {
    "FINAL": GameStatus.FINAL,
    "FINAL OT": GameStatus.FINAL,
    "POSTPONED": GameStatus.POSTPONED,
    "CANCELED": GameStatus.CANCELLED,
}
LAST_REGULAR_WEEK = {2020: 17}
"""Seasons to 2020 had 17 weeks, later ones 18."""

MOST_POINTS = 199
LONGEST_ID = 50
DAY = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{1,2})/(\d{1,2})"
TIME = r"\d{1,2}:\d\d [AP]M"


def games_of(home: pd.DataFrame, away: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the good games (GAME_COLUMNS) under the index of their pairs.

    A postponed row is told again by the row of the day the game was played, which counts.
    """
    parts = [_slots(home, log), _kickoffs(home, log), _sides(home, away, log), _results(home, away, log)]
    games = pd.concat(parts, axis=1).loc[~log.rejected]
    games = games.assign(game=game_key(games))
    stood = games["status"] != GameStatus.POSTPONED
    again = games.loc[stood, "game"].duplicated().reindex(games.index, fill_value=False)
    again |= games["external_id"].duplicated()
    log.reject(again, home["game_id"].loc[games.index], "duplicate_game", "an earlier row tells this game")
    return games.loc[~again & ~_played_later(games, stood)]


def _played_later(games: pd.DataFrame, stood: pd.Series) -> pd.Series:
    """Return which postponed rows have a row of the same pairing that was played within the part of the season."""
    pairing = games["season"].astype("string") + games["season_type"] + games["away"] + "@" + games["home"]
    return ~stood & pairing.isin(pairing.loc[stood])


def later_told(home: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> None:
    """Record the postponed rows whose game another row tells."""
    left = (home["outcome"] == "POSTPONED").fillna(False) & ~home.index.isin(games.index) & ~log.rejected
    log.reject(left, home["outcome"], "postponed", "played on another day, told by another row: this one is left out")


def _slots(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    season, week = whole(rows["season"], 1990, 2100), whole(rows["week"], 1, 30)
    log.reject(season.isna(), rows["season"], "season_range", "no season from 1990 to 2100")
    log.reject(week.isna(), rows["week"], "week_number", "no week number from 1 to 30")
    endless = rows["game_id"].str.len() > LONGEST_ID
    log.reject(endless, rows["game_id"], "game_id", f"a game's number has at most {LONGEST_ID} characters")
    last = pd.Series(18, index=rows.index).mask((season <= 2020).fillna(False), LAST_REGULAR_WEEK[2020])
    late = (week > last).fillna(False)
    return pd.DataFrame(
        {
            "external_id": rows["game_id"],
            "season": season,
            "season_type": late.map({True: SeasonType.POSTSEASON.value, False: SeasonType.REGULAR.value}),
            "week": week,
            "game_number": 1,
            "venue": pd.Series(pd.NA, index=rows.index, dtype="string"),
            "neutral_site": False,
            "line_number": rows["line_number"],
        }
    ).astype({"season_type": "string"})


def _kickoffs(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return kick-offs in UTC; the weekday proves the year that the day lacks."""
    parts = rows["date"].str.extract(f"^{DAY}$", flags=re.ASCII)
    month, day = (parts[column].astype("Int64") for column in (1, 2))
    year = whole(rows["season"], 1990, 2100) + (month < 7).astype("Int64")
    text = year.astype("string") + "-" + month.astype("string") + "-" + day.astype("string")
    date = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    log.reject(date.isna() & ~log.rejected, rows["date"], "game_date", "no day like Sun 9/7")
    differs = date.notna() & (date.dt.day_name().str.slice(0, 3) != parts[0])
    log.reject(differs, rows["date"], "weekday", "that day of this season is another weekday")
    clock = rows["time"].where(rows["time"].str.fullmatch(TIME).fillna(False).astype(bool))
    wall = pd.to_datetime(text + " " + clock, format="%Y-%m-%d %I:%M %p", errors="coerce").astype("datetime64[us]")
    kickoff = wall.dt.tz_localize(EASTERN, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    log.reject(kickoff.isna() & date.notna(), rows["time"], "game_time", "no Eastern time of that day like 1:00 PM")
    return pd.DataFrame({"kickoff": kickoff.astype(UTC_TIME), "kickoff_estimated": False})


def _sides(home: pd.DataFrame, away: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    teams = franchises("NFL")

    def unknown(name: str) -> str:
        near = ", ".join(teams.nearest(name))
        return "no such team in that season" + (f"; nearest: {near}" if near else "; see configs/teams/nfl.yaml")

    season = whole(home["season"], 1990, 2100)
    sides = {}
    for side, names in (("home", home["team"]), ("away", away["team@visitor"])):
        sides[side] = teams.find_all(names, season)
        log.reject(sides[side].isna() & season.notna(), names, "unknown_team", unknown)
    same = sides["home"] == sides["away"]
    log.reject(same, away["team@visitor"], "home_is_away", "a team cannot play itself")
    return pd.DataFrame(sides)


def _results(home: pd.DataFrame, away: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    outcome = home["outcome"]
    log.reject(~outcome.isin(list(OUTCOMES)), outcome, "outcome", f"none of {', '.join(OUTCOMES)}")
    differs = (outcome != away["outcome@visitor"]).fillna(True)
    log.reject(differs, away["outcome@visitor"], "outcome_differs", "the two rows of the game differ")
    status = outcome.map({word: status.value for word, status in OUTCOMES.items()}).astype("string")
    final = (status == GameStatus.FINAL).fillna(False)
    scores = {}
    for side, text in (("home", home["score"]), ("away", away["score@visitor"])):
        scores[side] = whole(text, 0, MOST_POINTS)
        said = f"no whole number from 0 to {MOST_POINTS}"
        log.reject(malformed(text, scores[side]) | (final & text.isna()), text, "score", said)
    return pd.DataFrame(
        {
            "status": status,
            "home_score": scores["home"].where(final),
            "away_score": scores["away"].where(final),
            "overtime": outcome.eq("FINAL OT").fillna(False).astype("boolean").where(final),
        }
    )
