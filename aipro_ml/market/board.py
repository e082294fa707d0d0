"""The board of one game for a person about to stake: each book's opening and present price, fair value, who is off."""

import numpy as np
import pandas as pd

from aipro_ml.betting.books import MARKET, book_markets, is_average, is_maximum
from aipro_ml.betting.consensus import best_prices
from aipro_ml.config import SportConfig
from aipro_ml.enums import BetType, Selection
from aipro_ml.market.closing import SIDE, before_kickoff
from aipro_ml.market.consensus_rows import sharp_and_soft

_ORDER = (Selection.HOME.value, Selection.OVER.value, Selection.DRAW.value, Selection.AWAY.value, Selection.UNDER.value)
_MARKETS = tuple(market.value for market in BetType)


def standing_quotes(quotes: pd.DataFrame, revisions: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return each side's last quote at each book that was recorded by `as_of` and before the kick-off."""
    known = quotes.loc[before_kickoff(quotes, revisions) & (quotes["recorded_at"] <= as_of).to_numpy()]
    ordered = known.sort_values("recorded_at", kind="stable")
    return ordered.drop_duplicates(SIDE, keep="last").sort_values(SIDE, ignore_index=True)


def fresh(standing: pd.DataFrame, at: pd.Timestamp, max_age: pd.Timedelta) -> pd.DataFrame:
    """Return the quotes not older than `max_age` at `at`."""
    return standing.loc[standing["recorded_at"] > at - max_age].reset_index(drop=True)


def market_rows(standing: pd.DataFrame, config: SportConfig) -> pd.DataFrame:
    """Return per market of one game the consensus, sharp and soft beside it, and the best price of each side.

    `standing`: fresh quotes with `is_sharp`. Columns market, line, fair, fair_draw, sharp_fair, soft_fair,
    books_count, overround, dispersion, suspect, outliers and `best` ("+105 Pinnacle / …" in the order home or
    over, draw, away or under).
    """
    table = sharp_and_soft(standing, config)
    best = best_prices(standing, table)
    said = [_best(best.loc[best["market"] == market]) for market in table["market"]]
    names = ["line", "fair", "fair_draw", "sharp_fair", "soft_fair", "books_count", "overround", "dispersion"]
    shown = table[["market", *names, "suspect", "outliers"]].assign(best=said)
    return shown.sort_values("market", key=lambda market: market.map(_MARKETS.index), ignore_index=True)


def _best(best: pd.DataFrame) -> str:
    by_side = best.set_index("selection")
    offers = [by_side.loc[side] for side in _ORDER if side in by_side.index]
    return " / ".join(f"{offer['price']:+.0f} {offer['book']}" for offer in offers)


def book_rows(
    standing: pd.DataFrame, sides: pd.DataFrame, config: SportConfig, at: pd.Timestamp, max_age: pd.Timedelta
) -> pd.DataFrame:
    """Return one row per market and book: opening and standing quote as text, fair value, age in hours, a note.

    `sides`: SIDE_COLUMNS of `closing`; the opening is left out where the book was seen at its close only.
    `fair` is of the reference side (home, over) where the book prices every side. The note says what keeps a
    book out of the consensus: stale, one side only, an average or best price over books, another line than
    most, or far off the others.
    """
    moved = sides.loc[sides["opening_price"].notna() & (sides["opening_at"] != sides["closed_at"])]
    opened = _texts(moved.rename(columns={"opening_line": "line", "opening_price": "price"}))
    rows = pd.DataFrame({"opening": opened, "standing": _texts(standing)})
    rows = rows.join(_fairs(standing, config)).join(_ages(standing, at))
    notes = _notes(rows, fresh(standing, at, max_age), config, max_age / pd.Timedelta(hours=1))
    shown = rows.assign(note=notes).reset_index()
    rank = shown["market"].map(_MARKETS.index)
    shown = shown.assign(rank=rank).sort_values(["rank", "book"], ignore_index=True)
    return shown[["market", "book", "opening", "standing", "fair", "age_hours", "note"]]


def _texts(quotes: pd.DataFrame) -> pd.Series:
    """Return a book's quote as people write it, "-3.5 -110/-110", indexed by (market, book)."""
    rank = quotes["selection"].map(_ORDER.index)
    ordered = quotes.assign(rank=rank).sort_values("rank")
    grouped = ordered.groupby(["market", "book"])
    return pd.Series({key: _text(own) for key, own in grouped}, dtype=object).rename_axis(["market", "book"])


def _text(own: pd.DataFrame) -> str:
    prices = "/".join(f"{price:+.0f}" for price in own["price"])
    line, side = own["line"].iloc[0], own["selection"].iloc[0]
    if np.isnan(line):
        return prices
    signed = f"{line:g}" if side in (Selection.OVER.value, Selection.UNDER.value) else f"{line:+g}"
    return f"{signed} {prices}"


def _fairs(standing: pd.DataFrame, config: SportConfig) -> pd.DataFrame:
    books = book_markets(standing, config.devig, three_way=config.three_way)
    books = books.sort_values("complete", ascending=False, kind="stable").drop_duplicates(["market", "book"])
    return books.set_index(["market", "book"])[["fair", "ref_line", "complete"]]


def _ages(standing: pd.DataFrame, at: pd.Timestamp) -> pd.Series:
    seen = standing.groupby(["market", "book"])["recorded_at"].max()
    return ((at - seen) / pd.Timedelta(hours=1)).rename("age_hours")


def _notes(rows: pd.DataFrame, counted: pd.DataFrame, config: SportConfig, oldest: float) -> list[str]:
    table = sharp_and_soft(counted, config).set_index("market") if len(counted) else pd.DataFrame()
    names = pd.Series(rows.index.get_level_values("book"))
    mean, best = is_average(names).tolist(), is_maximum(names).tolist()
    notes = []
    for number, ((market, book), row) in enumerate(rows.iterrows()):  # one game's books: a screenful
        said = table.loc[market] if market in table.index else None
        reasons = {
            "no quote now": pd.isna(row["standing"]),
            "stale": row["age_hours"] >= oldest,
            "best price over books": best[number],
            "average over books": mean[number],
            "not every side": row["complete"] is False or row["complete"] == False,  # noqa: E712 - NaN is neither
            "far off": said is not None and book in said["outliers"],
            "another line": said is not None and market != BetType.MONEYLINE and row["ref_line"] != said["line"],
        }
        notes.append(next((reason for reason, holds in reasons.items() if holds), ""))
    return notes


def books_quoting(sides: pd.DataFrame) -> pd.Series:
    """Return how many bookmakers ever quoted each market before the kick-off, indexed by (game_id, market)."""
    bookmaker = ~(is_average(sides["book"]) | is_maximum(sides["book"]))
    return sides.loc[sides["opening_at"].notna() & bookmaker].groupby(MARKET)["book"].nunique()
