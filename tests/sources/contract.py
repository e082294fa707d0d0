"""What every source must keep, whatever it reads.

A source registers its readings in a file of its own, `tests/sources/readings_<source>.py`, as `READINGS`, a list
of `Reading`; `test_contract.py` finds them. `check_batch` holds a batch against the canonical frames and the
vocabularies, `check_source` reads the same bytes twice, and `check_malformed` shows that spoilt bytes end in
findings or one clear error, never in a traceback; the malformed variants of each source's own cells use it too.
"""

import gzip
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from aipro_ml.enums import BetType, GameStatus, SeasonType, Selection, Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources.action_network_props import PROP_COLUMNS, PropBatch
from aipro_ml.sources.base import (
    CLOSING_COLUMNS,
    GAME_COLUMNS,
    QUOTE_COLUMNS,
    SEASON_COLUMNS,
    TEAM_COLUMNS,
    VENUE_COLUMNS,
    SourceBatch,
)
from aipro_ml.sources.box_scores import PLAYER_GAME_COLUMNS, PLAYER_SEASON_COLUMNS, TEAM_GAME_COLUMNS, BoxBatch
from aipro_ml.sources.player_props import PROP_MARKET_COLUMNS

Content = bytes | Mapping[str, bytes]
"""A file's bytes, or a folder's (or a tar's) bytes by name."""

SIDES = {
    BetType.MONEYLINE: {Selection.HOME, Selection.AWAY, Selection.DRAW},
    BetType.SPREAD: {Selection.HOME, Selection.AWAY},
    BetType.TOTAL: {Selection.OVER, Selection.UNDER},
}
MAX_VALUE = 260


@dataclass(frozen=True)
class Reading:
    """One way to read a source: `read` turns `content` (a good generated fixture) into a batch."""

    name: str
    read: Callable[[Content], SourceBatch]
    content: Content
    findings: int = 0  # how many a good fixture has
    is_text: bool = True  # UTF-8 text, plain or gzip: damaged bytes are then refused


def check_source(reading: Reading) -> SourceBatch:
    """Read the good fixture twice: equal batches that keep the contract, and bytes left as they were."""
    before = reading.content if isinstance(reading.content, bytes) else dict(reading.content)
    first, second = reading.read(reading.content), reading.read(reading.content)
    assert reading.content == before, "a source must not change what it reads"
    check_equal(first, second)
    check_batch(first)
    assert len(first.games) > 0, "a good fixture has games"
    assert len(first.findings) == reading.findings, first.findings
    return first


def check_malformed(reading: Reading, content: Content, *, games_left: int) -> SourceBatch | None:
    """Read spoilt bytes: None where they are refused with one clear error, else the batch and its findings."""
    outcome = outcome_of(reading, content)
    if isinstance(outcome, DataFileError):
        assert outcome.file
        assert str(outcome).startswith(outcome.file)
        assert len(str(outcome)) < 2000
        return None
    check_batch(outcome)
    assert outcome.findings, "what is malformed must be found"
    assert len(outcome.games) >= games_left, "good rows land"
    return outcome


def outcome_of(reading: Reading, content: Content) -> SourceBatch | DataFileError:
    """Return what reading gives: a batch, or the one error a reader may raise."""
    try:
        return reading.read(content)
    except DataFileError as error:
        return error


def byte_faults(content: bytes) -> dict[str, bytes]:
    """Return what becomes of a file on its way: each of these must be refused with one clear error."""
    packed = gzip.compress(content)
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    return {
        "empty": b"",
        "blank lines": b"\n\n\n",
        "an empty gzip": gzip.compress(b""),
        "half a gzip": packed[: len(packed) // 2],
        "a gzip without its end": packed[:-5],
        "two bytes of a gzip": packed[:2],
        "a gzip with flipped bits": bytes(flipped),
        "a page of the web": b"<html><body>404 Not Found</body></html>",
        "zeros": bytes(1000),
        "a byte that is no UTF-8": content[: len(content) // 2] + b"\xff\xfe" + content[len(content) // 2 :],
        "a NUL byte": content[: len(content) // 2] + b"\x00" + content[len(content) // 2 :],
        "UTF-16": b"\xff\xfe" + content.decode().encode("utf-16-le"),
    }


def check_equal(first: SourceBatch, second: SourceBatch) -> None:
    """The same bytes give the same batch."""
    for name in ("teams", "venues", "seasons", "games", "quotes", "closing"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert (first.findings, first.books, first.rows_read) == (second.findings, second.books, second.rows_read)


def check_batch(batch: SourceBatch) -> None:
    """Everything a batch promises to the jobs that store it."""
    check_frames(batch)
    check_keys(batch)
    check_games(batch.games)
    check_prices(batch.quotes, "line", "price")
    check_prices(batch.closing, "closing_line", "closing_price")
    check_spreads(batch.quotes, "line", "recorded_at")
    check_spreads(batch.closing, "closing_line", "closed_at")
    check_closes(batch)
    check_findings(batch)


def check_frames(batch: SourceBatch) -> None:
    """Columns, their order and their types are the canonical ones; the index is plain."""
    for name, columns in (
        ("teams", TEAM_COLUMNS),
        ("venues", VENUE_COLUMNS),
        ("seasons", SEASON_COLUMNS),
        ("games", GAME_COLUMNS),
        ("quotes", QUOTE_COLUMNS),
        ("closing", CLOSING_COLUMNS),
    ):
        frame = getattr(batch, name)
        assert list(frame.columns) == list(columns), name
        for column, kind in columns.items():
            assert frame[column].dtype == pd.Series([], dtype=kind).dtype, f"{name}.{column}: {frame[column].dtype}"
        assert list(frame.index) == list(range(len(frame))), f"{name} has no plain index"


def check_keys(batch: SourceBatch) -> None:
    """Identities are there and unique; what is referred to is in the batch."""
    for frame, key in ((batch.teams, "team"), (batch.venues, "venue"), (batch.seasons, "season")):
        assert frame[key].notna().all()
        assert frame[key].is_unique
    for key in ("game", "external_id"):
        assert batch.games[key].notna().all()
        assert batch.games[key].is_unique
    assert batch.games["external_id"].str.len().le(50).all()
    games = set(batch.games["game"])
    books = {book.name for book in batch.books}
    assert len(books) == len(batch.books)
    for frame, time in ((batch.quotes, ["recorded_at"]), (batch.closing, [])):
        keys = ["game", "book", "market", "selection", *time]
        assert not frame[keys].isna().any().any()
        assert not frame.duplicated(keys).any(), frame.loc[frame.duplicated(keys, keep=False)].head()
        assert set(frame["game"]) <= games
        assert set(frame["book"]) <= books
    assert set(batch.games["home"]) | set(batch.games["away"]) <= set(batch.teams["team"])
    assert set(batch.games["venue"].dropna()) <= set(batch.venues["venue"])
    assert set(batch.games["season"]) <= set(batch.seasons["season"])


def check_games(games: pd.DataFrame) -> None:
    """Games are played by two teams at a known time, and have both scores or none."""
    needed = ["season", "season_type", "game_number", "kickoff", "kickoff_estimated", "home", "away"]
    assert not games[[*needed, "neutral_site", "status", "line_number"]].isna().any().any()
    assert games["season_type"].isin([kind.value for kind in SeasonType]).all()
    assert games["status"].isin([status.value for status in GameStatus]).all()
    assert (games["home"] != games["away"]).all()
    assert (games["home_score"].isna() == games["away_score"].isna()).all()
    final = games["status"] == GameStatus.FINAL
    assert games.loc[final, "home_score"].notna().all()
    assert (games.loc[final, ["home_score", "away_score"]] >= 0).all().all()
    assert (games["game_number"] >= 1).all()


def check_prices(frame: pd.DataFrame, line: str, price: str) -> None:
    """Prices are American, markets and selections of the closed vocabulary, and only moneylines have no line."""
    known = frame[price].dropna()
    assert (known.abs() >= 100).all()
    if price == "price":
        assert len(known) == len(frame), "a quote has a price"
    for market, rows in frame.groupby("market"):
        assert set(rows["selection"]) <= {side.value for side in SIDES[BetType(market)]}
        lines = rows[line]
        if market == BetType.MONEYLINE:
            assert lines.isna().all()
        else:
            assert lines.notna().all()
            assert (lines % 0.25 == 0).all()
    assert frame.loc[frame["market"] == BetType.TOTAL, line].gt(0).all()


def check_spreads(frame: pd.DataFrame, line: str, time: str) -> None:
    """The two sides' handicaps of one book at one time are opposites, the two totals equal."""
    keys = ["game", "book", time]
    for market, (first, second), sign in (
        (BetType.SPREAD, (Selection.HOME, Selection.AWAY), -1),
        (BetType.TOTAL, (Selection.OVER, Selection.UNDER), 1),
    ):
        rows = frame.loc[frame["market"] == market]
        sides = rows.pivot_table(index=keys, columns="selection", values=line, aggfunc="first")
        if {first.value, second.value} <= set(sides.columns):
            both = sides[[first.value, second.value]].dropna()
            assert (both[first.value] == sign * both[second.value]).all()


def check_closes(batch: SourceBatch) -> None:
    """A closing line is from before the kick-off of a game that was played."""
    games = batch.games.set_index("game")
    closed = batch.closing.join(games[["kickoff", "status"]], on="game")
    assert (closed["closed_at"] < closed["kickoff"]).all()
    bare = batch.closing.loc[batch.closing["market"] == BetType.MONEYLINE]
    assert bare["closing_price"].notna().all(), "a moneyline without a price closes nothing"


def check_findings(batch: SourceBatch | BoxBatch | PropBatch) -> None:
    """Each finding says file, line, rule and message, and is fit for a terminal."""
    for finding in batch.findings:
        assert finding.file
        assert finding.line >= 1
        assert finding.rule == finding.rule.lower().replace(" ", "_")
        assert finding.rule
        assert finding.message
        assert isinstance(finding.severity, Severity)
        assert len(finding.value) <= MAX_VALUE
        shown = finding.file + finding.column + finding.value + finding.message
        assert all(char.isprintable() for char in shown), shown
    assert list(batch.findings) == sorted(batch.findings, key=lambda finding: (finding.file, finding.line))


def check_boxes(batch: BoxBatch) -> None:
    """Box scores: canonical columns, unique keys, finite figures, findings in order."""
    for name, columns, key in (
        ("team_games", TEAM_GAME_COLUMNS, ["team", "game"]),
        ("player_games", PLAYER_GAME_COLUMNS, ["player", "game"]),
        ("player_seasons", PLAYER_SEASON_COLUMNS, ["player", "season"]),
    ):
        frame = getattr(batch, name)
        assert list(frame.columns) == list(columns), name
        for column, kind in columns.items():
            assert frame[column].dtype == pd.Series([], dtype=kind).dtype, f"{name}.{column}"
        assert not frame[key if name == "player_seasons" else [*key, "team"]].isna().any().any()
        assert not frame.duplicated(key).any()
        assert all(math.isfinite(value) for stats in frame["stats"] for value in stats.values())
    check_games(batch.games)
    check_findings(batch)


def check_props(batch: PropBatch) -> None:
    """Player props: canonical columns, unique keys, possible prices and lines, findings in order."""
    props = batch.props
    assert list(props.columns) == list(PROP_COLUMNS)
    for column, kind in PROP_COLUMNS.items():
        assert props[column].dtype == pd.Series([], dtype=kind).dtype, column
    needed = ["game", "book", "player_external_id", "prop", "selection", "price", "recorded_at"]
    assert not props[needed].isna().any().any()
    assert not props.duplicated([*needed[:5], "line"]).any()
    assert (props["price"].abs() >= 100).all()
    assert (props["line"].isna() == (props["selection"] == "yes")).all()
    assert set(props["book"]) <= {book.name for book in batch.books}
    check_findings(batch)


def check_prop_markets(markets: pd.DataFrame) -> None:
    """Markets of props: canonical columns, unique keys, a price at least, and one possible pair of prices."""
    assert list(markets.columns) == list(PROP_MARKET_COLUMNS)
    for column, kind in PROP_MARKET_COLUMNS.items():
        assert markets[column].dtype == pd.Series([], dtype=kind).dtype, column
    needed = ["game", "book", "player", "prop", "line"]
    assert not markets[[*needed, "player_name", "as_of"]].isna().any().any()
    assert not markets.duplicated(needed).any()
    prices = markets[["over_price", "under_price"]]
    assert prices.notna().any(axis=1).all()
    assert (prices.abs().fillna(100) >= 100).all().all()
    assert markets["player"].str.fullmatch("(nflverse|action_network):[0-9-]+").all()
