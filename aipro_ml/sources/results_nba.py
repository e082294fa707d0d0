"""Results of an NBA season as basketball-reference.com lists them: one row a game, times Eastern, no prices."""

import re
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import GAME_COLUMNS, UTC_TIME, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import EASTERN, NBA, Fixtures, dated_games, days
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.read import read_csv, text_of, unpack
from aipro_ml.sources.season_calendar import season_calendar

SOURCE = "basketball-reference"
HEADER = "Date,Start (ET),Visitor/Neutral,PTS,Home/Neutral,PTS,,,"
NAMED = "Date,Start (ET),Visitor/Neutral,visitor_points,Home/Neutral,home_points,box,decided,"
FIELDS = (
    "Date", "Start (ET)", "Visitor/Neutral", "visitor_points", "Home/Neutral", "home_points", "decided",
    "Arena", "Notes",
)  # fmt: skip
"""The columns, of which the file calls four `PTS`, `PTS`, nothing and nothing."""

DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d{1,2} (?:19|20)\d\d"
OVERTIME = r"(?:[2-9]?OT)"
ABROAD = re.compile(r"at .* (?:Mexico|France|England|Germany|Japan)$")
FOREIGN = frozenset({"Mexico City Arena", "Arena CDMX", "Accor Arena", "The O2 Arena", "O2 Arena"})
"""Arenas outside North America's league, where the home side is a guest too."""


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    A game abroad, told by its note or arena, has no home side. Raises DataFileError where the file cannot be
    read at all.
    """
    table = read_csv(_renamed(data, name), name=name, columns=FIELDS)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    games = _with_times(dated_games(_fixtures(rows, log), NBA, log), rows, log)
    games = games.loc[~log.rejected.loc[games.index]]
    return SourceBatch(
        sport=NBA.sport,
        source=SOURCE,
        teams=franchises(NBA.sport).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _renamed(data: bytes, name: str) -> bytes:
    """Return the file with a name of its own for each column."""
    text = text_of(unpack(data, name=name), name=name)
    header, _, rest = text.lstrip("\r\n").partition("\n")
    if not header.strip():
        raise DataFileError("the file is empty", file=name)
    if not header.startswith(HEADER):
        raise DataFileError(f"no schedule of basketball-reference.com: its header begins {HEADER}", file=name, line=1)
    blank = len(text) - len(text.lstrip("\r\n"))
    return (text[:blank] + header.replace(HEADER, NAMED, 1) + "\n" + rest).encode()


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    date = days(rows["Date"], DAY, "%a %b %d %Y")
    abroad = rows["Notes"].str.contains(ABROAD).fillna(False) | rows["Arena"].isin(FOREIGN).fillna(False)
    return Fixtures(
        day=rows["Date"],
        date=date,
        season=season_calendar(NBA.sport).season_of(date),
        home=rows["Home/Neutral"],
        away=rows["Visitor/Neutral"],
        home_score=rows["home_points"],
        away_score=rows["visitor_points"],
        neutral=abroad.astype("boolean"),
        overtime=_overtime(rows, log),
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _with_times(games: pd.DataFrame, rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the games at the Eastern time the file says (7:30p); a missing one stays estimated."""
    text = rows["Start (ET)"].loc[games.index]
    there = text.str.fullmatch(r"(?:1[0-2]|0?[1-9]):[0-5]\d[ap]").fillna(False).astype(bool)
    clock = text.where(there) + "m"
    wall = pd.to_datetime(rows["Date"].loc[games.index] + " " + clock, format="%a %b %d %Y %I:%M%p", errors="coerce")
    wall = wall.astype("datetime64[us]")
    kickoff = wall.dt.tz_localize(EASTERN, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC").astype(UTC_TIME)
    wrong = text.notna() & kickoff.isna()
    log.reject(wrong, text, "game_time", "no Eastern time of that day like 7:30p")
    missing = f"no time: {NBA.usual_kickoff} Eastern is assumed"
    log.flag(text.isna(), text, "time_missing", missing, Severity.WARNING)
    return games.assign(kickoff=kickoff.fillna(games["kickoff"]), kickoff_estimated=kickoff.isna())


def _overtime(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    text = rows["decided"]
    found = text.str.fullmatch(OVERTIME).astype("boolean").fillna(False)
    odd = text.notna() & ~found
    log.flag(odd, text, "overtime", "neither OT nor 2OT and so on: not known", Severity.WARNING)
    return found.mask(odd.astype(bool))
