"""What each book says of a market: its lines and fair probabilities, what kind of book it is, and who is far off."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.margin import devig
from aipro_ml.enums import BetType, DevigMethod, Selection

AVERAGE, MAXIMUM = "average", "maximum"
"""Last words of the names of books that are no bookmakers ("Betbrain average", "market maximum")."""

OUTLIER_DISTANCE = 0.08
"""In probability: nearer to the others' median no book is called wrong, whatever their spread."""

OUTLIER_MADS = 4.0
"""A book is far off beyond this many median absolute deviations of the others."""

OUTCOMES = ("fair", "fair_draw", "fair_other")
MARKET = ["game_id", "market"]
_PAIR = [*MARKET, "book", "ref_line"]
_SIDES = {
    "reference": (Selection.HOME.value, Selection.OVER.value),
    "other": (Selection.AWAY.value, Selection.UNDER.value),
    "draw": (Selection.DRAW.value,),
}
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def is_average(books: pd.Series) -> pd.Series:
    """Return which names are averages over books: a view of the market, but nobody offers both sides of it."""
    return _last_words(books, AVERAGE)


def is_maximum(books: pd.Series) -> pd.Series:
    """Return which names are best prices over books: their overround is near or below zero by construction."""
    return _last_words(books, MAXIMUM)


def _last_words(books: pd.Series, word: str) -> pd.Series:
    ends = {name: str(name).lower().endswith(f" {word}") for name in books.unique()}
    return books.map(ends).astype(bool)


def line_key(line: pd.Series, market: pd.Series) -> pd.Series:
    """Return a line that can be joined on: 0.0 for moneylines, and no negative zero."""
    return line.where(market != BetType.MONEYLINE.value, 0.0).astype("float64") + 0.0


def with_reference_line(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return quotes with `ref_line`: away +3.5 speaks of the home line −3.5. Spreads without a line go."""
    away_spread = (quotes["market"] == BetType.SPREAD.value) & (quotes["selection"] == Selection.AWAY.value)
    reference = quotes["line"].where(~away_spread, -quotes["line"])
    keyed = quotes.assign(ref_line=line_key(reference, quotes["market"]))
    return keyed.loc[keyed["ref_line"].notna()]


def book_markets(quotes: pd.DataFrame, method: DevigMethod, *, three_way: bool = False) -> pd.DataFrame:
    """Return one row per game, market, book and line: prices of its sides and what they say without the margin.

    `quotes` as for `consensus.consensus`. Columns game_id, market, book, ref_line (0 for moneylines), the
    American prices `reference`, `other`, `draw` (NaN where not offered), `complete` (all sides priced; a
    moneyline is three-way where the sport is, or where any book prices that game's draw), `fair`,
    `fair_draw`, `fair_other` (probabilities that sum to 1, fair_draw NaN two-way; all NaN where incomplete)
    and `overround`. Best prices over books (`is_maximum`) are left out: they are no one's market.
    """
    pairs = _pairs(quotes.loc[~is_maximum(quotes["book"])])
    moneyline = pairs["market"] == BetType.MONEYLINE.value
    with_draw = moneyline & (pairs["draw"].notna().groupby(pairs["game_id"]).transform("max") | three_way)
    pairs["complete"] = pairs["reference"].notna() & pairs["other"].notna() & (pairs["draw"].notna() | ~with_draw)
    return pairs.assign(**_probabilities(pairs, with_draw.to_numpy(bool), method))


def _pairs(quotes: pd.DataFrame) -> pd.DataFrame:
    keyed = with_reference_line(quotes)[[*_PAIR, "selection", "price"]]
    sides = [
        keyed.loc[keyed["selection"].isin(names), [*_PAIR, "price"]].rename(columns={"price": side})
        for side, names in _SIDES.items()
    ]
    pairs = sides[0]
    for side in sides[1:]:
        pairs = pairs.merge(side, on=_PAIR, how="outer", validate="one_to_one")
    return pairs


def _probabilities(pairs: pd.DataFrame, with_draw: BoolArray, method: DevigMethod) -> dict[str, FloatArray]:
    found = {name: np.full(len(pairs), np.nan) for name in (*OUTCOMES, "overround")}
    complete = pairs["complete"].to_numpy(bool)
    two_way, three_way = ("fair", "fair_other"), ("fair", "fair_draw", "fair_other")
    for rows, sides, names in (
        (complete & ~with_draw, ["reference", "other"], two_way),
        (complete & with_draw, ["reference", "draw", "other"], three_way),
    ):
        if rows.any():
            devigged = devig(pairs.loc[rows, sides].to_numpy("float64"), method)
            found["overround"][rows] = devigged.overround
            for name, column in zip(names, devigged.probabilities.T, strict=True):
                found[name][rows] = column
    return found


def mark_outliers(books: pd.DataFrame) -> pd.DataFrame:
    """Return, on the index of `books`, `outlier` and `contested`: who is far off, and where nobody can say who.

    `books`: complete bookmakers at one line a market (rows of `book_markets`). A book is far off when a
    probability of one of its outcomes lies further than max(OUTLIER_DISTANCE, OUTLIER_MADS · the median
    absolute deviation of the others) from the median of the others, with at least three books. Where two
    books alone differ by more than OUTLIER_DISTANCE, or where those far off are no minority, no book is
    marked and the whole market is contested.
    """
    marks = pd.DataFrame({"outlier": False, "contested": False}, index=books.index)
    by_market = books.groupby(MARKET, sort=False)[list(OUTCOMES)]
    apart = (by_market.transform("max") - by_market.transform("min")).max(axis=1) > OUTLIER_DISTANCE
    if not apart.any():  # a book that is far off makes its market wide: all others need no closer look
        return marks
    wide = books.loc[apart]
    code = wide.groupby(MARKET, sort=False).ngroup().to_numpy()
    size = np.bincount(code)[code]
    far = np.zeros(len(wide), dtype=bool)
    for outcome in OUTCOMES:
        far |= _far_from_others(wide[outcome].to_numpy("float64"), code)
    far &= size >= 3
    undecided = (size == 2) | (2 * np.bincount(code, far)[code] >= size)
    marks.loc[apart, "outlier"] = far & ~undecided
    marks.loc[apart, "contested"] = undecided
    return marks


def _far_from_others(values: FloatArray, code: npt.NDArray[np.int64]) -> BoolArray:
    """Return for each value (n,) whether it is far from the other values of its group."""
    order = np.argsort(code, kind="stable")
    counts = np.bincount(code)
    place = np.empty(len(code), dtype=np.int64)
    place[order] = np.arange(len(code)) - np.repeat(np.cumsum(counts) - counts, counts)
    others = np.full((len(code), int(counts.max())), np.nan)
    table = np.full((len(counts), int(counts.max())), np.nan)
    table[code, place] = values
    others[:] = table[code]
    others[np.arange(len(code)), place] = np.nan
    known = ~np.isnan(others).all(axis=1) & ~np.isnan(values)
    far = np.zeros(len(code), dtype=bool)
    median = np.nanmedian(others[known], axis=1)
    spread = np.nanmedian(np.abs(others[known] - median[:, None]), axis=1)
    far[known] = np.abs(values[known] - median) > np.maximum(OUTLIER_DISTANCE, OUTLIER_MADS * spread)
    return far
