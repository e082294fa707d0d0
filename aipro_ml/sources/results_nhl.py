"""Results of an NHL season as hockey-reference.com lists them: one row a game, times Eastern."""

import re
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import EASTERN, Fixtures, League, iso_days
from aipro_ml.sources.reference_schedule import Clock, Layout, read_schedule
from aipro_ml.sources.season_calendar import season_calendar

SOURCE = "hockey-reference"
NHL = League("NHL", EASTERN, "19:00", (0, 60))
HEADER = "Date,Time,Visitor,G,Home,G,"
FIELDS = ("Date", "Time", "Visitor", "visitor_goals", "Home", "home_goals", "decided", "Notes")
"""The columns, of which the file calls three `G`, `G` and nothing."""

DECIDED = {"OT": True, "SO": True, "2OT": True, "3OT": True, "4OT": True, "5OT": True}
ABROAD = re.compile(r"\((?:[^()]* )?(?:CH|CZ|DE|FI|GB|JP|SE)\)")
"""How a note ends that places a game outside North America: `(Stockholm SE)`."""


LAYOUT = Layout(
    NHL,
    SOURCE,
    "hockey-reference.com",
    HEADER,
    "Date,Time,Visitor,visitor_goals,Home,home_goals,decided",
    FIELDS,
    Clock("Time", r"(?:1[0-2]|0?[1-9]):[0-5][0-9] [AP]M", "7:30 PM", "", "%Y-%m-%d %I:%M %p"),
)


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    Goals include the one a shootout gives; overtime is True for shootouts too. A game abroad, told by its
    note, has no home side. Raises DataFileError where the file cannot be read at all.
    """
    return read_schedule(data, LAYOUT, _fixtures, name=name, known_from=known_from)


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


def _overtime(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    text = rows["decided"]
    found = text.map(DECIDED).astype("boolean")
    odd = text.notna() & found.isna()
    log.flag(odd, text, "overtime", f"none of {', '.join(DECIDED)}: not known", Severity.WARNING)
    return found.mask(text.isna(), False)
