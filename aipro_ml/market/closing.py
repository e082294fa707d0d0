"""Openings and closes: the first and the last quote of each side at each book before the kick-off as then known."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.features.asof import asof_positions
from aipro_ml.features.history import CLOSE_WITHIN

QUOTE_COLUMNS = ("game_id", "book", "market", "selection", "line", "price", "recorded_at")
"""What this package reads of a quote; `book` is any key of the book, its id or its name."""

REVISION_COLUMNS = ("game_id", "kickoff", "kickoff_estimated", "status", "known_at")
"""What it reads of a game's revisions, in the order in which they became known."""

SIDE = ["game_id", "book", "market", "selection"]
SIDE_COLUMNS = (
    *SIDE,
    "opening_line",
    "opening_price",
    "opening_at",
    "closing_line",
    "closing_price",
    "closed_at",
    "quotes_count",
)
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
_CALLED_OFF = [GameStatus.POSTPONED.value, GameStatus.CANCELLED.value]
_EVER = pd.Timestamp("1800-01-01", tz="UTC")


def before_kickoff(quotes: pd.DataFrame, revisions: pd.DataFrame) -> BoolArray:
    """Return for each quote (n,) whether it was recorded before its game's kick-off, as known when recorded.

    A kick-off moved later counts from when that was known: quotes of the game already under way never
    become pre-game ones. Before the first revision the first one counts; an estimated kick-off was nobody's
    knowledge, and the first real one stands for it. Quotes of a game without revisions are none.
    """
    if quotes.empty or revisions.empty:
        return np.zeros(len(quotes), dtype=bool)
    known = revisions.reset_index(drop=True)
    known = known.assign(kickoff=_real_kickoffs(known))
    known["known_at"] = known["known_at"].mask(~known.duplicated("game_id"), _EVER.as_unit("us"))
    left = quotes[["game_id"]].assign(as_of=quotes["recorded_at"])
    positions = asof_positions(left, known, ["game_id"])
    kickoff = known["kickoff"].reindex(positions).array
    return np.asarray(quotes["recorded_at"].array < kickoff, dtype=bool)


def _real_kickoffs(revisions: pd.DataFrame) -> pd.Series:
    real = revisions["kickoff"].mask(revisions["kickoff_estimated"].astype(bool))
    return real.groupby(revisions["game_id"]).bfill().fillna(revisions["kickoff"])


def begun_games(revisions: pd.DataFrame, now: pd.Timestamp) -> pd.Index:
    """Return the ids of the games whose kick-off, by their last revision, is not after `now` nor called off."""
    last = revisions.drop_duplicates("game_id", keep="last")
    begun = (last["kickoff"] <= now) & ~last["status"].isin(_CALLED_OFF)
    return pd.Index(last.loc[begun, "game_id"], dtype=object)


def book_sides(quotes: pd.DataFrame, revisions: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return SIDE_COLUMNS, one row per game, book, market and selection that was ever quoted.

    Opening and close are the first and the last quote `before_kickoff`, missing where there is none; the
    close also as long as the game has not begun by `now`. `quotes_count` counts all quotes, in-play ones too.
    """
    ordered = quotes.sort_values("recorded_at", kind="stable").reset_index(drop=True)
    code = series_codes(ordered)
    keys = ordered.loc[~pd.Series(code).duplicated(), SIDE].set_axis(pd.unique(code))
    before = np.flatnonzero(before_kickoff(ordered, revisions))
    playing = ordered["game_id"].isin(begun_games(revisions, now)).to_numpy()
    closing = before[playing[before]]
    opened = _one_of_each(ordered, code, before[::-1], ("opening_line", "opening_price", "opening_at"))
    closed = _one_of_each(ordered, code, closing, ("closing_line", "closing_price", "closed_at"))
    counts = pd.Series(code).value_counts().rename("quotes_count")
    sides = keys.join(opened).join(closed).join(counts)
    return sides.sort_values(SIDE, ignore_index=True)[list(SIDE_COLUMNS)]


def series_codes(quotes: pd.DataFrame) -> IntArray:
    """Return an integer a row (n,), equal for quotes of one game, book, market and selection."""
    code = np.zeros(len(quotes), dtype=np.int64)
    for column in SIDE:
        own, values = pd.factorize(quotes[column])
        code = code * max(len(values), 1) + own
    return code


def _one_of_each(quotes: pd.DataFrame, code: IntArray, rows: IntArray, names: tuple[str, str, str]) -> pd.DataFrame:
    """Return line, price and time, under `names`, of the last of `rows` of each series (index: its code)."""
    chosen = rows[~pd.Series(code[rows]).duplicated(keep="last").to_numpy()]
    taken = quotes.loc[chosen, ["line", "price", "recorded_at"]]
    return taken.set_axis(list(names), axis=1).set_axis(code[chosen], axis=0)


def stood_at_close(closed: pd.DataFrame) -> pd.DataFrame:
    """Return the rows (game_id, market, closed_at, …) that closed within CLOSE_WITHIN of their market's last."""
    last = closed.groupby(["game_id", "market"])["closed_at"].transform("max")
    return closed.loc[closed["closed_at"] > last - CLOSE_WITHIN]


def closing_quotes(sides: pd.DataFrame) -> pd.DataFrame:
    """Return the closes as quotes (QUOTE_COLUMNS) that stood together at the close of their market.

    A book that fell silent more than CLOSE_WITHIN before the last one closed is no part of the close.
    """
    closed = stood_at_close(sides.loc[sides["closed_at"].notna() & sides["closing_price"].notna()])
    names = {"closing_line": "line", "closing_price": "price", "closed_at": "recorded_at"}
    return closed.rename(columns=names)[_kept(closed)].reset_index(drop=True)


def opening_quotes(sides: pd.DataFrame) -> pd.DataFrame:
    """Return the quotes (QUOTE_COLUMNS) of the moment at which each game's market opened, by its first book.

    A market that closed at that very moment was only ever seen at its close: it has no opening.
    """
    opened = sides.loc[sides["opening_at"].notna()]
    by_market = opened.assign(closed=opened["closed_at"].where(opened["closing_price"].notna()))
    by_market = by_market.groupby(["game_id", "market"])
    first, last = by_market["opening_at"].transform("min"), by_market["closed"].transform("max")
    opened = opened.loc[(opened["opening_at"] == first) & (first != last)]
    names = {"opening_line": "line", "opening_price": "price", "opening_at": "recorded_at"}
    return opened.rename(columns=names)[_kept(opened)].reset_index(drop=True)


def _kept(sides: pd.DataFrame) -> list[str]:
    return [*QUOTE_COLUMNS, *(["is_sharp"] if "is_sharp" in sides else [])]
