"""The fair market over books: one line and one devigged probability a game and market; the best prices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.betting.books import AVERAGE, MAXIMUM, BookMarkets, Quotes, ends_in, mark_outliers, numbered_markets
from aipro_ml.betting.groups import Groups
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.enums import BetType, DevigMethod

CONSENSUS_COLUMNS = (
    "game_id",
    "market",
    "line",
    "fair",
    "fair_draw",
    "books_count",
    "overround",
    "dispersion",
    "suspect",
    "outliers",
)
BEST_PRICE_COLUMNS = ("game_id", "market", "selection", "line", "price", "book")
_BOOKMAKER, _AVERAGE, _ONE_SIDED = range(3)
"""Whose view counts: the first of these that a market has."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def consensus(
    quotes: pd.DataFrame, method: DevigMethod = DevigMethod.POWER, *, three_way: bool = False
) -> pd.DataFrame:
    """Return one row per (game_id, market) with the reference side's line and fair probability.

    `quotes`: the latest quote a book, market and selection, already cut by as_of and age; columns game_id,
    book, market, selection, line (signed for the selection; NaN for moneylines), price (American; NaN for a
    line without a price). Pass only the sharp books' rows for a sharp consensus. `three_way`: the sport's
    moneyline has a draw; a game whose draw any book prices has one anyway.

    `line`: the reference side's (home, over) most common line among books that price every side of it; ties
    go to the line nearest the median, then the smaller in size, then the lower. `fair`: median over the
    books at that line of the devigged reference probability; `books_count` of them, `overround` their
    median, `dispersion` their standard deviation (ddof 0). `fair_draw`: likewise of the draw, NaN two-way;
    three-way medians are divided by their sum, so that fair + fair_draw + away = 1.

    Books far off (`books.mark_outliers`) are named in `outliers` and count nowhere. Averages over books
    speak only where no bookmaker prices every side, and then books_count is 0; maxima never. With nobody at
    all: fair, overround and dispersion NaN, books_count 0, and the line is the one-sided quotes'. `suspect`:
    one book alone and under-round, or books so far apart that nobody can say which is wrong.
    """
    said = numbered_markets(Quotes.of(quotes), method, three_way=three_way)
    voice = _voices(said)
    line = _main_lines(said, voice)
    at_line = np.flatnonzero(voice.heard & said.complete & (said.line == line[said.market]))
    marks = _marks(said, at_line[voice.rank[at_line] == _BOOKMAKER], len(line))
    summary = _summary(said, voice, at_line[~marks.outlier[at_line]], len(line))
    first = np.searchsorted(said.market, np.arange(len(line)))
    kinds = said.quotes.kinds[said.kind[first]]
    moneyline = kinds == BetType.MONEYLINE.value
    alone = (summary["books_count"] == 1) & (summary["overround"] < 0)
    columns = {
        "game_id": said.quotes.games[said.game[first]],
        "market": kinds,
        "line": np.where(moneyline, np.nan, line),
        **summary,
        "suspect": alone | marks.contested,
        "outliers": marks.names,
    }
    return pd.DataFrame(columns)[list(CONSENSUS_COLUMNS)]


def main_lines(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return columns game_id, market, line of the `consensus` of spreads and totals, without asking any price's size.

    `quotes` as for `consensus`, without moneylines.
    """
    said = numbered_markets(Quotes.of(quotes), None, three_way=False)
    line = _main_lines(said, _voices(said))
    first = np.searchsorted(said.market, np.arange(len(line)))
    kinds = said.quotes.kinds[said.kind[first]]
    return pd.DataFrame({"game_id": said.quotes.games[said.game[first]], "market": kinds, "line": line})


def best_prices(quotes: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the best offered price per (game_id, market, selection) at the consensus line, and its book.

    `lines` is a `consensus` frame of the same quotes; `line` in the result is signed for the selection. Equal
    prices go to the first book in alphabetical order. Averages and maxima are nobody's offer, and the books
    that `lines` calls outliers are passed over. Selections nobody prices at that line have no row.
    """
    offered = Quotes.of(quotes)
    offered = offered.take(~np.isnan(offered.price) & ~offered.by(AVERAGE) & ~offered.by(MAXIMUM))
    at_line, wrong = _agreed(offered, lines)
    offered = offered.take((offered.line == at_line) & ~wrong)
    # American numbers are not ordered (−100 equals +100): compare what they pay
    pays = american_to_decimal(offered.price)
    side = (offered.game * len(offered.kinds) + offered.kind) * len(offered.selections) + offered.selection
    order = np.lexsort((offered.book, -pays, side))
    best = order[np.append(True, side[order][1:] != side[order][:-1])[: len(order)]]
    columns = {
        "game_id": offered.games[offered.game[best]],
        "market": offered.kinds[offered.kind[best]],
        "selection": offered.selections[offered.selection[best]],
        "line": quotes["line"].to_numpy("float64")[offered.row[best]],
        "price": offered.price[best],
        "book": offered.books[offered.book[best]],
    }
    return pd.DataFrame(columns)[list(BEST_PRICE_COLUMNS)]


def _agreed(offered: Quotes, lines: pd.DataFrame) -> tuple[FloatArray, BoolArray]:
    """Return for each quote the consensus line of its market (NaN: none), and whether its book is an outlier."""
    games = pd.Index(offered.games).get_indexer(pd.Index(lines["game_id"], dtype=object))
    kinds = pd.Index(offered.kinds).get_indexer(pd.Index(lines["market"], dtype=object))
    line = np.where(lines["market"] == BetType.MONEYLINE.value, 0.0, lines["line"].to_numpy("float64")) + 0.0
    known = (games >= 0) & (kinds >= 0)
    place, market = games * len(offered.kinds) + kinds, offered.game * len(offered.kinds) + offered.kind
    agreed = np.full(len(offered.games) * len(offered.kinds), np.nan)
    agreed[place[known]] = line[known]
    names = lines["outliers"].to_numpy()[known].tolist()
    books = pd.Index(offered.books).get_indexer([name for each in names for name in each])
    wrong = np.zeros((len(agreed), len(offered.books) + 1), dtype=bool)  # −1, a book without an offer, is the last
    wrong[np.repeat(place[known], [len(each) for each in names]), books] = True
    return agreed[market], wrong[market, offered.book]


@dataclass(frozen=True)
class _Voices:
    """Each row's rank (_BOOKMAKER first), and which rows have the best of their market: they alone are heard."""

    rank: IntArray
    heard: BoolArray


def _voices(said: BookMarkets) -> _Voices:
    rank = np.where(said.complete, _BOOKMAKER, _ONE_SIDED)
    averages = np.array([ends_in(name, AVERAGE) for name in said.quotes.books], dtype=bool)
    rank[said.complete & averages[said.book]] = _AVERAGE
    best = np.full(int(said.market.max(initial=-1)) + 1, _ONE_SIDED)
    np.minimum.at(best, said.market, rank)
    return _Voices(rank, rank == best[said.market])


def _main_lines(said: BookMarkets, voice: _Voices) -> FloatArray:
    """Return of each market the line most of the rows that are heard have."""
    market, line = said.market[voice.heard], said.line[voice.heard]
    order = np.lexsort((line, market))
    market, line = market[order], line[order]
    new = np.ones(len(market), dtype=bool)
    new[1:] = (market[1:] != market[:-1]) | (line[1:] != line[:-1])
    start = np.flatnonzero(new)
    votes = np.diff(np.append(start, len(market)))
    count = int(market.max(initial=-1)) + 1
    middle = Groups.of(market, count).medians(line)
    market, line = market[start], line[start]
    order = np.lexsort((line, np.abs(line), np.abs(line - middle[market]), -votes, market))
    first = order[np.searchsorted(market[order], np.arange(count))]
    main: FloatArray = line[first]
    return main


@dataclass(frozen=True)
class _Marks:
    """Which rows are outliers, which markets are contested, and the names of each market's outliers."""

    outlier: BoolArray
    contested: BoolArray
    names: list[tuple[str, ...]]


def _marks(said: BookMarkets, bookmakers: IntArray, markets: int) -> _Marks:
    outlier = np.zeros(len(said.market), dtype=bool)
    contested = np.zeros(markets, dtype=bool)
    outlier[bookmakers], undecided = mark_outliers(said.fair[bookmakers], said.market[bookmakers])
    contested[said.market[bookmakers[undecided]]] = True
    names: list[tuple[str, ...]] = [()] * markets
    for row in np.flatnonzero(outlier):  # in the books' order
        names[said.market[row]] += (said.quotes.books[said.book[row]],)
    return _Marks(outlier, contested, names)


def _summary(said: BookMarkets, voice: _Voices, rows: IntArray, markets: int) -> dict[str, npt.NDArray[Any]]:
    """Return per market what the rows that count say together."""
    groups = Groups.of(said.market[rows], markets)
    fair = np.column_stack([groups.medians(said.fair[rows, outcome]) for outcome in range(3)])
    # medians of three outcomes need not add up; of two they do, and keep their last bits
    total = (fair[:, 0] + fair[:, 1]) + fair[:, 2]
    total[np.isnan(total)] = 1.0
    bookmakers = said.market[rows[voice.rank[rows] == _BOOKMAKER]]
    return {
        "fair": fair[:, 0] / total,
        "fair_draw": fair[:, 1] / total,
        "books_count": np.bincount(bookmakers, minlength=markets),
        "overround": groups.medians(said.overround[rows]),
        "dispersion": groups.deviations(said.fair[rows, 0]),
    }
