"""Lines and prices of archives that say "open" and "close" instead of a time, and what gives a bad one away.

The closing line counts as seen 60 seconds before kick-off, the opening line six days before unless a source is told
otherwise. A line without a price is a closing line with its price missing; an opening line without one is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from aipro_ml.betting.odds import implied_probability
from aipro_ml.enums import BetType, GameStatus, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, Finding, conform, empty
from aipro_ml.sources.checks import FindingLog, lines, malformed, overround, prices

CLOSE_LEAD = timedelta(seconds=60)
OPEN_LEAD = timedelta(days=6)
LARGEST_MARGIN = 0.15
"""A two-way market of American sports above this is two different prices, or one price twice."""

PLAIN_FAVOURITE = 0.58
PLAIN_LINE = 1.5
"""From this fair probability and this many points on, spread and moneyline must name the same favourite."""


@dataclass(frozen=True)
class Limits:
    """The lines of a sport that can be: the widest spread, and the lowest and highest total."""

    spread: float
    total: tuple[float, float]


NBA_LIMITS = Limits(30, (140, 300))
NFL_LIMITS = Limits(28, (25, 70))


@dataclass(frozen=True)
class Moment:
    """Whether offers are of the opening or of the close, and how long before kick-off they count as seen."""

    closing: bool
    lead: timedelta


CLOSE = Moment(closing=True, lead=CLOSE_LEAD)


def opening(lead: timedelta = OPEN_LEAD) -> Moment:
    """Return the moment of opening lines, `lead` before kick-off."""
    return Moment(closing=False, lead=lead)


def moneyline(games: pd.DataFrame, home: pd.Series, away: pd.Series, *, book: str, at: Moment) -> pd.DataFrame:
    """Return the offers of a two-way moneyline; `home` and `away` are American prices on the games' index."""
    sides = {Selection.HOME: (None, home), Selection.AWAY: (None, away)}
    return _offers(games, BetType.MONEYLINE, sides, book, at)


def spread(
    games: pd.DataFrame, line: pd.Series, prices_of: Mapping[Selection, pd.Series], *, book: str, at: Moment
) -> pd.DataFrame:
    """Return the offers of a spread; `line` is signed for the home side (home favourites: negative)."""
    # Adding 0.0 turns the -0.0 of a pick'em into 0.0
    sides = {Selection.HOME: (line + 0.0, prices_of.get(Selection.HOME))}
    sides[Selection.AWAY] = (-line + 0.0, prices_of.get(Selection.AWAY))
    return _offers(games, BetType.SPREAD, sides, book, at)


def total(
    games: pd.DataFrame, line: pd.Series, prices_of: Mapping[Selection, pd.Series], *, book: str, at: Moment
) -> pd.DataFrame:
    """Return the offers of a total, over and under at the same `line`."""
    sides = {side: (line, prices_of.get(side)) for side in (Selection.OVER, Selection.UNDER)}
    return _offers(games, BetType.TOTAL, sides, book, at)


def _offers(
    games: pd.DataFrame,
    market: BetType,
    sides: Mapping[Selection, tuple[pd.Series | None, pd.Series | None]],
    book: str,
    at: Moment,
) -> pd.DataFrame:
    facts = games[["game", "kickoff", "status"]].assign(book=book, market=market.value, is_close=at.closing)
    facts["seen_at"] = facts["kickoff"] - at.lead
    parts = []
    for selection, (line, price) in sides.items():
        side = facts.assign(selection=selection.value, line=_on(games, line, "Float64"))
        side["price"] = _on(games, price, "Int64")
        parts.append(side)
    found = pd.concat(parts, ignore_index=True)
    needed = "price" if market is BetType.MONEYLINE else "line"
    return found.loc[found[needed].notna()]


def _on(games: pd.DataFrame, values: pd.Series | None, kind: str) -> pd.Series:
    if values is None:
        return pd.Series(pd.NA, index=games.index, dtype=kind)
    return values.reindex(games.index).astype(kind)


def quotes(offers: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the offers that have a price (QUOTE_COLUMNS)."""
    if not offers:
        return empty(QUOTE_COLUMNS)
    found = pd.concat(offers, ignore_index=True)
    return conform(found.loc[found["price"].notna()].rename(columns={"seen_at": "recorded_at"}), QUOTE_COLUMNS)


def closing(offers: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the closing offers of games that were played (CLOSING_COLUMNS), a missing price as NA."""
    if not offers:
        return empty(CLOSING_COLUMNS)
    found = pd.concat(offers, ignore_index=True)
    found = found.loc[found["is_close"] & (found["status"] == GameStatus.FINAL)]
    names = {"line": "closing_line", "price": "closing_price", "seen_at": "closed_at"}
    return conform(found.rename(columns=names), CLOSING_COLUMNS)


def read_prices(text: pd.Series, log: FindingLog) -> pd.Series:
    """Return American prices; what is none becomes a finding and only this quote is lost."""
    found = prices(text)
    said = "no whole American price of at least 100 in size: this quote does not land"
    log.flag(malformed(text, found), text, "price", said)
    return found


def read_lines(text: pd.Series, low: float, high: float, log: FindingLog) -> pd.Series:
    """Return lines from `low` to `high`; what is none becomes a finding and its market is lost."""
    found = lines(text, low, high)
    said = f"no multiple of 0.25 from {low:g} to {high:g}: the market does not land"
    log.flag(malformed(text, found), text, "line", said)
    return found


def read_pair(
    spread_text: pd.Series, total_text: pd.Series, limits: Limits, log: FindingLog
) -> tuple[pd.Series, pd.Series]:
    """Return spread (as the file signs it) and total; where the one stands in the other's place neither lands."""
    low, high = limits.total
    as_total = lines(spread_text.str.removeprefix("-"), low, high)
    as_spread = lines(total_text, -limits.spread, limits.spread)
    swapped = as_total.notna() & as_spread.notna()
    said = "the spread holds a total and the total a spread: neither lands"
    log.flag(swapped, spread_text, "swapped_spread_total", said)
    found_spread = read_lines(spread_text.mask(swapped), -limits.spread, limits.spread, log)
    return found_spread, read_lines(total_text.mask(swapped), low, high, log)


def check_margin(first: pd.Series, second: pd.Series, text: pd.Series, log: FindingLog) -> pd.Series:
    """Return where two prices cannot be the two sides of one market; a negative margin is marked and lands."""
    margin = overround(first, second)
    said = f"the two sides imply more than {1 + LARGEST_MARGIN:.0%}: one of them is wrong, neither lands"
    log.flag(margin > LARGEST_MARGIN, text, "impossible_prices", said)
    said = "the two sides imply less than 100 %: no bookmaker offers that; the prices land"
    log.flag(margin < 0, text, "negative_overround", said, Severity.WARNING)
    return margin > LARGEST_MARGIN


def check_favourite(line: pd.Series, home: pd.Series, away: pd.Series, text: pd.Series, log: FindingLog) -> pd.Series:
    """Return where the home line and the moneylines plainly name different favourites; neither may land."""
    implied = [implied_probability(side.to_numpy("float64", na_value=np.nan)) for side in (home, away)]
    fair = pd.Series(implied[0] / (implied[0] + implied[1]), index=line.index)
    points = line.astype("float64")
    against_home = (fair >= PLAIN_FAVOURITE) & (points >= PLAIN_LINE)
    against_away = (fair <= 1 - PLAIN_FAVOURITE) & (points <= -PLAIN_LINE)
    said = "spread and moneyline name different favourites: one is wrong, neither lands"
    log.flag(against_home | against_away, text, "spread_against_moneyline", said)
    return against_home | against_away


def unsigned(line: pd.Series, home: pd.Series, away: pd.Series) -> bool:
    """Return whether a file's home lines are sizes without a sign: no plain visiting favourite has its sign.

    `line` is signed for the home side. Below 20 games with a plain visiting favourite the file has the doubt's benefit.
    """
    implied = [implied_probability(side.to_numpy("float64", na_value=np.nan)) for side in (home, away)]
    fair = pd.Series(implied[0] / (implied[0] + implied[1]), index=line.index)
    asked = line.loc[(fair <= 1 - PLAIN_FAVOURITE) & line.ne(0).fillna(False)].dropna()
    return len(asked) >= 20 and float((asked < 0).mean()) > 0.5


def suspicion(findings: tuple[Finding, ...], name: str, games: int) -> tuple[Finding, ...]:
    """Return one warning about the file as a whole where more than 1 % of its games have swapped lines."""
    rows = {finding.line for finding in findings if finding.rule == "swapped_spread_total"}
    if len(rows) <= games / 100:
        return ()
    said = "spread and total are swapped so often that the other lines of this file deserve no trust"
    value = f"{len(rows)} of {games} games"
    return (Finding(name, 1, "", value, "suspect_file", said, Severity.WARNING),)
