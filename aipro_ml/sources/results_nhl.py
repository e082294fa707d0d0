"""Results of an NHL season as hockey-reference.com lists them: one row a game, times Eastern."""

import re
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import GAME_COLUMNS, UTC_TIME, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import EASTERN, Fixtures, League, dated_games, iso_days
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.read import read_csv, text_of, unpack
from aipro_ml.sources.season_calendar import season_calendar

SOURCE = "hockey-reference"
NHL = League("NHL", EASTERN, "19:00", (0, 60))
HEADER = "Date,Time,Visitor,G,Home,G,"
FIELDS = ("Date", "Time", "Visitor", "visitor_goals", "Home", "home_goals", "decided", "Notes")
"""The columns, of which the file calls three `G`, `G` and nothing."""

DECIDED = {"OT": True, "SO": True, "2OT": True, "3OT": True, "4OT": True, "5OT": True}
ABROAD = re.compile(r"\((?:[^()]* )?(?:CH|CZ|DE|FI|GB|JP|SE)\)")
"""How a note ends that places a game outside North America: `(Stockholm SE)`."""


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    Goals include the one a shootout gives; overtime is True for shootouts too. A game abroad, told by its
    note, has no home side. Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(_renamed(data, name), name=name, columns=FIELDS)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    games = dated_games(_fixtures(rows, log), NHL, log)
    games = _with_times(games, rows, log)
    games = games.loc[~log.rejected.loc[games.index]]
    return SourceBatch(
        sport=NHL.sport,
        source=SOURCE,
        teams=franchises(NHL.sport).frame(),
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
        raise DataFileError(f"no schedule of hockey-reference.com: its header begins {HEADER}", file=name, line=1)
    named = header.replace(HEADER, "Date,Time,Visitor,visitor_goals,Home,home_goals,decided", 1)
    blank = len(text) - len(text.lstrip("\r\n"))
    return (text[:blank] + named + "\n" + rest).encode()


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    date = iso_days(rows["Date"])
    return Fixtures(
        day=rows["Date"],
        date=date,
        season=season_calendar(NHL.sport).season_of(date),
        home=rows["Home"],
        away=rows["Visitor"],
        home_score=rows["home_goals"],
        away_score=rows["visitor_goals"],
        neutral=rows["Notes"].str.contains(ABROAD).fillna(False).astype("boolean"),
        overtime=_overtime(rows, log),
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _with_times(games: pd.DataFrame, rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the games at the Eastern time the file says; a missing one stays estimated."""
    text = rows["Time"].loc[games.index]
    there = text.str.fullmatch(r"(?:1[0-2]|0?[1-9]):[0-5][0-9] [AP]M").fillna(False).astype(bool)
    wall = pd.to_datetime(rows["Date"].loc[games.index] + " " + text.where(there), format="%Y-%m-%d %I:%M %p")
    kickoff = wall.dt.tz_localize(EASTERN, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC").astype(UTC_TIME)
    wrong = text.notna() & kickoff.isna()
    log.reject(wrong, text, "game_time", "no Eastern time of that day like 7:30 PM")
    missing = f"no time: {NHL.usual_kickoff} Eastern is assumed"
    log.flag(text.isna(), text, "time_missing", missing, Severity.WARNING)
    return games.assign(kickoff=kickoff.fillna(games["kickoff"]), kickoff_estimated=kickoff.isna())


def _overtime(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    text = rows["decided"]
    found = text.map(DECIDED).astype("boolean")
    odd = text.notna() & found.isna()
    log.flag(odd, text, "overtime", f"none of {', '.join(DECIDED)}: not known", Severity.WARNING)
    return found.mask(text.isna(), False)
