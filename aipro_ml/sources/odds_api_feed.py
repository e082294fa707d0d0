"""What every layout of The Odds API comes down to, sightings of events and offers, and the batch made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources import odds_api_events, odds_api_quotes
from aipro_ml.sources.base import GAME_COLUMNS, UTC_TIME, Finding, SourceBatch, conform, empty
from aipro_ml.sources.checks import FindingLog, Message, shortened
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.odds_api_events import MOVE_COLUMNS

SOURCE = "odds_api"
SPORT_KEYS: Mapping[str, str] = {
    "americanfootball_nfl": "NFL",
    "americanfootball_ncaaf": "NCAAF",
    "basketball_nba": "NBA",
    "basketball_ncaab": "NCAAB",
    "basketball_wnba": "WNBA",
    "icehockey_nhl": "NHL",
    "baseball_mlb": "MLB",
    "soccer_epl": "EPL",
    "soccer_spain_la_liga": "LALIGA",
    "soccer_germany_bundesliga": "BUNDES",
}
"""The API's sport keys, and the sport each is here."""

PLACE_COLUMNS: Mapping[str, str] = {
    "file": "string",
    "line_number": "int64",  # line of a CSV file; in JSON, which often is one line, the number of the event
    "place": "string",  # where in that line: a JSON path that ends in a dot, empty for CSV
}
SIGHTING_COLUMNS: Mapping[str, str] = {
    **PLACE_COLUMNS,
    "id": "string",
    "id_column": "string",  # what the file calls the cell of the id
    "commence_time": "string",
    "home_team": "string",
    "away_team": "string",
    "taken_at": UTC_TIME,  # when the snapshot was taken; NaT: unknown, the offers' own times count
}
OFFER_COLUMNS: Mapping[str, str] = {
    **PLACE_COLUMNS,
    "sighting": "int64",  # index label of the sighting
    "book": "string",
    "title": "string",
    "market": "string",  # h2h, spreads, totals
    "outcome": "string",
    "price": "string",
    "point": "string",
    "last_update": "string",
    "book_column": "string",  # what the file calls the cells of the book, the outcome, the price and the point
    "outcome_column": "string",
    "price_column": "string",
    "point_column": "string",
}


@dataclass(frozen=True)
class Feed:
    """One file or folder as text: events as each snapshot shows them, and the prices offered then."""

    sightings: pd.DataFrame
    offers: pd.DataFrame
    rows_read: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class OddsApiBatch(SourceBatch):
    """A batch whose `games` hold the last kick-off said; `moves` (MOVE_COLUMNS) holds each one and since when.

    An event's first row in `moves` is its first kick-off; a game that never moved has that row only. Each
    further row is a revision of the game, known from `known_at` on.
    """

    moves: pd.DataFrame = field(default_factory=lambda: empty(MOVE_COLUMNS))


class FeedLog(FindingLog):
    """Findings in rows of several files, with the place inside the line put before the column."""

    def __init__(self, rows: pd.DataFrame) -> None:
        super().__init__("", rows["line_number"])
        self._rows = rows

    def flag(
        self,
        bad: pd.Series,
        values: pd.Series,
        rule: str,
        message: Message,
        severity: Severity = Severity.CRITICAL,
    ) -> None:
        """Record a finding about the cell of column `values.name` in each row where `bad` (NA: not bad)."""
        labels = bad.index[bad.fillna(False).to_numpy(dtype=bool)]
        if labels.empty:
            return
        named = f"{values.name}_column"
        rows = self._rows.loc[labels]
        columns = rows[named] if named in rows else pd.Series(str(values.name), index=labels)
        cells = values.loc[labels].astype("string").fillna("")
        for row, column, cell in zip(rows.itertuples(), columns, cells, strict=True):
            value = shortened(cell)
            said = message if isinstance(message, str) else message(value)
            found = Finding(row.file, row.line_number, f"{row.place}{column}", value, rule, said, severity)
            self._findings.append(found)


def feed_of(sightings: pd.DataFrame, offers: pd.DataFrame, rows_read: int, findings: Sequence[Finding] = ()) -> Feed:
    """Return a feed of these rows in their fixed columns."""
    return Feed(conform(sightings, SIGHTING_COLUMNS), conform(offers, OFFER_COLUMNS), rows_read, tuple(findings))


def batch_of(
    feed: Feed, *, sport: str, odds_format: str = "american", known_from: datetime | None = None
) -> OddsApiBatch:
    """Return the canonical frames of a feed of one `sport` whose prices are `american` or `decimal`."""
    events_log, offers_log = FeedLog(feed.sightings), FeedLog(feed.offers)
    events = odds_api_events.read(feed.sightings, feed.offers, sport, events_log)
    quotes = odds_api_quotes.read(feed.offers, events.sightings, odds_api_quotes.Rules(sport, odds_format), offers_log)
    return OddsApiBatch(
        sport=sport,
        source=SOURCE,
        teams=franchises(sport).frame(),
        seasons=season_frame(events.games),
        games=conform(events.games, GAME_COLUMNS),
        books=odds_api_quotes.books(quotes),
        quotes=odds_api_quotes.canonical(quotes),
        closing=odds_api_quotes.closing(quotes, events.seen_until),
        findings=tuple(sorted((*feed.findings, *events_log.findings, *offers_log.findings), key=_place)),
        rows_read=feed.rows_read,
        known_from=known_from,
        moves=events.moves,
    )


def _place(finding: Finding) -> tuple[str, int]:
    return finding.file, finding.line
