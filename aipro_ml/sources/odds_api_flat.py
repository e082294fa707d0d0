"""The Odds API flattened into CSV files by others: hourly changes, and one snapshot a day with a column per price."""

import re
from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import Finding
from aipro_ml.sources.odds_api import OddsFormat
from aipro_ml.sources.odds_api_events import moments
from aipro_ml.sources.odds_api_feed import OFFER_COLUMNS, FeedLog, OddsApiBatch, batch_of, feed_of
from aipro_ml.sources.read import TextTable, read_csv

EVENT_FIELDS = ("commence_time", "home_team", "away_team")
CHANGE_FIELDS = (
    "snapshot_utc", "event_id", *EVENT_FIELDS, "bookmaker", "last_update", "market", "outcome", "price", "point",
)  # fmt: skip
WIDE_FIELDS: tuple[tuple[str, str, str, str | None], ...] = (
    ("h2h", "home", "ml_home", None),
    ("h2h", "away", "ml_away", None),
    ("spreads", "home", "spread_home_odds", "spread_home"),
    ("spreads", "away", "spread_away_odds", "spread_away"),
    ("totals", "Over", "total_over_odds", "total_line"),
    ("totals", "Under", "total_under_odds", "total_line"),
)
"""Market, outcome, and the columns of its price and its point."""

DAY_FIELDS = (
    "date", "sport", "game_id", *EVENT_FIELDS, "bookmaker",
    *dict.fromkeys(column for _, _, price, point in WIDE_FIELDS for column in (price, point) if column is not None),
)  # fmt: skip
FILE_DAY = re.compile(r"(?<![0-9])(20\d\d-\d\d-\d\d)(?![0-9])")


def read_changes(
    data: bytes, *, name: str, sport: str, odds_format: OddsFormat = "american", known_from: datetime | None = None
) -> OddsApiBatch:
    """Return what a file of changes says: a row where an outcome's price or point differs from the snapshot before.

    Each price counts as seen at its snapshot (`snapshot_utc`). Raises DataFileError where it cannot be read.
    """
    table = read_csv(data, name=name, columns=CHANGE_FIELDS)
    rows = table.frame.assign(file=name, place="", taken_at=moments(table.frame["snapshot_utc"]))
    log = FeedLog(rows)
    said = "no UTC time like 2025-10-17T12:44:48Z"
    log.reject(rows["taken_at"].isna(), rows["snapshot_utc"], "snapshot_time", said)
    rows = rows.loc[~log.rejected]
    key = ["snapshot_utc", "event_id", *EVENT_FIELDS]
    first = rows.loc[~rows.duplicated(key)]
    label = rows.groupby(key, sort=False, dropna=False).ngroup()
    sightings = first.assign(id=first["event_id"], id_column="event_id").reset_index(drop=True)
    called = {f"{name}_column": name for name in ("outcome", "price", "point")}
    offers = rows.assign(sighting=label, book=rows["bookmaker"], title=pd.NA, book_column="bookmaker", **called)
    feed = feed_of(sightings, offers.reset_index(drop=True), table.rows_read, (*table.findings, *log.findings))
    return batch_of(feed, sport=sport, odds_format=odds_format, known_from=known_from)


def read_days(
    files: Mapping[str, bytes],
    *,
    sport: str,
    clock: str = "17:00",
    odds_format: OddsFormat = "american",
    known_from: datetime | None = None,
) -> OddsApiBatch:
    """Return what daily snapshots say: CSV files named by their day, one row a game and book.

    All prices of a file count as seen at `clock` UTC of its day; the files do not say when they were. A file
    that cannot be read or names no day is a finding and the others land; DataFileError where none can.
    """
    days: list[pd.DataFrame] = []
    findings: list[Finding] = []
    broken: list[DataFileError] = []
    count = 0
    for name in sorted(files):
        try:
            table, day = read_csv(files[name], name=name, columns=DAY_FIELDS), _day(name)
        except DataFileError as error:
            broken.append(error)
            findings.append(Finding(name, error.line or 1, "", "", "unreadable_file", str(error)))
            continue
        days.append(_day_rows(table, name, day, sport, findings))
        count += table.rows_read
    if broken and len(broken) == len(files):
        raise broken[0]
    rows = (
        pd.concat(days, ignore_index=True)
        if days
        else pd.DataFrame(columns=[*DAY_FIELDS, "line_number", "file", "day"])
    )
    moment = moments(rows["day"].astype("string") + f"T{clock}:00Z")
    rows = rows.assign(place="", taken_at=moment, id=rows["game_id"], id_column="game_id")
    feed = feed_of(rows, _long(rows), count, findings)
    return batch_of(feed, sport=sport, odds_format=odds_format, known_from=known_from)


def _day(name: str) -> str:
    found = FILE_DAY.search(name)
    if found is None or pd.isna(pd.to_datetime(found[1], format="%Y-%m-%d", errors="coerce")):
        raise DataFileError("the file's name has no day like 2023-10-10", file=name)
    return found[1]


def _day_rows(table: TextTable, name: str, day: str, sport: str, findings: list[Finding]) -> pd.DataFrame:
    """Return the rows of one day that are of this sport; what is wrong with the others goes to `findings`."""
    rows = table.frame.assign(file=name, place="", day=day)
    log = FeedLog(rows)
    log.reject(rows["sport"].ne(sport).fillna(True), rows["sport"], "other_sport", f"not {sport}")
    said = f"not the day of the file's name, {day}, which counts"
    log.flag(rows["date"].ne(day).fillna(True), rows["date"], "date_differs", said, Severity.WARNING)
    findings += [*table.findings, *log.findings]
    return rows.loc[~log.rejected]


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one offer a row, market and side, in the order of the rows; what is wholly missing is no offer."""
    parts = []
    for market, outcome, price, point in WIDE_FIELDS:
        team = rows[f"{outcome}_team"] if outcome in {"home", "away"} else outcome
        part = rows.assign(
            sighting=rows.index,
            book=rows["bookmaker"],
            title=pd.NA,
            market=market,
            outcome=team,
            price=rows[price],
            point=pd.NA if point is None else rows[point],
            last_update=pd.NA,
            book_column="bookmaker",
            outcome_column=price,
            price_column=price,
            point_column=point or price,
        )
        there = part["price"].notna() | part["point"].notna()
        parts.append(part.loc[there, list(OFFER_COLUMNS)].astype(dict(OFFER_COLUMNS)))
    long = pd.concat(parts).sort_index(kind="stable")
    return long.reset_index(drop=True)
