"""OddsPortal's NBA results with the average closing moneyline of its bookmakers.

`team_1` is the home team unless `neutral` is 1, `-` is a missing price. Pre-season and All-Star games are no games of
the league and are left out. The day is the American one; there is no hour.
"""

from datetime import datetime

import pandas as pd

from aipro_ml.sources import untimed
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import NBA, Archive, Fixtures, dated_games, days
from aipro_ml.sources.read import read_csv
from aipro_ml.sources.season_calendar import season_calendar
from aipro_ml.sources.untimed import CLOSE

SOURCE = "oddsportal_nba"
BOOK = "OddsPortal average"
LEFT_OUT = ("Pre-season", "All Stars")
COUNTED = ("Regular", "Play Offs", "Promotion - Play Offs")
FIELDS = (
    "date", "season_type", "neutral", "team_1", "team_2", "points_1", "points_2",
    "moneyline_1", "moneyline_2", "game_url",
)  # fmt: skip


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the file `data` (plain or gzip) says; bad rows and cells become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    rows = table.frame.loc[~table.frame["season_type"].isin(LEFT_OUT)]
    log = FindingLog(name, rows["line_number"], table.findings)
    kind = rows["season_type"]
    log.reject(~kind.isin(COUNTED), kind, "season_type", f"none of {', '.join(COUNTED + LEFT_OUT)}")
    said = "neither 0 nor 1"
    log.reject(~rows["neutral"].isin(["0", "1"]), rows["neutral"], "neutral", said)
    games = dated_games(_fixtures(rows), NBA, log)
    offers = _offers(rows.loc[games.index], games, log)
    return Archive(NBA, SOURCE, games, offers, log.findings, table.rows_read, known_from).batch()


def _fixtures(rows: pd.DataFrame) -> Fixtures:
    date = days(rows["date"], r"\d\d [A-Z][a-z]{2} (?:19|20)\d\d", "%d %b %Y")
    return Fixtures(
        day=rows["date"],
        date=date,
        season=season_calendar(NBA.sport).season_of(date),
        home=rows["team_1"],
        away=rows["team_2"],
        home_score=rows["points_1"],
        away_score=rows["points_2"],
        neutral=rows["neutral"].eq("1").fillna(False),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=rows["game_url"].str.extract(r"-([A-Za-z0-9]{8})/?$")[0],
        line_number=rows["line_number"],
    )


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> list[pd.DataFrame]:
    cells = [rows[column].mask(rows[column] == "-") for column in ("moneyline_1", "moneyline_2")]
    home, away = (untimed.read_prices(text, log) for text in cells)
    impossible = untimed.check_margin(home, away, cells[0], log)
    return [untimed.moneyline(games, home.mask(impossible), away.mask(impossible), book=BOOK, at=CLOSE)]
