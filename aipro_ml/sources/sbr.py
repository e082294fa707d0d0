"""SBR's NBA archive, a season a file (xlsx or CSV): two rows a game, the visitor first.

`Open` and `Close` hold the spread on the favourite's row and the total on the other's; `ML` is each team's closing
moneyline; `Date` is month and day without a year. Tokens: `pk` a spread of 0, `NL` no line, `197.5u10` a line with a
note of its price. Lines have no prices, so opening lines are checked and left out; second-half lines are not read.
"""

import re
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import untimed
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.sources.checks import FindingLog, malformed, numbers, whole
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games
from aipro_ml.sources.excel import is_excel, read_excel
from aipro_ml.sources.pairs import placed, visitors
from aipro_ml.sources.read import TextTable, read_csv
from aipro_ml.sources.season_calendar import season_calendar
from aipro_ml.sources.untimed import CLOSE, NBA_LIMITS

SOURCE = "sbr_nba"
BOOK = "SBR"
QUARTERS = ("1st", "2nd", "3rd", "4th")
FIELDS = ("Date", "Rot", "VH", "Team", *QUARTERS, "Final", "Open", "Close", "ML")
NO_LINE = ("NL", "nl")
NOTED = r"(\d{0,3}(?:\.5)?)(?:[uo+-]?\d{2}|ev)"
"""A line with a note of its price: 197.5u10, .5ev, .5+03."""


def read(data: bytes, *, name: str, season: int | None = None, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the season's file `data` says; bad rows and cells become findings.

    `season` is the year it begins; without it `name` must hold it, as in `nba_odds_2007-08.xlsx`. Raises
    DataFileError where the file cannot be read at all.
    """
    table = (read_excel if is_excel(data) else read_csv)(data, name=name, columns=FIELDS)
    home, away, alone = _pairs(table, name)
    log = FindingLog(name, pd.Series(range(len(home)), dtype="int64"))
    games = dated_games(_fixtures(home, away, _season(season, name), log), NBA, log)
    offers = _offers(home, away, games, log)
    places = [[(name, int(line)) for line in side] for side in (home["line_number"], away["line_number"])]
    findings = (*table.findings, *alone, *placed(log.findings, *places))
    return Archive(NBA, SOURCE, games, offers, findings, table.rows_read, known_from).batch()


def _season(season: int | None, name: str) -> int:
    label = re.search(r"(20\d\d)-\d\d", name)
    if season is None and label is None:
        raise DataFileError("the dates have no year and the name no season like 2007-08; say which", file=name)
    return season if season is not None else int(label[1])  # type: ignore[index]


def _pairs(table: TextTable, name: str) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Finding, ...]]:
    """Return home and visitors' rows on one index, and what stands alone: a pair is an odd Rot and the next."""
    rows = table.frame.mask(table.frame.isin(NO_LINE))
    rot = whole(rows["Rot"], 1, 99_999)
    first = (rot % 2 == 1) & (rot.shift(-1) == rot + 1)
    second = first.shift(1, fill_value=False).astype("boolean")
    log = FindingLog(name, rows["line_number"])
    said = "no visitor's row with an odd rotation number and the home team's with the next one after it"
    log.flag(~(first | second).fillna(False), rows["Rot"], "unpaired_row", said)
    away, home = (rows.loc[mask.fillna(False).astype(bool)].reset_index(drop=True) for mask in (first, second))
    return home, visitors(away).rename(columns={"line_number@visitor": "line_number"}), log.findings


def _fixtures(home: pd.DataFrame, away: pd.DataFrame, season: int, log: FindingLog) -> Fixtures:
    days = [whole(text, 101, 1231) for text in (home["Date"], away["Date@visitor"])]
    sites = home["VH"] + away["VH@visitor"]
    said = "the two rows of the game differ in their day"
    log.reject(days[0].notna() & days[1].notna() & (days[0] != days[1]), away["Date@visitor"], "date_differs", said)
    said = "not V and H, nor N and N: which team is at home is not known"
    log.reject(~sites.isin(["HV", "NN"]), home["VH"], "sides", said)
    known = days[0].where(days[1].notna())
    return Fixtures(
        day=home["Date"],
        date=season_calendar(NBA.sport).dated(known, season),
        season=pd.Series(season, index=home.index, dtype="Int64"),
        home=home["Team"],
        away=away["Team@visitor"],
        home_score=home["Final"],
        away_score=away["Final@visitor"],
        neutral=sites.eq("NN").fillna(False),
        overtime=_regulation(home, "") == _regulation(away, "@visitor"),
        external_id=pd.Series(pd.NA, index=home.index, dtype="string"),
        line_number=home["line_number"],
    )


def _regulation(rows: pd.DataFrame, suffix: str) -> pd.Series:
    """Return the points after four quarters; the game went on where both teams had as many."""
    first, *rest = (numbers(rows[quarter + suffix]) for quarter in QUARTERS)
    return sum(rest, start=first)


def _offers(home: pd.DataFrame, away: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> list[pd.DataFrame]:
    home, away = home.loc[games.index], away.loc[games.index]
    first, second = (untimed.read_prices(text, log) for text in (home["ML"], away["ML@visitor"]))
    impossible = untimed.check_margin(first, second, home["ML"], log)
    first, second = first.mask(impossible), second.mask(impossible)
    _mixed(home["Open"], away["Open@visitor"], log)  # opening lines without a price do not land
    line, points = _mixed(home["Close"], away["Close@visitor"], log)
    doubtful = untimed.check_favourite(line, first, second, home["Close"], log)
    first, second, line = (values.mask(doubtful) for values in (first, second, line))
    return [
        untimed.moneyline(games, first, second, book=BOOK, at=CLOSE),
        untimed.spread(games, line, {}, book=BOOK, at=CLOSE),
        untimed.total(games, points, {}, book=BOOK, at=CLOSE),
    ]


def _mixed(home: pd.Series, away: pd.Series, log: FindingLog) -> tuple[pd.Series, pd.Series]:
    """Return home line and total of a game from the column's two cells: the favourite's holds its spread."""
    values = [_line(text, log) for text in (home, away)]
    low, high = NBA_LIMITS.total
    spreads = [value.between(0, NBA_LIMITS.spread).fillna(False) for value in values]
    totals = [value.between(low, high).fillna(False) for value in values]
    neither = [value.notna() & ~one & ~other for value, one, other in zip(values, spreads, totals, strict=True)]
    for text, bad in zip((home, away), neither, strict=True):
        said = f"neither a spread to {NBA_LIMITS.spread:g} nor a total from {low:g} to {high:g}: neither row's lands"
        log.flag(bad, text, "line", said)
    same = (spreads[0] & spreads[1]) | (totals[0] & totals[1])
    log.flag(same, home, "misplaced_line", "both rows hold a spread, or both a total: neither lands")
    good = ~(same | neither[0] | neither[1])
    line = (-values[0]).where(spreads[0], values[1].where(spreads[1])).where(good)
    return line, values[0].where(totals[0], values[1].where(totals[1])).where(good)


def _line(text: pd.Series, log: FindingLog) -> pd.Series:
    """Return the number of a cell of lines."""
    plain = text.mask(text.str.lower() == "pk", "0")
    noted = plain.str.extract(f"^{NOTED}$")[0].where(numbers(plain).isna())
    said = "a line with a note of its price: the line lands, the note is not read"
    log.flag(noted.notna(), text, "noted_price", said, Severity.WARNING)
    value = numbers(noted.fillna(plain).str.replace(r"^\.", "0.", regex=True))
    value = value.where((value % 0.5 == 0).fillna(False))
    log.flag(malformed(plain, value), text, "line", "no line of whole or half points: it does not land")
    return value
