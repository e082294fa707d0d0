"""klland's table made of SBR's archives of 2007-08 to 2014-15, kept as a sample of a bad file.

Spread and total stand in each other's place wherever the visitor was the favourite, three rows in ten: both are
reported, neither lands. `close_spread` is what home is favoured by, `season` the year it ends.
"""

from datetime import datetime

import pandas as pd

from aipro_ml.sources import untimed
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog, whole
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games, iso_days
from aipro_ml.sources.read import read_csv
from aipro_ml.sources.untimed import CLOSE, NBA_LIMITS

SOURCE = "klland_nba"
BOOK = "SBR (klland)"
NO_LINE = ("NL",)
FIELDS = (
    "date", "season", "away_team", "home_team", "away_pts", "home_pts", "close_spread", "close_total",
    "away_ml", "home_ml",
)  # fmt: skip


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the table `data` (CSV, plain or gzip) says; bad rows and cells become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    rows = table.frame.mask(table.frame.isin(NO_LINE))
    log = FindingLog(name, rows["line_number"], table.findings)
    games = dated_games(_fixtures(rows, log), NBA, log)
    offers = _offers(rows.loc[games.index], games, log)
    findings = (*untimed.suspicion(log.findings, name, len(games)), *log.findings)
    return Archive(NBA, SOURCE, games, offers, findings, table.rows_read, known_from).batch()


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    season = whole(rows["season"], 1947, 2100)
    log.reject(season.isna(), rows["season"], "season_range", "no season from 1947 to 2100")
    return Fixtures(
        day=rows["date"],
        date=iso_days(rows["date"]),
        season=season - 1,
        home=rows["home_team"],
        away=rows["away_team"],
        home_score=rows["home_pts"],
        away_score=rows["away_pts"],
        neutral=pd.Series(False, index=rows.index),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> list[pd.DataFrame]:
    home, away = (untimed.read_prices(rows[f"{side}_ml"], log) for side in ("home", "away"))
    impossible = untimed.check_margin(home, away, rows["home_ml"], log)
    home, away = home.mask(impossible), away.mask(impossible)
    favoured_by, points = untimed.read_pair(rows["close_spread"], rows["close_total"], NBA_LIMITS, log)
    doubtful = untimed.check_favourite(-favoured_by, home, away, rows["close_spread"], log)
    home, away, favoured_by = (values.mask(doubtful) for values in (home, away, favoured_by))
    return [
        untimed.moneyline(games, home, away, book=BOOK, at=CLOSE),
        untimed.spread(games, -favoured_by, {}, book=BOOK, at=CLOSE),
        untimed.total(games, points, {}, book=BOOK, at=CLOSE),
    ]
