"""The prices of football-data.co.uk: three-way moneylines, totals of 2.5 and Asian handicaps of many books."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
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
FloatArray = npt.NDArray[np.float64]
Columns = dict[str, FloatArray]
"""Decimal odds, or handicaps, of each row by the column they stand in; NaN where there is none."""


def offered(
    rows: pd.DataFrame, games: pd.DataFrame, markets: list[Offer], known_from: datetime | None, log: FindingLog
) -> pd.DataFrame:
    """Return one row a price of `markets` in `rows`; bad cells go to `log`, the others land.

    Columns: those of quotes, is_close (a closing column's) and status (of the game).
    """
    handicaps, odds = _handicaps(rows, markets, log), _odds(rows, markets, log)
    three_way = {(offer.book, offer.is_close): offer for offer in markets if offer.market is BetType.MONEYLINE}
    sides = []
    for offer in markets:
        _mark_margins(rows, offer, odds, log)
        line = np.full(len(rows), TOTAL_LINE if offer.market is BetType.TOTAL else np.nan)
        if offer.line is not None:
            _report_lineless(rows, offer, log)
            wrong = _contradicts(offer, handicaps[offer.line], odds, three_way.get((offer.book, offer.is_close)))
            said = f"{offer.book}: contradicts its own three-way prices (wrong sign or another match): does not land"
            log.flag(pd.Series(wrong, index=rows.index), rows[offer.line], "handicap_contradicts_moneyline", said)
            line = np.where(wrong, np.nan, handicaps[offer.line])
        sides += [_Side(offer, side, line, odds[column]) for side, column in offer.prices.items()]
    return _stacked(sides, games, _times(games, known_from))


def quotes(found: pd.DataFrame) -> pd.DataFrame:
    """Return all prices (QUOTE_COLUMNS): those before the match when collected, closing ones 60 s before kick-off."""
    return conform(found, QUOTE_COLUMNS)


def closing(found: pd.DataFrame) -> pd.DataFrame:
    """Return the closing columns' prices of games that were played (CLOSING_COLUMNS)."""
    close = found.loc[found["is_close"] & (found["status"] == GameStatus.FINAL)]
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


def _handicaps(rows: pd.DataFrame, markets: list[Offer], log: FindingLog) -> Columns:
    """Return the home side's handicap of each line column, each read once however many books share it."""
    found = {}
    said = f"no multiple of 0.25 within ±{WIDEST_HANDICAP}: the handicaps on it do not land"
    for column in dict.fromkeys(offer.line for offer in markets if offer.line is not None):
        line = lines(rows[column], -WIDEST_HANDICAP, WIDEST_HANDICAP)
        log.flag(malformed(rows[column], line), rows[column], "line", said)
        found[column] = line.to_numpy("float64", na_value=np.nan)
    return found


def _odds(rows: pd.DataFrame, markets: list[Offer], log: FindingLog) -> Columns:
    """Return the decimal odds of every price column, all cells read at once."""
    columns = list(dict.fromkeys(column for offer in markets for column in offer.prices.values()))
    cells = pd.Series(rows[columns].to_numpy(object).ravel(), dtype="string")
    odds = decimal_odds(cells).to_numpy("float64", na_value=np.nan).reshape(len(rows), len(columns))
    bad = cells.notna().to_numpy().reshape(odds.shape) & np.isnan(odds)
    said = "no decimal odds from 1.001 to 1001: this quote does not land"
    for place in np.flatnonzero(bad.any(axis=0)):
        column = columns[place]
        log.flag(pd.Series(bad[:, place], index=rows.index), rows[column], "price", said)
    return dict(zip(columns, odds.T, strict=True))


def _report_lineless(rows: pd.DataFrame, offer: Offer, log: FindingLog) -> None:
    for column in offer.prices.values():
        lineless = rows[column].notna() & rows[offer.line].isna()
        log.flag(lineless, rows[column], "price_without_line", "a price without its line does not land")


def _mark_margins(rows: pd.DataFrame, offer: Offer, odds: Columns, log: FindingLog) -> None:
    """Mark markets whose prices no one bookmaker can have offered together; they land."""
    if len(offer.prices) < SIDES[offer.market]:
        return
    margin = pd.Series(np.sum([1 / odds[column] for column in offer.prices.values()], axis=0) - 1, index=rows.index)
    cells = rows[offer.prices[REFERENCE_SIDE[offer.market]]]
    if offer.book not in MAXIMA:
        said = f"{offer.book}: the sides imply less than 100 %; the prices land"
        log.flag(margin < -1e-9, cells, "negative_overround", said, Severity.WARNING)
    said = f"{offer.book}: the sides imply more than {1 + WIDEST_MARGIN:.0%}, a misprint; the prices land"
    log.flag(margin > WIDEST_MARGIN, cells, "large_overround", said, Severity.WARNING)


def _contradicts(offer: Offer, line: FloatArray, odds: Columns, three_way: Offer | None) -> npt.NDArray[np.bool_]:
    """Return where a handicap contradicts the book's own three-way prices.

    Giving half a goal or more, a side covers at most as often as it wins (whole goals pushed or not), so a fair
    price above that means a handicap of the wrong sign or of another match.
    """
    if three_way is None or len(three_way.prices) < SIDES[BetType.MONEYLINE] or len(offer.prices) < SIDES[offer.market]:
        return np.zeros(len(line), dtype=bool)
    covers = _fair(offer, odds)
    wins = _fair(three_way, odds)
    # The handicap is home's: what away gives is the opposite
    home = (line <= -CLEAR_FAVOURITE) & (covers[Selection.HOME] - wins[Selection.HOME] > CONTRADICTION)
    away = (line >= CLEAR_FAVOURITE) & (covers[Selection.AWAY] - wins[Selection.AWAY] > CONTRADICTION)
    wrong: npt.NDArray[np.bool_] = home | away
    return wrong


def _fair(offer: Offer, odds: Columns) -> dict[Selection, FloatArray]:
    """Return the probability of each side, the margin taken out in proportion."""
    implied = {side: 1 / odds[column] for side, column in offer.prices.items()}
    total = np.sum(list(implied.values()), axis=0)
    return {side: chance / total for side, chance in implied.items()}


@dataclass(frozen=True)
class _Side:
    """One price column: its offer and selection, home's handicap (or the total) and the decimal odds of each row."""

    offer: Offer
    selection: Selection
    line: FloatArray
    odds: FloatArray

    @property
    def signed(self) -> FloatArray:
        """Return the line as the selection gets it; adding 0.0 turns the -0.0 of a level handicap into 0.0."""
        turned: FloatArray = -self.line + 0.0 if self.selection is Selection.AWAY else self.line
        return turned

    @property
    def lands(self) -> npt.NDArray[np.bool_]:
        """Return which rows have a price, and a line where the market needs one."""
        landing: npt.NDArray[np.bool_] = ~np.isnan(self.odds)
        return landing & ~np.isnan(self.line) if self.offer.market is not BetType.MONEYLINE else landing


def _stacked(sides: list[_Side], games: pd.DataFrame, times: dict[bool, pd.Series]) -> pd.DataFrame:
    """Return the landing prices of all sides, one side after the other, each in the order of the games."""
    shape = (len(sides), len(games))
    lands = np.array([side.lands for side in sides], dtype=bool).reshape(shape)
    of_side, of_game = np.nonzero(lands)
    is_close = np.array([side.offer.is_close for side in sides], dtype=bool)[of_side]
    seen = times[False].iloc[of_game].reset_index(drop=True)
    close = times[True].iloc[of_game].reset_index(drop=True)
    odds = np.array([side.odds for side in sides], dtype="float64").reshape(shape)[lands]
    signed = np.array([side.signed for side in sides], dtype="float64").reshape(shape)[lands]
    names = {
        "book": [side.offer.book for side in sides],
        "market": [side.offer.market.value for side in sides],
        "selection": [side.selection.value for side in sides],
    }
    told = {column: np.array(values, dtype=object)[of_side] for column, values in names.items()}
    facts = games[["game", "status"]].iloc[of_game].reset_index(drop=True)
    return facts.assign(
        **told,
        line=pd.Series(signed).astype("Float64"),
        price=american_prices(pd.Series(odds, dtype="Float64")),
        recorded_at=seen.mask(is_close, close),
        is_close=is_close,
    )
