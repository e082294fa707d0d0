"""The fair market over books: one line and one devigged probability a game and market; the best prices."""

import pandas as pd

from aipro_ml.betting.books import (
    MARKET,
    book_markets,
    is_average,
    is_maximum,
    line_key,
    mark_outliers,
    with_reference_line,
)
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
_RANKS = ("bookmaker", "average", "one_sided")
"""Whose view counts: the first of these that a market has."""


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
    pairs = _ranked(book_markets(quotes, method, three_way=three_way))
    chosen = _main_lines(pairs)
    at_line = pairs.loc[pairs["complete"]].merge(chosen, on=[*MARKET, "ref_line"])
    marks = mark_outliers(at_line.loc[at_line["rank"] == 0]).reindex(at_line.index, fill_value=False).astype(bool)
    result = chosen.merge(_summary(at_line.loc[~marks["outlier"]]), on=MARKET, how="left")
    result = result.merge(_named(at_line.assign(**marks)), on=MARKET, how="left")
    result["books_count"] = result["books_count"].fillna(0).astype("int64")
    alone = (result["books_count"] == 1) & (result["overround"] < 0)
    result["suspect"] = alone | result["contested"].eq(True)
    result["outliers"] = [names if isinstance(names, tuple) else () for names in result["outliers"]]
    result["line"] = result["ref_line"].where(result["market"] != BetType.MONEYLINE.value)
    return result.sort_values(MARKET, ignore_index=True)[list(CONSENSUS_COLUMNS)]


def best_prices(quotes: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the best offered price per (game_id, market, selection) at the consensus line, and its book.

    `lines` is a `consensus` frame of the same quotes; `line` in the result is signed for the selection. Equal
    prices go to the first book in alphabetical order. Averages and maxima are nobody's offer, and the books
    that `lines` calls outliers are passed over. Selections nobody prices at that line have no row.
    """
    wanted = lines[[*MARKET, "outliers"]].assign(ref_line=line_key(lines["line"], lines["market"]))
    offered = quotes.loc[quotes["price"].notna() & ~is_average(quotes["book"]) & ~is_maximum(quotes["book"])]
    offered = with_reference_line(offered).merge(wanted, on=[*MARKET, "ref_line"])
    wrong = [book in names for book, names in zip(offered["book"], offered["outliers"], strict=True)]
    offered = offered.loc[[not each for each in wrong]]
    # American numbers are not ordered (−100 equals +100): compare what they pay
    offered = offered.assign(pays=american_to_decimal(offered["price"].to_numpy("float64")))
    offered = offered.sort_values([*MARKET, "selection", "pays", "book"], ascending=[True, True, True, False, True])
    best = offered.drop_duplicates([*MARKET, "selection"]).reset_index(drop=True)
    return best[list(BEST_PRICE_COLUMNS)]


def _ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with their `rank` (place in _RANKS): only those of their market's best rank."""
    rank = (~pairs["complete"]).astype("int64") * 2
    rank = rank.mask(pairs["complete"] & is_average(pairs["book"]), 1)
    ranked = pairs.assign(rank=rank)
    return ranked.loc[rank == ranked.groupby(MARKET)["rank"].transform("min")]


def _main_lines(voting: pd.DataFrame) -> pd.DataFrame:
    """Return (game_id, market, ref_line): the line most of these pairs have."""
    votes = voting.groupby([*MARKET, "ref_line"], as_index=False).size()
    median = voting.groupby(MARKET, as_index=False)["ref_line"].median()
    votes = votes.merge(median.rename(columns={"ref_line": "median"}), on=MARKET)
    votes["away_from_median"] = (votes["ref_line"] - votes["median"]).abs()
    votes["abs_line"] = votes["ref_line"].abs()
    order = [*MARKET, "size", "away_from_median", "abs_line", "ref_line"]
    votes = votes.sort_values(order, ascending=[True, True, False, True, True, True])
    return votes.drop_duplicates(MARKET).reset_index(drop=True)[[*MARKET, "ref_line"]]


def _summary(books: pd.DataFrame) -> pd.DataFrame:
    """Return per market what the books that count say together."""
    by_market = books.groupby(MARKET, sort=False)
    summary = by_market.agg(
        fair=("fair", "median"),
        fair_draw=("fair_draw", "median"),
        fair_other=("fair_other", "median"),
        overround=("overround", "median"),
    )
    # medians of three outcomes need not add up; of two they do, and keep their last bits
    total = (summary["fair"] + summary["fair_draw"] + summary["fair_other"]).fillna(1.0)
    summary = summary.assign(fair=summary["fair"] / total, fair_draw=summary["fair_draw"] / total)
    summary["dispersion"] = by_market["fair"].std(ddof=0)
    summary["books_count"] = (books["rank"] == 0).groupby([books[key] for key in MARKET], sort=False).sum()
    return summary.drop(columns="fair_other").reset_index()


def _named(books: pd.DataFrame) -> pd.DataFrame:
    """Return (game_id, market, contested, outliers) of the markets in which a book is marked."""
    contested = books.loc[books["contested"], MARKET].drop_duplicates().assign(contested=True)
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    marked = books.loc[books["outlier"], [*MARKET, "book"]].sort_values("book")
    for game, market, book in marked.itertuples(index=False):  # few are marked: pandas takes a group each for it
        names[game, market] = (*names.get((game, market), ()), book)
    keys = pd.DataFrame(list(names), columns=list(MARKET), dtype=object)
    return contested.merge(keys.assign(outliers=list(names.values())), on=MARKET, how="outer")
