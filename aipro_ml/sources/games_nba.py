"""NBA results by the game ids of stats.nba.com: one row a game, the day, both teams, the score; no hour, no price."""

from datetime import datetime

import pandas as pd

from aipro_ml.enums import SeasonType
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog, whole
from aipro_ml.sources.dated import LONGEST_ID, NBA, Archive, Fixtures, dated_games, iso_days
from aipro_ml.sources.read import read_csv

SOURCE = "stats.nba.com games"
FIELDS = ("game_id", "date", "season", "home_team", "away_team", "home_score", "away_score", "season_type")


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(data, name=name, columns=FIELDS)
    rows = table.frame
    log = FindingLog(name, rows["line_number"], table.findings)
    kinds = [kind.value for kind in SeasonType]
    log.reject(~rows["season_type"].isin(kinds), rows["season_type"], "season_type", f"none of {', '.join(kinds)}")
    log.reject(
        rows["game_id"].isna(), rows["game_id"], "game_id", f"a game needs an id of 1 to {LONGEST_ID} characters"
    )
    games = dated_games(_fixtures(rows), NBA, log)
    return Archive(NBA, SOURCE, games, [], log.findings, table.rows_read, known_from).batch()


def _fixtures(rows: pd.DataFrame) -> Fixtures:
    return Fixtures(
        day=rows["date"],
        date=iso_days(rows["date"]),
        season=whole(rows["season"], 1946, 2100),
        home=rows["home_team"],
        away=rows["away_team"],
        home_score=rows["home_score"],
        away_score=rows["away_score"],
        neutral=pd.Series(False, index=rows.index, dtype="boolean"),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=rows["game_id"],
        line_number=rows["line_number"],
    )
