"""The fair market over books: one line and one devigged probability a game and market; the best prices."""

import numpy as np
import pandas as pd

from aipro_ml.betting.margin import devig
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.enums import BetType, DevigMethod, Selection

CONSENSUS_COLUMNS = (
    "game_id",
    "market",
    "line",
    "fair",
    "books_count",
    "overround",
    "dispersion",
    "suspect",
)
BEST_PRICE_COLUMNS = ("game_id", "market", "selection", "line", "price", "book")

_MARKET = ["game_id", "market"]
_PAIR = ["game_id", "market", "book", "ref_line"]
_REFERENCE = (Selection.HOME.value, Selection.OVER.value)
_OTHER = (Selection.AWAY.value, Selection.UNDER.value)


def consensus(quotes: pd.DataFrame, method: DevigMethod = DevigMethod.POWER) -> pd.DataFrame:
    """Return one row per (game_id, market) with the reference side's line and fair probability.

    `quotes`: the latest quote a book, market and selection, already cut by as_of and age; columns game_id,
    book, market, selection, line (signed for the selection; NaN for moneylines), price (American; NaN for a
    line without a price). Pass only the sharp books' rows for a sharp consensus.

    `line`: the reference side's (home, over) most common line among books that price every side of it; ties
    go to the line nearest the median, then the smaller in size, then the lower. `fair`: median over the
    books at that line of the devigged reference probability; `books_count` of them, `overround` their
    median, `dispersion` their standard deviation (ddof 0). With no such book: fair, overround and dispersion
    NaN, books_count 0, and the line is the one-sided quotes'. `suspect`: one book alone, and under-round.
    """
    pairs = _pairs(quotes)
    chosen = _main_lines(pairs)
    at_line = pairs.loc[pairs["complete"]].merge(chosen, on=[*_MARKET, "ref_line"])
    fair = _book_probabilities(at_line, method)
    by_market = fair.groupby(_MARKET, sort=False)
    summary = by_market.agg(fair=("fair", "median"), books_count=("fair", "size"), overround=("overround", "median"))
    summary["dispersion"] = by_market["fair"].std(ddof=0)
    result = chosen.merge(summary.reset_index(), on=_MARKET, how="left")
    result["books_count"] = result["books_count"].fillna(0).astype("int64")
    result["suspect"] = (result["books_count"] == 1) & (result["overround"] < 0)
    result["line"] = result["ref_line"].where(result["market"] != BetType.MONEYLINE.value)
    return result.sort_values(_MARKET, ignore_index=True)[list(CONSENSUS_COLUMNS)]


def best_prices(quotes: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the best offered price per (game_id, market, selection) at the consensus line, and its book.

    `lines` is a `consensus` frame; `line` in the result is signed for the selection. Equal prices go to the
    first book in alphabetical order. Selections nobody prices at that line have no row.
    """
    wanted = lines[_MARKET].assign(ref_line=_line_key(lines["line"], lines["market"]))
    offered = _with_reference_line(quotes)
    offered = offered.loc[offered["price"].notna()].merge(wanted, on=[*_MARKET, "ref_line"])
    # American numbers are not ordered (−100 equals +100): compare what they pay
    offered["pays"] = american_to_decimal(offered["price"].to_numpy("float64"))
    offered = offered.sort_values([*_MARKET, "selection", "pays", "book"], ascending=[True, True, True, False, True])
    best = offered.drop_duplicates([*_MARKET, "selection"]).reset_index(drop=True)
    return best[list(BEST_PRICE_COLUMNS)]


def _line_key(line: pd.Series, market: pd.Series) -> pd.Series:
    """Return a line that can be joined on: 0.0 for moneylines, and no negative zero."""
    return line.where(market != BetType.MONEYLINE.value, 0.0).astype("float64") + 0.0


def _with_reference_line(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return quotes with `ref_line`: away +3.5 speaks of the home line −3.5. Spreads without a line go."""
    away_spread = (quotes["market"] == BetType.SPREAD.value) & (quotes["selection"] == Selection.AWAY.value)
    reference = quotes["line"].where(~away_spread, -quotes["line"])
    keyed = quotes.assign(ref_line=_line_key(reference, quotes["market"]))
    return keyed.loc[keyed["ref_line"].notna()]


def _pairs(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per book and line with the prices of its sides: reference, other, draw (or NaN)."""
    keyed = _with_reference_line(quotes)[[*_PAIR, "selection", "price"]]
    sides = {"reference": _REFERENCE, "other": _OTHER, "draw": (Selection.DRAW.value,)}
    reference, other, draw = (
        keyed.loc[keyed["selection"].isin(names), [*_PAIR, "price"]].rename(columns={"price": side})
        for side, names in sides.items()
    )
    pairs = reference.merge(other, on=_PAIR, how="outer", validate="one_to_one")
    pairs = pairs.merge(draw, on=_PAIR, how="left", validate="one_to_one")
    pairs["complete"] = pairs["reference"].notna() & pairs["other"].notna()
    return pairs


def _main_lines(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return (game_id, market, ref_line): the main line among complete pairs, else among all quotes."""
    any_complete = pairs.groupby(_MARKET)["complete"].transform("max")
    voting = pairs.loc[pairs["complete"] | ~any_complete]
    votes = voting.groupby([*_MARKET, "ref_line"], as_index=False).size()
    median = voting.groupby(_MARKET, as_index=False)["ref_line"].median()
    votes = votes.merge(median.rename(columns={"ref_line": "median"}), on=_MARKET)
    votes["away_from_median"] = (votes["ref_line"] - votes["median"]).abs()
    votes["abs_line"] = votes["ref_line"].abs()
    order = [*_MARKET, "size", "away_from_median", "abs_line", "ref_line"]
    votes = votes.sort_values(order, ascending=[True, True, False, True, True, True])
    return votes.drop_duplicates(_MARKET).reset_index(drop=True)[[*_MARKET, "ref_line"]]


def _book_probabilities(pairs: pd.DataFrame, method: DevigMethod) -> pd.DataFrame:
    """Return (game_id, market, fair, overround) a book; three-way where the book prices the draw."""
    fair = np.full(len(pairs), np.nan)
    overround = np.full(len(pairs), np.nan)
    three_way = pairs["draw"].notna().to_numpy()
    for rows, columns in ((~three_way, ["reference", "other"]), (three_way, ["reference", "other", "draw"])):
        if rows.any():
            devigged = devig(pairs.loc[rows, columns].to_numpy("float64"), method)
            fair[rows], overround[rows] = devigged.probabilities[:, 0], devigged.overround
    return pairs[_MARKET].assign(fair=fair, overround=overround)
