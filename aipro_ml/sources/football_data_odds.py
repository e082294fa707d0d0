"""The prices of football-data.co.uk: three-way moneylines, totals of 2.5 and Asian handicaps of many books."""

from datetime import datetime

import pandas as pd

from aipro_ml.enums import REFERENCE_SIDE, BetType, GameStatus, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, conform
from aipro_ml.sources.checks import FindingLog, american_prices, decimal_odds, lines, malformed
from aipro_ml.sources.football_data_columns import MAXIMA, TOTAL_LINE, Offer
from aipro_ml.sources.football_data_dates import collected

CLOSE_BEFORE_KICKOFF = pd.Timedelta(seconds=60)
WIDEST_HANDICAP = 10
WIDEST_MARGIN = 0.25
"""No bookmaker keeps more than this of a market: one of the prices is misprinted."""

CLEAR_FAVOURITE = 0.5
CONTRADICTION = 0.12
"""A side is never likelier to win by a handicap than to win; the files' honest rounding stays below this."""

SIDES = {BetType.MONEYLINE: 3, BetType.SPREAD: 2, BetType.TOTAL: 2}
Odds = dict[str, pd.Series]
"""Decimal odds, or handicaps, by the column they stand in."""

OFFERED = ("game", "book", "market", "selection", "line", "price", "recorded_at", "is_close", "status")


def offered(
    rows: pd.DataFrame, games: pd.DataFrame, markets: list[Offer], known_from: datetime | None, log: FindingLog
) -> pd.DataFrame:
    """Return one row (OFFERED) a price of `markets` in `rows`; bad cells go to `log`, the others land."""
    times = _times(games, known_from)
    handicaps = _handicaps(rows, markets, log)
    odds = _odds(rows, markets, log)
    fair = {(offer.book, offer.is_close): _fair(offer, odds) for offer in markets if offer.market is BetType.MONEYLINE}
    parts = []
    for offer in markets:
        _mark_margins(rows, offer, odds, log)
        line = _line(rows, offer, handicaps, log)
        if line is not None:
            line = _credible(rows, offer, line, odds, fair.get((offer.book, offer.is_close)), log)
        facts = games[["game", "status"]].assign(recorded_at=times[offer.is_close])
        parts += [_side(facts, offer, side, line, odds[column]) for side, column in offer.prices.items()]
    if not parts:
        return pd.DataFrame(columns=list(OFFERED))
    return pd.concat(parts, ignore_index=True)


def quotes(found: pd.DataFrame) -> pd.DataFrame:
    """Return all prices (QUOTE_COLUMNS): those before the match when collected, closing ones 60 s before kick-off."""
    return conform(found, QUOTE_COLUMNS)


def closing(found: pd.DataFrame) -> pd.DataFrame:
    """Return the closing columns' prices of games that were played (CLOSING_COLUMNS)."""
    close = found.loc[found["is_close"].astype(bool) & (found["status"] == GameStatus.FINAL)]
    named = close.rename(columns={"line": "closing_line", "price": "closing_price", "recorded_at": "closed_at"})
    return conform(named, CLOSING_COLUMNS)


def _times(games: pd.DataFrame, known_from: datetime | None) -> dict[bool, pd.Series]:
    """Return when closing prices (True) and those before the match (False) were seen."""
    close = games["kickoff"] - CLOSE_BEFORE_KICKOFF
    times = {True: close, False: collected(games["kickoff"], close)}
    if known_from is None:
        return times
    fetched = pd.Timestamp(known_from).as_unit("us")
    return {is_close: seen.where(seen <= fetched, fetched) for is_close, seen in times.items()}


def _handicaps(rows: pd.DataFrame, markets: list[Offer], log: FindingLog) -> dict[str, pd.Series]:
    """Return the home side's handicap of each line column, each read once however many books share it."""
    found: dict[str, pd.Series] = {}
    said = f"no multiple of 0.25 within ±{WIDEST_HANDICAP}: the handicaps on it do not land"
    for column in dict.fromkeys(offer.line for offer in markets if offer.line is not None):
        found[column] = lines(rows[column], -WIDEST_HANDICAP, WIDEST_HANDICAP)
        log.flag(malformed(rows[column], found[column]), rows[column], "line", said)
    return found


def _odds(rows: pd.DataFrame, markets: list[Offer], log: FindingLog) -> dict[str, pd.Series]:
    """Return the decimal odds of every price column."""
    said = "no decimal odds from 1.001 to 1001: this quote does not land"
    found = {}
    for column in (column for offer in markets for column in offer.prices.values()):
        found[column] = decimal_odds(rows[column])
        log.flag(malformed(rows[column], found[column]), rows[column], "price", said)
    return found


def _line(rows: pd.DataFrame, offer: Offer, handicaps: Odds, log: FindingLog) -> pd.Series | None:
    """Return the home side's handicap of a market, None where it has none; report prices that lack theirs."""
    if offer.line is None:
        return None
    for column in offer.prices.values():
        lineless = rows[column].notna() & rows[offer.line].isna()
        log.flag(lineless, rows[column], "price_without_line", "a price without its line does not land")
    return handicaps[offer.line]


def _mark_margins(rows: pd.DataFrame, offer: Offer, odds: Odds, log: FindingLog) -> None:
    """Mark markets whose prices no one bookmaker can have offered together; they land."""
    if len(offer.prices) < SIDES[offer.market]:
        return
    margin = sum((1 / odds[column] for column in offer.prices.values()), start=0.0) - 1
    cells = rows[offer.prices[REFERENCE_SIDE[offer.market]]]
    if offer.book not in MAXIMA:
        said = f"{offer.book}: the sides imply less than 100 %; the prices land"
        log.flag(margin < -1e-9, cells, "negative_overround", said, Severity.WARNING)
    said = f"{offer.book}: the sides imply more than {1 + WIDEST_MARGIN:.0%}, a misprint; the prices land"
    log.flag(margin > WIDEST_MARGIN, cells, "large_overround", said, Severity.WARNING)


def _fair(offer: Offer, odds: Odds) -> pd.DataFrame | None:
    """Return the fair three-way probabilities of home and away, the margin taken out in proportion."""
    if len(offer.prices) < SIDES[offer.market]:
        return None
    implied = pd.DataFrame({side.value: 1 / odds[column] for side, column in offer.prices.items()})
    return implied.div(implied.sum(axis=1, min_count=3), axis=0)


def _credible(
    rows: pd.DataFrame, offer: Offer, line: pd.Series, odds: Odds, fair: pd.DataFrame | None, log: FindingLog
) -> pd.Series:
    """Return `line` without those that contradict the book's own three-way prices.

    Giving half a goal or more, a side covers at most as often as it wins (whole goals pushed or not), so a fair
    price above that means a handicap of the wrong sign or of another match.
    """
    if fair is None or offer.line is None or len(offer.prices) < SIDES[offer.market]:
        return line
    home, away = (1 / odds[offer.prices[side]] for side in (Selection.HOME, Selection.AWAY))
    covers = home / (home + away)
    excess = (covers - fair["home"]).where(line <= -CLEAR_FAVOURITE)
    excess = excess.fillna((1 - covers - fair["away"]).where(line >= CLEAR_FAVOURITE))
    wrong = (excess > CONTRADICTION).fillna(False).astype(bool)
    said = f"{offer.book}: contradicts its own three-way prices (wrong sign or another match): does not land"
    log.flag(wrong, rows[offer.line], "handicap_contradicts_moneyline", said)
    return line.mask(wrong)


def _side(
    facts: pd.DataFrame, offer: Offer, selection: Selection, line: pd.Series | None, decimal: pd.Series
) -> pd.DataFrame:
    there = decimal.notna()
    if line is None:
        total = TOTAL_LINE if offer.market is BetType.TOTAL else pd.NA
        signed = pd.Series(total, index=decimal.index, dtype="Float64")
    else:
        # Adding 0.0 turns the -0.0 of a level handicap into 0.0
        signed = line if selection is Selection.HOME else -line + 0.0
        there &= line.notna()
    columns = {"book": offer.book, "market": offer.market.value, "selection": selection.value, "line": signed}
    frame = facts.assign(**columns, price=american_prices(decimal), is_close=offer.is_close)
    return frame.loc[there, list(OFFERED)]
