"""What the market says of a player's figure: one line, its fair probability of over, and the best offer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal, implied_probability
from aipro_ml.enums import BetType, DevigMethod, Selection

MARKET = ["game_id", "player_id", "prop"]
OFFER_COLUMNS = ("game_id", "player_id", "prop", "line", "fair", "books_count", "suspect", "one_sided")
"""`fair`: P(over | no push) without the margin, NaN where nobody prices both sides."""

SIDES = (Selection.OVER, Selection.UNDER)
_BETWEEN = "\x1f"


def known_prices(prices: pd.DataFrame, decided: pd.Series, max_age_hours: float) -> pd.DataFrame:
    """Return the one line of each market and book known at its game's decision, and no older than that.

    `prices`: MARKET, line, book, over_price, under_price, as_of. `decided`: index game_id. Of several lines a book
    quoted last the one nearest to even counts, a one-sided one only where there is no other.
    """
    moment = prices["game_id"].map(decided)
    age = moment - prices["as_of"]
    fresh = moment.notna() & (age >= pd.Timedelta(0)) & (age < pd.Timedelta(hours=max_age_hours))
    seen = prices.loc[fresh]
    over, under = (implied_probability(seen[f"{side}_price"].to_numpy("float64", na_value=np.nan)) for side in SIDES)
    told = seen.assign(lean=np.abs(over - under))
    order = told.sort_values(["as_of", "lean", "line"], ascending=[False, True, True], kind="stable")
    return order.drop_duplicates([*MARKET, "book"]).drop(columns="lean").sort_index().reset_index(drop=True)


@dataclass(frozen=True)
class Offers:
    """The consensus of each market (OFFER_COLUMNS) and the quotes it was taken from."""

    lines: pd.DataFrame
    quotes: pd.DataFrame


def offers(prices: pd.DataFrame, method: DevigMethod) -> Offers:
    """Return the market's view of every (game, player, prop) of `known_prices`."""
    if prices.empty:
        return Offers(pd.DataFrame(columns=list(OFFER_COLUMNS)), pd.DataFrame())
    quotes = _quotes(prices)
    said = consensus(quotes, method)
    keys = pd.DataFrame(
        [name.split(_BETWEEN) for name in said["game_id"]], columns=MARKET, index=said.index, dtype=object
    )
    lines = keys.assign(
        line=said["line"],
        fair=said["fair"],
        books_count=said["books_count"],
        suspect=said["suspect"],
        one_sided=said["fair"].isna(),
        outliers=said["outliers"],
    )
    return Offers(lines, quotes)


def _quotes(prices: pd.DataFrame) -> pd.DataFrame:
    """Return the prices as quotes of totals, one row a side; the market's name stands for the game."""
    key = prices["game_id"].astype(str) + _BETWEEN + prices["player_id"].astype(str) + _BETWEEN + prices["prop"]
    sides = [
        pd.DataFrame(
            {
                "game_id": key,
                "book": prices["book"],
                "market": BetType.TOTAL.value,
                "selection": side.value,
                "line": prices["line"].astype("float64"),
                "price": prices[f"{side}_price"].astype("float64"),
            }
        )
        for side in SIDES
    ]
    every = pd.concat(sides, ignore_index=True)
    return every.loc[every["price"].notna()].reset_index(drop=True)


def best_offers(market: Offers, published: pd.DataFrame) -> pd.DataFrame:
    """Return side, book, price, over_price, under_price and ev of the best bet on each row of `published`, by index.

    `published`: MARKET, line, p (over given no push) and push. The side and book of the highest EV at the consensus
    line are taken; the book's other price stands beside it. Rows nobody offers are missing.
    """
    lines = market.lines
    named = lines[["line", "outliers"]].assign(game_id=_key(lines), market=BetType.TOTAL.value)
    best = best_prices(market.quotes, named).rename(columns={"game_id": "key"})
    mine = published.assign(key=_key(published)).reset_index(names="row")
    every = mine.merge(best[["key", "selection", "price", "book"]], on="key")
    over = every["selection"] == Selection.OVER
    p = np.where(over, every["p"], 1 - every["p"])
    every["ev"] = expected_value(p, american_to_decimal(every["price"]), every["push"])
    every = every.sort_values(["row", "ev", "selection"], ascending=[True, False, True], kind="stable")
    chosen = every.drop_duplicates("row").rename(columns={"selection": "side"})
    chosen = _with_both_prices(chosen, market.quotes)
    columns = ["side", "book", "price", "over_price", "under_price", "ev"]
    return chosen.set_index("row")[columns].reindex(published.index)


def _with_both_prices(chosen: pd.DataFrame, quotes: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen rows with over_price and under_price of their book at their line."""
    told = quotes.rename(columns={"game_id": "key"})
    for side in SIDES:
        mine = told.loc[told["selection"] == side, ["key", "book", "line", "price"]]
        mine = mine.rename(columns={"price": f"{side}_price"})
        chosen = chosen.merge(mine, on=["key", "book", "line"], how="left")
    return chosen


def _key(rows: pd.DataFrame) -> pd.Series:
    return rows["game_id"].astype(str) + _BETWEEN + rows["player_id"].astype(str) + _BETWEEN + rows["prop"]
