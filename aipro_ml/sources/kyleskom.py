"""The odds tables of kyleskom's NBA repository, one season a file.

`Date` is a day, or the season's label and month and day (`2007-08-1030`: a date parser would read 10 August). `Points`
and `Win_Margin` are sum and difference of the scores, 0 points: not played yet. `Spread` is what home is favoured by.
Tables to 2021-22 hold the size of the spread only, and SBR's *opening* spread and total beside its closing moneylines
(99 % equal SBR's opening column): a spread without a sign is no line and an opening line without a price is left out,
so only the moneylines of such a table land. Which kind a table is shows in the signs of its visiting favourites.
"""

from datetime import datetime

import pandas as pd

from aipro_ml.sources import untimed
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.sources.checks import FindingLog, numbers
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games, iso_days
from aipro_ml.sources.read import read_csv
from aipro_ml.sources.season_calendar import season_calendar
from aipro_ml.sources.untimed import CLOSE, NBA_LIMITS

SOURCE = "kyleskom_nba"
BOOK = "SBR (kyleskom)"
FIELDS = ("Date", "Home", "Away", "OU", "Spread", "ML_Home", "ML_Away", "Points", "Win_Margin")
LABELLED = r"(20\d\d)-\d\d-(\d{4})"
PICK_EM, NO_LINE = ("pk", "PK"), ("NL", "nl")


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the table `data` (CSV, plain or gzip) says; bad rows and cells become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    rows = table.frame.mask(table.frame.isin(NO_LINE))
    log = FindingLog(name, rows["line_number"], table.findings)
    games = dated_games(_fixtures(rows, log), NBA, log)
    offers, opened = _offers(rows.loc[games.index], games, log)
    findings = log.findings + ((_unsigned(name, len(games)),) if opened else ())
    return Archive(NBA, SOURCE, games, offers, findings, table.rows_read, known_from).batch()


def _unsigned(name: str, count: int) -> Finding:
    said = "the spread has no sign, so this table holds opening lines: spreads and totals do not land"
    return Finding(name, 1, "Spread", f"{count} games", "unsigned_spread", said)


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    date, season = _days(rows["Date"])
    scores = _scores(rows["Points"], rows["Win_Margin"], log)
    return Fixtures(
        day=rows["Date"],
        date=date,
        season=season,
        home=rows["Home"],
        away=rows["Away"],
        home_score=scores[0],
        away_score=scores[1],
        neutral=pd.Series(False, index=rows.index),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _days(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the day and season of either form of `Date`."""
    calendar = season_calendar(NBA.sport)
    date = iso_days(text)
    season = calendar.season_of(date)
    parts = text.str.extract(f"^{LABELLED}$").astype("Int64")
    for label in parts[0].dropna().unique():
        mine = parts[0] == label
        date = date.mask(mine.fillna(False), calendar.dated(parts[1], int(label)))
    return date, season.fillna(parts[0])


def _scores(points: pd.Series, margin: pd.Series, log: FindingLog) -> tuple[pd.Series, pd.Series]:
    """Return both scores as texts, missing in games that are not played yet; what makes no two scores is rejected."""
    whole_game, lead = numbers(points), numbers(margin)
    unplayed = (whole_game == 0).fillna(False) | points.isna()
    sides = [(whole_game + lead) / 2, (whole_game - lead) / 2]
    low, high = NBA.scores
    good = [(side.between(low, high) & (side % 1 == 0)).fillna(False) for side in sides]
    wrong = ~unplayed & ~(good[0] & good[1])
    said = f"with Win_Margin it makes no two scores from {low} to {high}"
    log.reject(wrong, points, "score", said)
    first, second = (side.astype("string").mask(unplayed | wrong).rename("Points") for side in sides)
    return first, second


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> tuple[list[pd.DataFrame], bool]:
    """Return the offers, and whether the table's lines are opening lines without a sign."""
    home, away = (untimed.read_prices(rows[f"ML_{side}"], log) for side in ("Home", "Away"))
    impossible = untimed.check_margin(home, away, rows["ML_Home"], log)
    home, away = home.mask(impossible), away.mask(impossible)
    cells = rows["Spread"].mask(rows["Spread"].isin(PICK_EM), "0")
    favoured_by, points = untimed.read_pair(cells, rows["OU"], NBA_LIMITS, log)
    opened = untimed.unsigned(-favoured_by, home, away)
    offers = []
    if not opened:
        doubtful = untimed.check_favourite(-favoured_by, home, away, rows["Spread"], log)
        home, away, favoured_by = (values.mask(doubtful) for values in (home, away, favoured_by))
        offers.append(untimed.spread(games, -favoured_by, {}, book=BOOK, at=CLOSE))
        offers.append(untimed.total(games, points, {}, book=BOOK, at=CLOSE))
    return [untimed.moneyline(games, home, away, book=BOOK, at=CLOSE), *offers], opened
