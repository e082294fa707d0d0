"""What each book says of a market: its lines and fair probabilities, what kind of book it is, and who is far off."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.groups import Groups, coded, row_medians
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
_KEYS = ("game_id", "market", "book", "selection")
_SIDES = ("reference", "other", "draw")
_SIDE_OF = {
    Selection.HOME.value: 0,
    Selection.OVER.value: 0,
    Selection.AWAY.value: 1,
    Selection.UNDER.value: 1,
    Selection.DRAW.value: 2,
}
_TWO_WAY, _THREE_WAY = (0, 1), (0, 2, 1)
"""The sides of a market by their place in _SIDES, the reference side first and its opponent last."""
_OUTCOME_OF = (0, 2, 1)
"""Of each of _SIDES its place in OUTCOMES."""
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]


def is_average(books: pd.Series) -> pd.Series:
    """Return which names are averages over books: a view of the market, but nobody offers both sides of it."""
    return _last_words(books, AVERAGE)


def is_maximum(books: pd.Series) -> pd.Series:
    """Return which names are best prices over books: their overround is near or below zero by construction."""
    return _last_words(books, MAXIMUM)


def _last_words(books: pd.Series, word: str) -> pd.Series:
    ends = {name: ends_in(name, word) for name in books.unique()}
    return books.map(ends).astype(bool)


def ends_in(name: object, word: str) -> bool:
    """Return whether a book's name says it is an AVERAGE or MAXIMUM (`word`)."""
    return str(name).lower().endswith(f" {word}")


@dataclass(frozen=True)
class Quotes:
    """Quotes (n,) by number instead of by word: equal words are compared once, not in every row.

    `game`, `kind` (the market), `book` and `selection` point into their sorted words; `line` is the reference
    side's (away +3.5 speaks of the home line −3.5), 0.0 for moneylines, and never a negative zero. Spreads and
    totals without a line are left out; `row` says where each quote stood.
    """

    games: Words
    kinds: Words
    books: Words
    selections: Words
    game: IntArray
    kind: IntArray
    book: IntArray
    selection: IntArray
    line: FloatArray
    price: FloatArray
    row: IntArray

    @classmethod
    def of(cls, quotes: pd.DataFrame) -> "Quotes":
        """Return the quotes (columns game_id, market, book, selection, line, price) by number."""
        (game, games), (kind, kinds), (book, books), (selection, selections) = (
            (codes.astype(np.int64), words) for codes, words in map(coded, (quotes[name] for name in _KEYS))
        )
        line = quotes["line"].to_numpy("float64")
        away_spread = (kinds == BetType.SPREAD.value)[kind] & (selections == Selection.AWAY.value)[selection]
        reference = np.where(away_spread, -line, line)
        reference = np.where((kinds == BetType.MONEYLINE.value)[kind], 0.0, reference) + 0.0
        price = quotes["price"].to_numpy("float64")
        whole = cls(
            games, kinds, books, selections, game, kind, book, selection, reference, price, np.arange(len(game))
        )
        return whole.take(~np.isnan(reference))

    def take(self, kept: BoolArray) -> "Quotes":
        """Return only the quotes of this mask (n,)."""
        if kept.all():
            return self
        names = ("game", "kind", "book", "selection", "line", "price", "row")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def by(self, word: str) -> BoolArray:
        """Return which quotes (n,) are of an AVERAGE or MAXIMUM over books (`word`)."""
        return np.array([ends_in(name, word) for name in self.books], dtype=bool)[self.book]


@dataclass(frozen=True)
class BookMarkets:
    """What each of n (game, market, book, line) says, in the order of those four: `book_markets` as arrays.

    `market` (n,) numbers the (game, market) pairs in order; `prices` (n, 3) are the American ones of reference,
    other and draw, `fair` (n, 3) the probabilities of OUTCOMES.
    """

    quotes: Quotes
    game: IntArray
    kind: IntArray
    book: IntArray
    line: FloatArray
    market: IntArray
    prices: FloatArray
    complete: BoolArray
    fair: FloatArray
    overround: FloatArray


def book_markets(quotes: pd.DataFrame, method: DevigMethod, *, three_way: bool = False) -> pd.DataFrame:
    """Return one row per game, market, book and line: prices of its sides and what they say without the margin.

    `quotes` as for `consensus.consensus`. Columns game_id, market, book, ref_line (0 for moneylines), the
    American prices `reference`, `other`, `draw` (NaN where not offered), `complete` (all sides priced; a
    moneyline is three-way where the sport is, or where any book prices that game's draw), `fair`,
    `fair_draw`, `fair_other` (probabilities that sum to 1, fair_draw NaN two-way; all NaN where incomplete)
    and `overround`. Best prices over books (`is_maximum`) are left out: they are no one's market.
    """
    said = numbered_markets(Quotes.of(quotes), method, three_way=three_way)
    return pd.DataFrame(
        {
            "game_id": said.quotes.games[said.game],
            "market": said.quotes.kinds[said.kind],
            "book": said.quotes.books[said.book],
            "ref_line": said.line,
            **dict(zip(_SIDES, said.prices.T, strict=True)),
            "complete": said.complete,
            **dict(zip(OUTCOMES, said.fair.T, strict=True)),
            "overround": said.overround,
        }
    )


def numbered_markets(quotes: Quotes, method: DevigMethod | None, *, three_way: bool) -> BookMarkets:
    """Return what `book_markets` does, as arrays; MergeError where a book has two quotes of one selection.

    Without a method the margin stays: `fair` and `overround` are NaN.
    """
    side = np.array([_SIDE_OF.get(name, -1) for name in quotes.selections], dtype=np.int64)[quotes.selection]
    kept = (side >= 0) & ~quotes.by(MAXIMUM)
    quotes, side = quotes.take(kept), side if kept.all() else side[kept]
    pair, first = _pairs(quotes)
    cell = pair * len(_SIDES) + side
    if len(cell) and np.bincount(cell).max() > 1:
        raise pd.errors.MergeError("a book has two quotes of one selection at one line: pass only its latest")
    prices = np.full((len(first), len(_SIDES)), np.nan)
    prices.ravel()[cell] = quotes.price
    game, kind = quotes.game[first], quotes.kind[first]
    with_draw = (quotes.kinds == BetType.MONEYLINE.value)[kind]
    if not three_way:
        with_draw &= np.bincount(game, ~np.isnan(prices[:, 2]), minlength=len(quotes.games))[game] > 0
    complete = ~np.isnan(prices[:, list(_TWO_WAY)]).any(axis=1) & ~(np.isnan(prices[:, 2]) & with_draw)
    fair, overround = _probabilities(prices, complete, with_draw, method)
    market = _numbered(game * len(quotes.kinds) + kind)
    own = (quotes.book[first], quotes.line[first], market, prices)
    return BookMarkets(quotes, game, kind, *own, complete, fair, overround)


def _pairs(quotes: Quotes) -> tuple[IntArray, IntArray]:
    """Return the number of each quote's (game, market, book, line), in their order, and a quote of each."""
    lines, known = pd.factorize(quotes.line)
    rank = np.argsort(np.argsort(known, kind="stable"))
    key = quotes.game
    for code, words in ((quotes.kind, quotes.kinds), (quotes.book, quotes.books), (rank[lines], known)):
        key = key * max(len(words), 1) + code
    order = np.argsort(key, kind="stable")
    new = np.ones(len(key), dtype=bool)
    new[1:] = key[order][1:] != key[order][:-1]
    pair = np.empty(len(key), dtype=np.int64)
    pair[order] = np.cumsum(new) - 1
    return pair, order[new]


def _numbered(ascending: IntArray) -> IntArray:
    """Return the number of each of these values, which ascend, among the distinct ones."""
    new = np.ones(len(ascending), dtype=bool)
    new[1:] = ascending[1:] != ascending[:-1]
    numbers: IntArray = np.cumsum(new) - 1
    return numbers


def _probabilities(
    prices: FloatArray, complete: BoolArray, with_draw: BoolArray, method: DevigMethod | None
) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of OUTCOMES (n, 3) and the overround (n,), all NaN without a method."""
    fair, overround = np.full((len(prices), len(OUTCOMES)), np.nan), np.full(len(prices), np.nan)
    if method is None:
        return fair, overround
    for rows, sides in ((complete & ~with_draw, _TWO_WAY), (complete & with_draw, _THREE_WAY)):
        if rows.any():
            devigged = devig(prices[rows][:, list(sides)], method)
            overround[rows] = devigged.overround
            for side, probabilities in zip(sides, devigged.probabilities.T, strict=True):
                fair[rows, _OUTCOME_OF[side]] = probabilities
    return fair, overround


def mark_outliers(fair: FloatArray, market: IntArray) -> tuple[BoolArray, BoolArray]:
    """Return `outlier` and `contested`, each (n,): who is far off, and where nobody can say who.

    `fair` (n, 3) and `market` (n,) of complete bookmakers at one line a market. A book is far off when a
    probability of one of its outcomes lies further than max(OUTLIER_DISTANCE, OUTLIER_MADS · the median
    absolute deviation of the others) from the median of the others, with at least three books. Where two
    books alone differ by more than OUTLIER_DISTANCE, or where those far off are no minority, no book is
    marked and the whole market is contested.
    """
    outlier, contested = np.zeros((2, len(fair)), dtype=bool)
    apart = _apart(fair, market)
    if not apart.any():  # a book that is far off makes its market wide: all others need no closer look
        return outlier, contested
    wide, code = fair[apart], pd.factorize(market[apart])[0]
    size = np.bincount(code)[code]
    far = np.zeros(len(wide), dtype=bool)
    for values in wide.T:
        far |= _far_from_others(values, code)
    far &= size >= 3
    undecided = (size == 2) | (2 * np.bincount(code, far)[code] >= size)
    outlier[apart], contested[apart] = far & ~undecided, undecided
    return outlier, contested


def _apart(fair: FloatArray, market: IntArray) -> BoolArray:
    """Return which rows (n,) are of a market whose books differ by more than OUTLIER_DISTANCE in an outcome."""
    count = int(market.max(initial=-1)) + 1
    apart = np.zeros(count, dtype=bool)
    for values in fair.T:
        known = ~np.isnan(values)
        most, least = np.full(count, -np.inf), np.full(count, np.inf)
        np.maximum.at(most, market[known], values[known])
        np.minimum.at(least, market[known], values[known])
        apart |= most - least > OUTLIER_DISTANCE
    return apart[market]


def _far_from_others(values: FloatArray, code: IntArray) -> BoolArray:
    """Return for each value (n,) whether it is far from the other values of its group."""
    groups = Groups.of(code, int(code.max()) + 1)
    others = groups.table(values)[code]
    others[np.arange(len(code)), groups.place] = np.nan
    known = ~np.isnan(others).all(axis=1) & ~np.isnan(values)
    far = np.zeros(len(code), dtype=bool)
    median = row_medians(others[known])
    spread = row_medians(np.abs(others[known] - median[:, None]))
    far[known] = np.abs(values[known] - median) > np.maximum(OUTLIER_DISTANCE, OUTLIER_MADS * spread)
    return far
