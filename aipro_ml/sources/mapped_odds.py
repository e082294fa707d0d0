"""The lines and prices of a mapped table: any market, sign convention and kind of odds."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from aipro_ml.betting.odds import implied_probability
from aipro_ml.enums import BetType, GameStatus, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, UTC_TIME, conform
from aipro_ml.sources.checks import FindingLog, decimal_prices, lines, malformed, prices
from aipro_ml.sources.franchises import folded
from aipro_ml.sources.mapped_times import moments
from aipro_ml.sources.mapping import SIDES, Mapping, Market
from aipro_ml.sources.untimed import check_favourite

CLOSE_BEFORE_KICKOFF = pd.Timedelta(seconds=60)
LINE_RANGE = {BetType.SPREAD: (-100.0, 100.0), BetType.TOTAL: (0.5, 400.0)}
SIDE_KEY = ["game", "book", "market", "selection"]
OFFER_COLUMNS = {**QUOTE_COLUMNS, "seen": "string", "kickoff": UTC_TIME, "status": "string"}
LONGEST_BOOK = 100
ROUNDING = 0.002
"""What rounding decimal odds to American ones may take from a margin."""


def offers(
    rows: pd.DataFrame, games: pd.DataFrame, mapping: Mapping, known_from: datetime | None, log: FindingLog
) -> pd.DataFrame:
    """Return one row a game, book, market, side and time that has a price or, at the close, a line.

    `rows` are the table's, `games` what each row's game is (same index). Bad cells go to `log`.
    """
    recorded = _recorded(rows, mapping, log)
    times = _times(games, recorded, mapping, known_from)
    cells = [_Cells(m, _reference_lines(rows, m, log), _prices(rows, m, mapping, log)) for m in mapping.markets]
    _drop_contradictions(rows, cells, log)
    parts = []
    for read in cells:
        market = read.market
        facts = games[["game", "kickoff", "status"]].assign(
            book=_books(rows, market, mapping, log), recorded_at=times[market.seen], seen=market.seen
        )
        parts += _market(facts, read)
    found = pd.concat(parts) if parts else pd.DataFrame(columns=list(OFFER_COLUMNS))
    again = found.duplicated([*SIDE_KEY, "recorded_at", "seen"])
    repeated = rows.index.isin(found.index[again])
    said = "an earlier row has this book's price of that time; the first counts"
    log.flag(pd.Series(repeated, index=rows.index), rows[mapping.home], "duplicate_quote", said)
    # Fetched before the kick-off, opening and closing columns may both have been seen at that moment
    kept = found.loc[~again].drop_duplicates([*SIDE_KEY, "recorded_at"], keep="last")
    return kept.astype(OFFER_COLUMNS).reset_index(drop=True)


def quotes(found: pd.DataFrame) -> pd.DataFrame:
    """Return the offers that have a price (QUOTE_COLUMNS); those in play are kept."""
    return conform(found.loc[found["price"].notna()], QUOTE_COLUMNS)


def closing(found: pd.DataFrame) -> pd.DataFrame:
    """Return the closing lines of games that were played (CLOSING_COLUMNS).

    They are what the table calls the close, else the last of the recorded prices before kick-off.
    """
    before = found.loc[(found["status"] == GameStatus.FINAL) & (found["recorded_at"] < found["kickoff"])]
    before = before.loc[before["seen"] != "open"].sort_values("recorded_at", kind="stable")
    last = before.assign(is_close=before["seen"] == "close").sort_values("is_close", kind="stable")
    last = last.drop_duplicates(SIDE_KEY, keep="last").sort_index()
    named = last.rename(columns={"line": "closing_line", "price": "closing_price", "recorded_at": "closed_at"})
    return conform(named, CLOSING_COLUMNS)


def _recorded(rows: pd.DataFrame, mapping: Mapping, log: FindingLog) -> pd.Series:
    """Return when the row's prices were seen, NaT where the table does not say."""
    if mapping.recorded_at is None:
        return pd.Series(pd.NaT, index=rows.index, dtype=UTC_TIME)
    text = rows[mapping.recorded_at.column]
    seen = moments(text, mapping.recorded_at, mapping.timezone)
    said = f"no time of the format {mapping.recorded_at.format}: the prices seen then do not land"
    log.flag(seen.isna(), text, "recorded_at", said)
    return seen


def _times(
    games: pd.DataFrame, recorded: pd.Series, mapping: Mapping, known_from: datetime | None
) -> dict[str, pd.Series]:
    opening = games["kickoff"] - pd.Timedelta(hours=mapping.opening_hours)
    times = {"close": games["kickoff"] - CLOSE_BEFORE_KICKOFF, "open": opening, "recorded": recorded}
    if known_from is None:
        return times
    fetched = pd.Timestamp(known_from).as_unit("us")
    return {word: seen.where(~(seen > fetched), fetched) for word, seen in times.items()}


def _books(rows: pd.DataFrame, market: Market, mapping: Mapping, log: FindingLog) -> pd.Series:
    if market.book is not None or mapping.book_column is None:
        return pd.Series(market.book, index=rows.index, dtype="string")
    text = rows[mapping.book_column]
    known = text.where(text.str.len() <= LONGEST_BOOK)
    log.flag(known.isna(), text, "book", f"no name of a book of 1 to {LONGEST_BOOK} characters: its prices do not land")
    return known


@dataclass
class _Cells:
    """What the columns of a market say: home's handicap or the total, and the price of each side."""

    market: Market
    line: pd.Series
    prices: dict[Selection, pd.Series]

    def drop(self, bad: pd.Series) -> None:
        self.line = self.line.mask(bad)
        self.prices = {side: price.mask(bad) for side, price in self.prices.items()}


def _drop_contradictions(rows: pd.DataFrame, cells: list[_Cells], log: FindingLog) -> None:
    """Empty a book's spread and two-way moneyline where they plainly name different favourites.

    In every row at once that is a mapping with the wrong `sign`.
    """
    two_way = {Selection.HOME, Selection.AWAY}
    straight = [one for one in cells if one.market.market is BetType.MONEYLINE and set(one.prices) == two_way]
    for spread in (one for one in cells if one.market.line is not None and one.market.market is BetType.SPREAD):
        where = (spread.market.book, spread.market.seen)
        for moneyline in (one for one in straight if (one.market.book, one.market.seen) == where):
            home, away = moneyline.prices[Selection.HOME], moneyline.prices[Selection.AWAY]
            bad = check_favourite(spread.line, home, away, rows[str(spread.market.line)], log)
            spread.drop(bad)
            moneyline.drop(bad)


def _market(facts: pd.DataFrame, cells: _Cells) -> list[pd.DataFrame]:
    """Return the sides of a market that land."""
    market, parts = cells.market, []
    for selection in market.prices or SIDES[market.market]:
        line = -cells.line + 0.0 if selection is Selection.AWAY else cells.line
        price = cells.prices.get(selection, pd.Series(pd.NA, index=facts.index, dtype="Int64"))
        there = facts["book"].notna() & facts["recorded_at"].notna()
        there &= line.notna() if market.market is not BetType.MONEYLINE else price.notna()
        # A line without a price is kept at the close only
        there &= price.notna() | (market.seen == "close")
        side = facts.assign(market=market.market.value, selection=selection.value, line=line, price=price)
        parts.append(side.loc[there])
    return parts


def _reference_lines(rows: pd.DataFrame, market: Market, log: FindingLog) -> pd.Series:
    """Return home's handicap or the total, NA where there is none."""
    if market.line is None:
        return pd.Series(market.fixed_line, index=rows.index, dtype="Float64")
    text = rows[market.line]
    low, high = LINE_RANGE[market.market]
    line = lines(text, 0.0 if market.sign == "unsigned" else low, high)
    log.flag(malformed(text, line), text, "line", f"no multiple of 0.25 from {low} to {high}: the market does not land")
    for column in market.prices.values():
        lineless = rows[column].notna() & text.isna()
        log.flag(lineless, rows[column], "price_without_line", "a price without its line does not land")
    if market.sign == "unsigned":
        return _signed(rows, market, line, log)
    return -line + 0.0 if market.sign == "home_favoured_by" else line


def _signed(rows: pd.DataFrame, market: Market, line: pd.Series, log: FindingLog) -> pd.Series:
    """Return home's handicap where the table says only who the favourite is."""
    text = rows[str(market.favourite)]
    word = text.fillna("").map(folded)
    signed = (-line + 0.0).where(word == "home", line.where(word == "away"))
    signed = signed.where(line != 0, line)
    log.flag(line.notna() & signed.isna(), text, "favourite", "neither home nor away: the spread does not land")
    return signed


def _prices(rows: pd.DataFrame, market: Market, mapping: Mapping, log: FindingLog) -> dict[Selection, pd.Series]:
    """Return the American prices of each side the table prices."""
    kind = "American price of at least 100 in size" if mapping.odds == "american" else "decimal odds from 1.001 to 1001"
    found = {}
    for selection, column in market.prices.items():
        text = rows[column]
        found[selection] = prices(text) if mapping.odds == "american" else decimal_prices(text)
        log.flag(malformed(text, found[selection]), text, "price", f"no {kind}: this quote does not land")
    if len(found) > 1:
        implied = [implied_probability(price.to_numpy("float64", na_value=np.nan)) for price in found.values()]
        margin = pd.Series(np.sum(implied, axis=0) - 1, index=rows.index)
        said = "the sides imply less than 100 %: no bookmaker offers that; the prices land"
        cells = rows[next(iter(market.prices.values()))]
        log.flag(margin < -ROUNDING, cells, "negative_overround", said, Severity.WARNING)
    return found
