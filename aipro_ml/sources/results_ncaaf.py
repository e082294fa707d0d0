"""Results of a college football season, one row a game: the day, both teams, the score."""

from datetime import datetime

import pandas as pd

from aipro_ml.enums import SeasonType, Severity
from aipro_ml.sources.base import GAME_COLUMNS, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog, whole
from aipro_ml.sources.dated import EASTERN, Fixtures, League, dated_games, iso_days
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.read import read_csv

SOURCE = "ncaaf results"
NCAAF = League("NCAAF", EASTERN, "15:30", (0, 199))
"""Half past three Eastern is the middle of a college Saturday."""

FIELDS = (
    "game_id", "season_year", "week", "date", "season_type", "home_team", "away_team", "home_score", "away_score",
    "went_ot", "neutral_site",
)  # fmt: skip
LONGEST_ID = 50
MANY_GAMES = 200
"""Of so many games about ten go to overtime: a file that knows of none does not tell."""


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    The file gives no time of day, and its day is that of the kick-off **in UTC**: a game at 8 p.m. Eastern has
    the next day's date. Kick-offs are therefore estimated (15:30 Eastern of the day named) and up to a day
    wrong; a source with times, matched by teams and nearness, corrects them. Raises DataFileError where the
    file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    season_type = _season_types(rows, log)
    games = dated_games(_fixtures(rows, log), NCAAF, log)
    games = games.assign(season_type=season_type, week=_weeks(rows, season_type, log))
    return SourceBatch(
        sport=NCAAF.sport,
        source=SOURCE,
        teams=franchises(NCAAF.sport).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    neutral = whole(rows["neutral_site"], 0, 1)
    log.flag(neutral.isna(), rows["neutral_site"], "neutral_site", "neither 0 nor 1: taken as 0", Severity.WARNING)
    no_id = rows["game_id"].isna() | (rows["game_id"].str.len() > LONGEST_ID)
    log.reject(no_id, rows["game_id"], "game_id", f"a game needs an id of 1 to {LONGEST_ID} characters")
    again = rows["game_id"].duplicated() & ~no_id
    log.reject(again, rows["game_id"], "duplicate_game", "an earlier row has this game_id; the first counts")
    return Fixtures(
        day=rows["date"],
        date=iso_days(rows["date"]),
        season=whole(rows["season_year"], 1869, 2100),
        home=rows["home_team"],
        away=rows["away_team"],
        home_score=rows["home_score"],
        away_score=rows["away_score"],
        neutral=neutral.eq(1).fillna(False),
        overtime=_overtime(rows, log),
        external_id=rows["game_id"],
        line_number=rows["line_number"],
    )


def _season_types(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    text = rows["season_type"]
    known = [kind.value for kind in SeasonType]
    log.reject(~text.isin(known), text, "season_type", f"none of {', '.join(known)}")
    return text


def _weeks(rows: pd.DataFrame, season_type: pd.Series, log: FindingLog) -> pd.Series:
    """Return the week of regular games; bowls, which the file all puts in week 1, have none."""
    week = whole(rows["week"], 0, 30)
    log.flag(week.isna(), rows["week"], "week_number", "no week number from 0 to 30: none is kept", Severity.WARNING)
    return week.where(season_type == SeasonType.REGULAR)


def _overtime(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    """Return which games went to overtime; NA throughout where the file knows of none in a whole season."""
    overtime = whole(rows["went_ot"], 0, 1)
    log.flag(overtime.isna(), rows["went_ot"], "overtime", "neither 0 nor 1: not known", Severity.WARNING)
    silent = len(rows) >= MANY_GAMES and not overtime.eq(1).any()
    if silent:
        first = pd.Series(rows.index == rows.index[0], index=rows.index)
        said = f"not one of {len(rows)} games went to overtime: the file does not tell, so none is known"
        log.flag(first, rows["went_ot"], "overtime_never", said, Severity.WARNING)
    known = overtime.astype("boolean")
    return known.where(pd.Series(not silent, index=rows.index))
