"""The Kaggle "NBA Betting Data" file: closing spread, total and moneylines of every NBA game since 2007-08.

The spread is a size; `whos_favored` says whose. `season` is the year it ends. Second-half lines (`h2_*`) are not read.
The lines are of another origin from 2023-01-17 on (every one ends in .5, no moneylines): they have a book of their own.
"""

from datetime import datetime

import pandas as pd

from aipro_ml.sources import untimed
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog, numbers, whole
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games, iso_days
from aipro_ml.sources.read import read_csv
from aipro_ml.sources.untimed import CLOSE, NBA_LIMITS

SOURCE = "kaggle_nba"
BOOK, LATER_BOOK = "Kaggle NBA close", "Kaggle NBA close 2023"
LINES_CHANGED = pd.Timestamp("2023-01-17")
FIELDS = (
    "season", "date", "away", "home", "score_away", "score_home", "ot_away", "ot_home",
    "whos_favored", "spread", "total", "moneyline_away", "moneyline_home",
)  # fmt: skip


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the file `data` (plain or gzip) says; bad rows and cells become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    log = FindingLog(name, table.frame["line_number"], table.findings)
    games = dated_games(_fixtures(table.frame, log), NBA, log)
    offers = _offers(table.frame.loc[games.index], games, log)
    return Archive(NBA, SOURCE, games, offers, log.findings, table.rows_read, known_from).batch()


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    season = whole(rows["season"], 1947, 2100)
    log.reject(season.isna(), rows["season"], "season_range", "no season from 1947 to 2100")
    extra = [numbers(rows[column]) for column in ("ot_home", "ot_away")]
    return Fixtures(
        day=rows["date"],
        date=iso_days(rows["date"]),
        season=season - 1,
        home=rows["home"],
        away=rows["away"],
        home_score=rows["score_home"],
        away_score=rows["score_away"],
        neutral=pd.Series(False, index=rows.index),
        overtime=(extra[0] + extra[1]) > 0,
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> list[pd.DataFrame]:
    home, away = (untimed.read_prices(rows[f"moneyline_{side}"], log) for side in ("home", "away"))
    size, points = untimed.read_pair(rows["spread"], rows["total"], NBA_LIMITS, log)
    side = rows["whos_favored"]
    sideless = size.notna() & ~side.isin(["home", "away"]) & size.ne(0)
    log.flag(sideless, side, "favourite", "neither home nor away: the spread does not land")
    log.flag(size < 0, rows["spread"], "line", "the spread is a size and cannot be negative: it does not land")
    line = size.where(side == "away", -size).mask(sideless | (size < 0))
    impossible = untimed.check_margin(home, away, rows["moneyline_home"], log)
    home, away = home.mask(impossible), away.mask(impossible)
    doubtful = untimed.check_favourite(line, home, away, rows["spread"], log)
    home, away, line = (values.mask(doubtful) for values in (home, away, line))
    offers = []
    late = iso_days(rows["date"]) >= LINES_CHANGED
    for book, these in ((BOOK, ~late), (LATER_BOOK, late)):
        mine = games.loc[these]
        offers += [
            untimed.moneyline(mine, home, away, book=book, at=CLOSE),
            untimed.spread(mine, line, {}, book=book, at=CLOSE),
            untimed.total(mine, points, {}, book=book, at=CLOSE),
        ]
    return offers
