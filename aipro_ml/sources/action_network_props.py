"""Action Network's prices of NFL player props (Parquet); the games come from the file of game lines by event.

Scorer props have one side, `yes` (the file says noside, home or away). Team totals are no player's and are left out,
as is `team`, which is that of the scrape years later. There is no time of a price: it counts as of the close.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.action_network import FULL_GAME, SOURCE, SPORT, book_name
from aipro_ml.sources.base import UTC_TIME, Book, Finding, conform
from aipro_ml.sources.checks import FindingLog, id_numbers, lines, prices, whole
from aipro_ml.sources.nflverse_seasons import PLAYER_ID
from aipro_ml.sources.parquet import read_parquet
from aipro_ml.sources.untimed import CLOSE_LEAD

FIELDS = (
    "bet_type", "event_id", "book_id", "action_network_player_id", "line_type", "period", "side", "value", "odds",
    "join_name", "player_id",
)  # fmt: skip
TEAM_PROPS = ("team_score",)
LINE_RANGE = (0.5, 600)
SCORER_SIDES = ("noside", "home", "away")
LINE_TYPES = ("total", "moneyline")
PROP_NAME = r"[a-z0-9_]{1,50}"
LONGEST_NAME = 100
"""`players.name` is VARCHAR(100)."""

PROP_COLUMNS: Mapping[str, str] = {
    "game": "string",
    "book": "string",
    "player": "string",  # nflverse's id; NA where the file has none
    "player_external_id": "string",  # Action Network's id, never missing
    "player_name": "string",  # j.allen; NA where the file has none
    "prop": "string",  # receiving_yards, anytime_touchdown_scorer
    "selection": "string",  # over, under, or yes for a prop of one side
    "line": "Float64",  # NA: a prop of one side
    "price": "Int64",  # American, |price| >= 100, never missing
    "recorded_at": UTC_TIME,
    "file": "string",
    "line_number": "int64",
}


@dataclass(frozen=True)
class PropBatch:
    """The player props of one file (PROP_COLUMNS)."""

    sport: str
    source: str
    props: pd.DataFrame
    books: tuple[Book, ...]
    findings: tuple[Finding, ...]
    rows_read: int
    known_from: datetime | None = None


def read(data: bytes, *, name: str, games: pd.DataFrame, known_from: datetime | None = None) -> PropBatch:
    """Return the props of the Parquet file `data`; `games` (GAME_COLUMNS) has Action Network's event as external_id.

    Bad rows become findings; raises DataFileError where the file cannot be read at all.
    """
    table = read_parquet(data, name=name, columns=FIELDS)
    rows = table.frame.loc[(table.frame["period"] == FULL_GAME) & ~table.frame["bet_type"].isin(TEAM_PROPS)]
    log = FindingLog(name, rows["line_number"])
    props = _props(rows, log).join(games.set_index("external_id")[["game", "kickoff"]], on="event")
    lost = props["game"].isna()
    said = "no game of the given ones is this event"
    log.reject(lost & ~rows["event_id"].duplicated(), rows["event_id"], "no_such_game", said)
    told = {"recorded_at": props["kickoff"] - CLOSE_LEAD, "file": name, "line_number": rows["line_number"]}
    props = props.assign(**told).loc[~log.rejected & ~lost]
    again = props.duplicated(["game", "book", "player_external_id", "prop", "selection", "line"])
    said = "an earlier row has this side of this prop; the first counts"
    log.reject(again, rows["side"].loc[props.index], "duplicate_quote", said)
    return PropBatch(
        sport=SPORT,
        source=SOURCE,
        props=conform(props.loc[~again], PROP_COLUMNS),
        books=tuple(Book(book) for book in sorted(set(props["book"]))),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _props(rows: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return one row a price; what is bad of a row rejects it."""
    price = prices(rows["odds"])
    said = "no whole American price from 100 to 1,000,000 in size"
    log.reject(price.isna(), rows["odds"], "price", said)
    scorer = rows["line_type"] == "moneyline"
    line = lines(rows["value"], *LINE_RANGE).mask(scorer)
    said = f"no line from {LINE_RANGE[0]:g} to {LINE_RANGE[1]:g} in quarters"
    log.reject(~scorer & line.isna(), rows["value"], "line", said)
    log.reject(~rows["line_type"].isin(LINE_TYPES), rows["line_type"], "line_type", f"none of {', '.join(LINE_TYPES)}")
    log.reject(whole(rows["book_id"], 1, 999_999_999).isna(), rows["book_id"], "book_id", "no number of a book")
    named = rows["bet_type"].str.fullmatch(PROP_NAME, flags=re.ASCII).fillna(False).astype(bool)
    log.reject(~named, rows["bet_type"], "bet_type", "no name of a prop like receiving_yards")
    side = rows["side"].mask(scorer & rows["side"].isin(SCORER_SIDES), "yes")
    wrong = ~side.isin(["over", "under"]) & ~(scorer & (side == "yes"))
    log.reject(wrong, rows["side"], "side", "no side of this prop")
    _check_players(rows, log)
    return pd.DataFrame(
        {
            "book": book_name(rows["book_id"]),
            "player": rows["player_id"].where(_is_nflverse(rows["player_id"])),
            "player_external_id": id_numbers(rows["action_network_player_id"]),
            "player_name": rows["join_name"],
            "prop": rows["bet_type"],
            "selection": side,
            "line": line,
            "price": price,
            "event": rows["event_id"],
        }
    )


def _is_nflverse(text: pd.Series) -> pd.Series:
    """Return which ids are nflverse's; the file also has some made up of a team and a number (00-BUF16002)."""
    return text.str.fullmatch(PLAYER_ID).fillna(False).astype(bool)


def _check_players(rows: pd.DataFrame, log: FindingLog) -> None:
    """Reject rows of no player; mark, once each, players without nflverse's id or with something else for it."""
    text = rows["action_network_player_id"]
    nobody = id_numbers(text).isna()
    log.reject(nobody, text, "player", "no number of a player")
    endless = rows["join_name"].str.len() > LONGEST_NAME
    log.reject(endless, rows["join_name"], "player_name", f"a player's name has at most {LONGEST_NAME} letters")
    nameless = rows["player_id"].isna() & ~nobody
    first = ~text.where(nameless).duplicated()
    said = "this player has no nflverse id: the props land under Action Network's"
    log.flag(nameless & first, text, "player_unmatched", said, Severity.WARNING)
    strange = rows["player_id"].notna() & ~_is_nflverse(rows["player_id"])
    first = ~rows["player_id"].where(strange).duplicated()
    said = "no id of nflverse's like 00-0019596: the props land under Action Network's"
    log.flag(strange & first, rows["player_id"], "player_id", said, Severity.WARNING)
