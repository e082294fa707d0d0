"""Player props as markets: the two prices of one player's line at one book, and every source of them by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import UsageError
from aipro_ml.sources import action_network, action_network_props
from aipro_ml.sources.action_network_props import PropBatch
from aipro_ml.sources.base import UTC_TIME, Finding, conform
from aipro_ml.sources.checks import FindingLog, overround
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.parquet import has_column
from aipro_ml.sources.untimed import LARGEST_MARGIN

Files = Mapping[str, bytes]

SCORER_LINE = 0.5
"""A prop of one side (to score) is over half a touchdown, one and a half, two and a half."""

SCORER_LINES = {"to_score_2_or_more_touchdowns": 1.5, "to_score_3_or_more_touchdowns": 2.5}

PROP_MARKET_COLUMNS: Mapping[str, str] = {
    "game": "string",
    "book": "string",
    "player": "string",  # with its system of numbers: nflverse:00-0036862, action_network:166468
    "player_name": "string",  # never missing
    "prop": "string",
    "line": "float64",
    "over_price": "Int64",  # one of the two may be missing
    "under_price": "Int64",
    "as_of": UTC_TIME,
    "file": "string",
    "line_number": "int64",  # of the over, or of the side there is
}


@dataclass(frozen=True)
class PropSource:
    """A source of player props: what it is, its sport, and its reader of named files against the stored games."""

    name: str
    reads: str
    sport: str
    read: Callable[[Files, pd.DataFrame], PropBatch]


def read_action_network(files: Files, schedule: pd.DataFrame) -> PropBatch:
    """Return the props in `files`, which hold files of props and, for their events, those of game lines.

    `schedule`: game, season, week, kickoff, home and away of the stored games. UsageError where one kind is missing,
    DataFileError where a file cannot be read at all.
    """
    props = {name: data for name, data in files.items() if has_column(data, "bet_type", name=name)}
    games = {name: data for name, data in files.items() if name not in props}
    if not props or not games:
        raise UsageError(
            "nfl-props needs files of player props and the game lines of their seasons (both Parquet, or a folder "
            f"with both): {'no file has the column bet_type' if games else 'only props were given'}"
        )
    nothing = pd.Series(pd.NA, index=schedule.index, dtype="string")
    known = schedule.assign(external_id=nothing, line_number=0, week=schedule["week"].astype("Int64"))
    events = [action_network.events(data, name=name, schedule=known) for name, data in games.items()]
    every = pd.concat(events, ignore_index=True).drop_duplicates("external_id")
    batches = [action_network_props.read(data, name=name, games=every) for name, data in props.items()]
    return _as_one(batches)


def _as_one(batches: list[PropBatch]) -> PropBatch:
    return replace(
        batches[0],
        props=pd.concat([batch.props for batch in batches], ignore_index=True),
        books=tuple(sorted({book for batch in batches for book in batch.books}, key=lambda book: book.name)),
        findings=in_order(finding for batch in batches for finding in batch.findings),
        rows_read=sum(batch.rows_read for batch in batches),
    )


def prop_markets(batch: PropBatch) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the markets of a batch (PROP_MARKET_COLUMNS), one row a game, book, player, prop and line, and findings.

    Neither side lands of a market whose sides have two lines or imply more than 115 %; one of less than 100 % is
    marked. A side whose other price is missing stands alone, as do props of one side, at their line over.
    """
    sides = _sides(batch)
    key = ["game", "book", "player", "prop", "line"]
    again = sides.duplicated([*key, "side"])
    found = _found(sides, again, "duplicate_quote", "this player has this side under another number; the first counts")
    kept = sides.loc[~again].set_index(key)
    over, under = (kept.loc[kept["side"] == side] for side in ("over", "under"))
    facts = ["player_name", "as_of", "file", "line_number"]
    markets = over[facts].combine_first(under[facts])
    markets = markets.assign(over_price=over["price"], under_price=under["price"]).reset_index()
    margin = overround(markets["over_price"], markets["under_price"])
    wide, uneven = margin > LARGEST_MARGIN, _uneven(markets)
    said = f"the two sides imply more than {1 + LARGEST_MARGIN:.0%}: one of them is wrong, neither lands"
    found += _found(markets, wide, "impossible_prices", said)
    found += _found(markets, uneven, "line_sides", "the two sides of this prop differ in their line: neither lands")
    said = "the two sides imply less than 100 %: no bookmaker offers that; the prices land"
    found += _found(markets, margin < 0, "negative_overround", said, Severity.WARNING)
    landed = markets.loc[~wide & ~uneven].sort_values(["file", "line_number"], kind="stable")
    return conform(landed, PROP_MARKET_COLUMNS), in_order(found)


def _sides(batch: PropBatch) -> pd.DataFrame:
    """Return the batch's prices with the player under one number and scorers at their line over."""
    props = batch.props
    line = props["prop"].map(SCORER_LINES).fillna(SCORER_LINE).astype("Float64")
    numbered = ("nflverse:" + props["player"]).fillna("action_network:" + props["player_external_id"])
    return props.assign(
        line=props["line"].fillna(line).astype("float64"),
        side=props["selection"].replace("yes", "over"),
        player=numbered,
        player_name=props["player_name"].fillna("Action Network " + props["player_external_id"]),
        as_of=props["recorded_at"],
    )


def _uneven(markets: pd.DataFrame) -> pd.Series:
    """Return which markets of one side have the other side of the same prop at another line."""
    alone_over, alone_under = markets["under_price"].isna(), markets["over_price"].isna()
    key = [markets[name] for name in ("game", "book", "player", "prop")]
    both = alone_over.groupby(key).transform("any") & alone_under.groupby(key).transform("any")
    return both & (alone_over | alone_under)


def _found(
    rows: pd.DataFrame, bad: pd.Series, rule: str, message: str, severity: Severity = Severity.CRITICAL
) -> tuple[Finding, ...]:
    """Return a finding for each bad row, file by file; the value is what the prop is."""
    bad = bad.fillna(False).astype(bool)
    found: list[Finding] = []
    for file, mine in rows.loc[bad].groupby("file", sort=True):
        log = FindingLog(str(file), mine["line_number"])
        shown = (mine["prop"] + " " + mine["line"].astype("string")).rename("odds")
        log.flag(pd.Series(True, index=mine.index), shown, rule, message, severity)
        found += log.findings
    return tuple(found)


PROP_SOURCES = {
    source.name: source
    for source in (
        PropSource(
            "nfl-props",
            "Action Network's NFL player props with its game lines (Parquet)",
            action_network.SPORT,
            read_action_network,
        ),
    )
}
