"""The NFL archive that a scraper made of SBR's files (JSON), kept as a sample of a bad file.

Spread and total stand in each other's place in one game of eleven: both are reported, neither lands. Every spread is
the team's own handicap (negative: favourite). Opening lines have no price and are checked and left out; second-half
lines are not read. A finding's line is the record's number, the first is 1.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources import untimed
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.checks import FindingLog, numbers, whole
from aipro_ml.sources.dated import NFL, Archive, Fixtures, dated_games
from aipro_ml.sources.read import text_of, unpack
from aipro_ml.sources.untimed import CLOSE, NFL_LIMITS

SOURCE = "sbr_nfl"
BOOK = "SBR (flancast90)"
FIELDS = (
    "season", "date", "home_team", "away_team", "home_final", "away_final", "home_close_ml", "away_close_ml",
    "home_open_spread", "away_open_spread", "home_close_spread", "away_close_spread",
    "open_over_under", "close_over_under",
)  # fmt: skip


def read(data: bytes, *, name: str, known_from: datetime | None = None) -> SourceBatch:
    """Return everything the archive `data` (JSON, plain or gzip) says; bad records and values become findings.

    Raises DataFileError where the file cannot be read at all.
    """
    rows = _rows(data, name)
    log = FindingLog(name, rows["line_number"])
    games = dated_games(_fixtures(rows, log), NFL, log)
    offers = _offers(rows.loc[games.index], games, log)
    findings = (*untimed.suspicion(log.findings, name, len(games)), *log.findings)
    return Archive(NFL, SOURCE, games, offers, findings, len(rows), known_from).batch()


def _rows(data: bytes, name: str) -> pd.DataFrame:
    """Return the records as texts, NA where a value is missing."""
    try:
        records = json.loads(text_of(unpack(data, name=name), name=name))
    except json.JSONDecodeError as error:
        raise DataFileError(f"not valid JSON ({error.msg})", file=name, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"not readable as JSON ({error})", file=name) from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataFileError("not a list of records", file=name)
    if not records:
        raise DataFileError("the file is empty", file=name)
    missing = [field for field in FIELDS if not any(field in record for record in records)]
    if missing:
        raise DataFileError(f"lacks the fields {', '.join(missing)}", file=name)
    frame = pd.DataFrame([_texts(record) for record in records], columns=list(FIELDS), dtype=object).astype("string")
    return frame.assign(line_number=pd.Series(range(1, len(frame) + 1), dtype="int64"))


def _texts(record: Mapping[str, Any]) -> list[str | None]:
    values = (record.get(field) for field in FIELDS)
    return [None if value is None or value == "" else str(value).strip() for value in values]


def _fixtures(rows: pd.DataFrame, log: FindingLog) -> Fixtures:
    season = whole(rows["season"], 1920, 2100)
    log.reject(season.isna(), rows["season"], "season_range", "no season from 1920 to 2100")
    day = whole(rows["date"], 19_000_101, 21_001_231).astype("string")
    return Fixtures(
        day=rows["date"],
        date=pd.to_datetime(day, format="%Y%m%d", errors="coerce").astype("datetime64[us]"),
        season=season,
        home=rows["home_team"],
        away=rows["away_team"],
        home_score=rows["home_final"],
        away_score=rows["away_final"],
        neutral=pd.Series(False, index=rows.index),
        overtime=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        external_id=pd.Series(pd.NA, index=rows.index, dtype="string"),
        line_number=rows["line_number"],
    )


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> list[pd.DataFrame]:
    home, away = (untimed.read_prices(rows[f"{side}_close_ml"], log) for side in ("home", "away"))
    impossible = untimed.check_margin(home, away, rows["home_close_ml"], log)
    home, away = home.mask(impossible), away.mask(impossible)
    _pair(rows, "open", log)  # opening lines without a price do not land
    line, points = _pair(rows, "close", log)
    doubtful = untimed.check_favourite(line, home, away, rows["home_close_spread"], log)
    home, away, line = (values.mask(doubtful) for values in (home, away, line))
    return [
        untimed.moneyline(games, home, away, book=BOOK, at=CLOSE),
        untimed.spread(games, line, {}, book=BOOK, at=CLOSE),
        untimed.total(games, points, {}, book=BOOK, at=CLOSE),
    ]


def _pair(rows: pd.DataFrame, moment: str, log: FindingLog) -> tuple[pd.Series, pd.Series]:
    """Return home line and total of the opening or the close."""
    text = rows[f"home_{moment}_spread"]
    line, points = untimed.read_pair(text, rows[f"{moment}_over_under"], NFL_LIMITS, log)
    other = numbers(rows[f"away_{moment}_spread"])
    uneven = line.notna() & (line + other).ne(0).fillna(True)
    log.flag(uneven, text, "spread_sides", "the two teams' spreads are not each other's opposite: neither lands")
    return line.mask(uneven), points
