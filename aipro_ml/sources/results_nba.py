"""Results of an NBA season as basketball-reference.com lists them: one row a game, times Eastern, no prices."""

import re
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import NBA, Fixtures, days
from aipro_ml.sources.reference_schedule import Clock, Layout, read_schedule
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


LAYOUT = Layout(
    NBA,
    SOURCE,
    "basketball-reference.com",
    HEADER,
    NAMED,
    FIELDS,
    Clock("Start (ET)", r"(?:1[0-2]|0?[1-9]):[0-5]\d[ap]", "7:30p", "m", "%a %b %d %Y %I:%M%p"),
)


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    A game abroad, told by its note or arena, has no home side. Raises DataFileError where the file cannot be
    read at all.
    """
    return read_schedule(data, LAYOUT, _fixtures, name=name, known_from=known_from)


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


def _overtime(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    text = rows["decided"]
    found = text.str.fullmatch(OVERTIME).astype("boolean").fillna(False)
    odd = text.notna() & ~found
    log.flag(odd, text, "overtime", "neither OT nor 2OT and so on: not known", Severity.WARNING)
    return found.mask(odd.astype(bool))
