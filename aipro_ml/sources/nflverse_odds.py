"""The lines and prices of nflverse's games file: three two-way markets of one book, as of the close."""

from datetime import datetime

import pandas as pd

from aipro_ml.enums import BetType, GameStatus, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, conform
from aipro_ml.sources.checks import FindingLog, lines, malformed, overround, prices
from aipro_ml.sources.untimed import check_favourite

CLOSE_BEFORE_KICKOFF = pd.Timedelta(seconds=60)
WIDEST_SPREAD = 60
TOTAL_RANGE = (10, 120)
PRICE_FIELDS = {
    BetType.MONEYLINE: {Selection.HOME: "home_moneyline", Selection.AWAY: "away_moneyline"},
    BetType.SPREAD: {Selection.HOME: "home_spread_odds", Selection.AWAY: "away_spread_odds"},
    BetType.TOTAL: {Selection.OVER: "over_odds", Selection.UNDER: "under_odds"},
}
LINE_FIELDS = {BetType.SPREAD: "spread_line", BetType.TOTAL: "total_line"}
FIELDS = (*LINE_FIELDS.values(), *(field for sides in PRICE_FIELDS.values() for field in sides.values()))


def offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return one row a game, market and selection that has a line or, in moneylines, a price.

    Columns: game, market, selection, line, price, kickoff, status. Bad cells go to `log`, the others land.
    """
    points = _lines(rows, log)
    priced = {market: _prices(rows, market, log) for market in points}
    doubtful = _doubtful(rows, points[BetType.SPREAD], priced[BetType.MONEYLINE], log)
    priced[BetType.MONEYLINE] = {side: price.mask(doubtful) for side, price in priced[BetType.MONEYLINE].items()}
    points[BetType.SPREAD] = points[BetType.SPREAD].mask(doubtful)
    parts = [
        _side(games, market, selection, line, price)
        for market, line in points.items()
        for selection, price in priced[market].items()
    ]
    found = pd.concat(parts, ignore_index=True)
    moneyline = found["market"] == BetType.MONEYLINE
    return found.loc[found["price"].notna().where(moneyline, found["line"].notna())]


def quotes(offered: pd.DataFrame, book: str, known_from: datetime | None) -> pd.DataFrame:
    """Return the offers that have a price (QUOTE_COLUMNS), seen 60 s before kick-off or when fetched."""
    seen = offered["kickoff"] - CLOSE_BEFORE_KICKOFF
    if known_from is not None:
        fetched = pd.Timestamp(known_from).as_unit("us")
        seen = seen.where(seen <= fetched, fetched)
    frame = offered.assign(book=book, recorded_at=seen)
    return conform(frame.loc[frame["price"].notna()], QUOTE_COLUMNS)


def closing(offered: pd.DataFrame, book: str) -> pd.DataFrame:
    """Return the closing lines of games that were played (CLOSING_COLUMNS); price NA where there is none."""
    played = offered.loc[offered["status"] == GameStatus.FINAL]
    closed = played["kickoff"] - CLOSE_BEFORE_KICKOFF
    frame = played.assign(book=book, closed_at=closed, closing_line=played["line"], closing_price=played["price"])
    return conform(frame, CLOSING_COLUMNS)


def _lines(rows: pd.DataFrame, log: FindingLog) -> dict[BetType, pd.Series]:
    """Return the line of each market as the file means it: the spread is what home is favoured by."""
    limits = {BetType.SPREAD: (-WIDEST_SPREAD, WIDEST_SPREAD), BetType.TOTAL: TOTAL_RANGE}
    found = {BetType.MONEYLINE: pd.Series(pd.NA, index=rows.index, dtype="Float64")}
    for market, field in LINE_FIELDS.items():
        low, high = limits[market]
        found[market] = lines(rows[field], low, high)
        said = f"no multiple of 0.25 from {low} to {high}: the market does not land"
        log.flag(malformed(rows[field], found[market]), rows[field], "line", said)
    return found


def _prices(rows: pd.DataFrame, market: BetType, log: FindingLog) -> dict[Selection, pd.Series]:
    """Return the American prices of both sides of `market`."""
    found = {}
    for selection, field in PRICE_FIELDS[market].items():
        text = rows[field]
        found[selection] = prices(text)
        said = "no whole American price of at least 100 in size: this quote does not land"
        log.flag(malformed(text, found[selection]), text, "price", said)
        if market in LINE_FIELDS:
            lineless = found[selection].notna() & rows[LINE_FIELDS[market]].isna()
            log.flag(lineless, text, "price_without_line", "a price without its line does not land")
    field = next(iter(PRICE_FIELDS[market].values()))
    margin = overround(*found.values())
    said = "the two sides imply less than 100 %: no bookmaker offers that; the prices land"
    log.flag(margin < 0, rows[field], "negative_overround", said, Severity.WARNING)
    return found


def _doubtful(
    rows: pd.DataFrame, favoured_by: pd.Series, moneyline: dict[Selection, pd.Series], log: FindingLog
) -> pd.Series:
    """Return where the spread and the moneylines plainly name different favourites; neither may land."""
    home, away = (moneyline[side] for side in (Selection.HOME, Selection.AWAY))
    return check_favourite(-favoured_by, home, away, rows[LINE_FIELDS[BetType.SPREAD]], log)


def _side(
    games: pd.DataFrame, market: BetType, selection: Selection, line: pd.Series, price: pd.Series
) -> pd.DataFrame:
    # A favourite gives points; adding 0.0 turns the -0.0 of a pick'em into 0.0
    signed = -line + 0.0 if selection is Selection.HOME else line
    facts = games[["game", "kickoff", "status"]]
    return facts.assign(market=market.value, selection=selection.value, line=signed, price=price)
