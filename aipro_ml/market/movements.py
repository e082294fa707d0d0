"""Moves of a market: every change of a book's line or price on the reference side, and what kind of move it was."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.books import is_average, is_maximum
from aipro_ml.betting.odds import implied_probability
from aipro_ml.enums import REFERENCE_SIDE, BetType

MOVEMENT_COLUMNS = (
    "game_id",
    "book",
    "market",
    "old_line",
    "new_line",
    "old_price",
    "new_price",
    "movement_size",
    "detected_at",
)
STEAM_WINDOW = pd.Timedelta(minutes=30)
STEAM_BOOKS = 3
"""So many books, or half of those that quote the market (but at least two), moving one way make steam."""

FloatArray = npt.NDArray[np.float64]
_SERIES = ["game_id", "market", "book"]
_MARKET = ["game_id", "market"]


def movements(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return MOVEMENT_COLUMNS, one row a change of line or price of the reference side (home, over) at a book.

    `quotes`: QUOTE_COLUMNS of `closing`, cut to those before kick-off. `movement_size`: the new line less the
    old one in points where the line moved, else the change of the price's implied probability.
    """
    reference = {market.value: side.value for market, side in REFERENCE_SIDE.items()}
    own = quotes.loc[quotes["selection"] == quotes["market"].map(reference)]
    own = own.sort_values([*_SERIES, "recorded_at"], kind="stable").reset_index(drop=True)
    first = ~own.duplicated(_SERIES).to_numpy()
    old, new = own[["line", "price"]].shift(), own[["line", "price"]]
    same = ((old == new) | (old.isna() & new.isna())).all(axis=1).to_numpy()
    moved = ~first & ~same
    found = own[["game_id", "book", "market"]].assign(
        old_line=old["line"],
        new_line=new["line"],
        old_price=old["price"],
        new_price=new["price"],
        detected_at=own["recorded_at"],
    )
    found = found.loc[moved].reset_index(drop=True)
    return found.assign(movement_size=_size(found))[list(MOVEMENT_COLUMNS)]


def _size(moves: pd.DataFrame) -> FloatArray:
    points = (moves["new_line"] - moves["old_line"]).fillna(0.0).to_numpy("float64")
    chance = implied_probability(moves["new_price"].to_numpy("float64")) - implied_probability(
        moves["old_price"].to_numpy("float64")
    )
    return np.where(points != 0, points, chance)


def toward_reference(moves: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return which way each move went (n,): +1 toward the reference side (home, over), −1 away from it.

    A home line falling, a total rising, and a price of the reference side shortening all go toward it.
    """
    line_moved = (moves["new_line"] - moves["old_line"]).fillna(0.0).to_numpy("float64") != 0
    falling = (moves["market"] == BetType.SPREAD.value).to_numpy() & line_moved
    way = np.sign(moves["movement_size"].to_numpy("float64")).astype(np.int64)
    return np.where(falling, -way, way)


def described(moves: pd.DataFrame, books: pd.Series, as_of: pd.Series) -> pd.DataFrame:
    """Return `moves` in time order with `direction`, `books_moving`, `steam`, `reverse` and `age_hours`.

    `books`: how many books quote each market, indexed by (game_id, market). `books_moving`: books whose last
    move the same way lies in the STEAM_WINDOW before. `reverse`: against the move before it at that book;
    shares of public bets, against which others define it, are in no table. `age_hours`: at the game's `as_of`
    (UTC times indexed by game_id), 0 where a kick-off was said to have been earlier only afterwards.
    """
    ordered = moves.sort_values(["detected_at", *_SERIES], kind="stable").reset_index(drop=True)
    ordered = ordered.assign(direction=toward_reference(ordered))
    before = ordered.groupby(_SERIES)["direction"].shift()
    moving = _books_moving(ordered)
    quoting = books.reindex(pd.MultiIndex.from_frame(ordered[_MARKET])).to_numpy("float64")
    enough = np.minimum(STEAM_BOOKS, np.maximum(np.ceil(np.nan_to_num(quoting, nan=np.inf) / 2), 2))
    return ordered.assign(
        books_moving=moving,
        steam=moving >= enough,
        reverse=(before * ordered["direction"] < 0).to_numpy(),
        age_hours=((ordered["game_id"].map(as_of) - ordered["detected_at"]) / pd.Timedelta(hours=1)).clip(lower=0),
    )


def _books_moving(ordered: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return for each move how many bookmakers, itself one, moved the same way within STEAM_WINDOW up to it."""
    if ordered.empty:
        return np.zeros(0, dtype=np.int64)
    books, names = pd.factorize(ordered["book"])
    groups = ordered.groupby([*_MARKET, "direction"], sort=False).ngroup()
    minutes = ordered["detected_at"].astype("int64").to_numpy("float64")
    last = np.full((len(ordered), len(names)), np.nan)
    own = ~(is_average(ordered["book"]) | is_maximum(ordered["book"])).to_numpy(bool)  # nobody's move but the others'
    last[np.flatnonzero(own), books[own]] = minutes[own]
    seen = pd.DataFrame(last).groupby(groups).ffill().to_numpy()
    recent = minutes[:, None] - seen <= STEAM_WINDOW / pd.Timedelta(microseconds=1)
    count: npt.NDArray[np.int64] = recent.sum(axis=1)
    return count
