"""What every importer yields: canonical frames whose columns are fixed here, and findings about bad cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import printable

UTC_TIME = "datetime64[us, UTC]"

TEAM_COLUMNS: Mapping[str, str] = {
    "team": "string",  # franchise code, the canonical identity inside the sport, e.g. LV
    "name": "string",
    "abbreviation": "string",
    "city": "string",
    "conference": "string",
    "division": "string",
}
VENUE_COLUMNS: Mapping[str, str] = {
    "venue": "string",  # canonical identity, e.g. nflverse's stadium_id
    "name": "string",
    "city": "string",
    "state": "string",
    "country": "string",
    "surface_type": "string",
    "is_dome": "boolean",
    "timezone": "string",
    "latitude": "Float64",
    "longitude": "Float64",
}
SEASON_COLUMNS: Mapping[str, str] = {
    "season": "Int64",
    "name": "string",
    "start_date": UTC_TIME,  # midnight UTC of the first day
    "end_date": UTC_TIME,
}
GAME_COLUMNS: Mapping[str, str] = {
    "game": "string",  # canonical identity inside the sport; stable across postponements and moves
    "external_id": "string",  # the source's own id
    "season": "Int64",
    "season_type": "string",  # enums.SeasonType
    "week": "Int64",
    "game_number": "Int64",  # 1, or 2 for the second game of a doubleheader
    "kickoff": UTC_TIME,
    "kickoff_estimated": "boolean",
    "home": "string",  # franchise code
    "away": "string",
    "venue": "string",
    "neutral_site": "boolean",
    "status": "string",  # enums.GameStatus
    "home_score": "Int64",
    "away_score": "Int64",
    "overtime": "boolean",
    "line_number": "Int64",  # line of the source file, for messages
}
QUOTE_COLUMNS: Mapping[str, str] = {
    "game": "string",
    "book": "string",
    "market": "string",  # enums.BetType
    "selection": "string",  # enums.Selection
    "line": "Float64",  # signed for the selection (home -3.5 gives 3.5 points); NA: moneyline
    "price": "Int64",  # American, |price| >= 100, never missing
    "recorded_at": UTC_TIME,
}
CLOSING_COLUMNS: Mapping[str, str] = {
    "game": "string",
    "book": "string",
    "market": "string",
    "selection": "string",
    "closing_line": "Float64",
    "closing_price": "Int64",  # NA where the source has a line without a price
    "closed_at": UTC_TIME,
}


@dataclass(frozen=True)
class Finding:
    """One bad cell or row of a source: where it is, what it holds and which rule it breaks.

    `severity` WARNING: the value landed and is marked; CRITICAL: what it describes did not land.
    """

    file: str
    line: int
    column: str
    value: str
    rule: str
    message: str
    severity: Severity = Severity.CRITICAL

    def __post_init__(self) -> None:
        """Make the texts fit to be stored and shown: a file name may hold bytes that are no text."""
        for name in ("file", "column", "value", "message"):
            object.__setattr__(self, name, printable(getattr(self, name)))


@dataclass(frozen=True)
class Book:
    """A named bookmaker of a source."""

    name: str
    is_sharp: bool = False


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame of no rows with these columns and types."""
    return conform(pd.DataFrame({name: [] for name in columns}), columns)


def conform(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return exactly `columns` of `frame` in their order and type; raise KeyError for a missing one."""
    return frame[list(columns)].astype(dict(columns)).reset_index(drop=True)


@dataclass(frozen=True)
class SourceBatch:
    """Everything one file or folder says, in canonical frames (see the `*_COLUMNS` of this module).

    `known_from` is None for a first import of history: schedules count as known from the season's start and
    results from kick-off plus the sport's duration. A live import passes the moment it was fetched.
    """

    sport: str
    source: str
    teams: pd.DataFrame = field(default_factory=lambda: empty(TEAM_COLUMNS))
    venues: pd.DataFrame = field(default_factory=lambda: empty(VENUE_COLUMNS))
    seasons: pd.DataFrame = field(default_factory=lambda: empty(SEASON_COLUMNS))
    games: pd.DataFrame = field(default_factory=lambda: empty(GAME_COLUMNS))
    books: tuple[Book, ...] = ()
    quotes: pd.DataFrame = field(default_factory=lambda: empty(QUOTE_COLUMNS))
    closing: pd.DataFrame = field(default_factory=lambda: empty(CLOSING_COLUMNS))
    findings: tuple[Finding, ...] = ()
    rows_read: int = 0
    known_from: datetime | None = None
