"""Offers of The Odds API as quotes and closing lines: h2h, spreads and totals of many books."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.betting.odds import implied_probability
from aipro_ml.enums import BetType, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, QUOTE_COLUMNS, UTC_TIME, Book, conform
from aipro_ml.sources.checks import FindingLog, decimal_prices, lines, malformed, prices
from aipro_ml.sources.odds_api_events import moments

MARKETS: Mapping[str, BetType] = {"h2h": BetType.MONEYLINE, "spreads": BetType.SPREAD, "totals": BetType.TOTAL}
THREE_WAY = frozenset({"EPL", "LALIGA", "BUNDES"})
"""Sports whose h2h market has a draw."""

LIMITS: Mapping[str, tuple[float, tuple[float, float]]] = {
    "NFL": (60, (10, 120)),
    "NCAAF": (80, (10, 150)),
    "NBA": (60, (100, 350)),
    "NCAAB": (70, (60, 300)),
    "WNBA": (60, (80, 280)),
    "NHL": (15, (1, 25)),
    "MLB": (20, (1, 45)),
}
"""Widest spread, and the range of totals, running games included; soccer: as hockey."""

BOOKS: Mapping[str, str] = {
    "ballybet": "Bally Bet", "betanysports": "BetAnySports", "betfair_ex_au": "Betfair", "betfair_ex_eu": "Betfair",
    "betfair_ex_uk": "Betfair", "betmgm": "BetMGM", "betonlineag": "BetOnline.ag", "betparx": "betPARX",
    "betrivers": "BetRivers", "betus": "BetUS", "bovada": "Bovada", "caesars": "Caesars",
    "circasports": "Circa Sports", "draftkings": "DraftKings", "espnbet": "theScore Bet", "fanatics": "Fanatics",
    "fanduel": "FanDuel", "fliff": "Fliff", "hardrockbet": "Hard Rock Bet", "lowvig": "LowVig.ag",
    "marathonbet": "Marathon Bet", "matchbook": "Matchbook", "mybookieag": "MyBookie.ag", "pinnacle": "Pinnacle",
    "pointsbetus": "PointsBet (US)", "rebet": "ReBet", "superbook": "SuperBook", "unibet_us": "Unibet",
    "williamhill": "William Hill", "williamhill_us": "Caesars", "wynnbet": "WynnBET",
}  # fmt: skip
"""Names of the API's bookmaker keys, so that layouts with and without titles name one book alike."""

SHARP = frozenset({"Pinnacle", "Circa Sports", "BetOnline.ag", "LowVig.ag", "Betfair", "Matchbook"})
"""Books that take large stakes or open lines others copy, and exchanges."""

LONGEST_BOOK = 100
_MARKET_KEY = ["game", "book", "bet", "recorded_at"]


@dataclass(frozen=True)
class Rules:
    """How prices and points of a feed are to be read: of which sport, `american` or `decimal`."""

    sport: str
    odds_format: str


def read(offers: pd.DataFrame, sightings: pd.DataFrame, rules: Rules, log: FindingLog) -> pd.DataFrame:
    """Return the good offers of the `sightings` that hold, under their index; bad ones go to `log`.

    Columns: those of QUOTE_COLUMNS with `bet` for the market, and kickoff, kickoff_then of the sighting.
    """
    held = offers.loc[offers["sighting"].isin(sightings.index)]
    facts = sightings[["game", "home_team", "away_team", "taken_at", "kickoff", "kickoff_then"]]
    rows = held.join(facts, on="sighting")
    rows = rows.assign(bet=rows["market"].map({key: bet.value for key, bet in MARKETS.items()}))
    said = "none of h2h, spreads, totals: not imported"
    log.flag(
        rows["bet"].isna() & ~rows["market"].duplicated(), rows["market"], "unknown_market", said, Severity.WARNING
    )
    rows = rows.loc[rows["bet"].notna()]
    rows = rows.assign(
        book=_books(rows, log),
        selection=_selections(rows, rules.sport, log),
        line=_lines(rows, rules.sport, log),
        price=_prices(rows, rules.odds_format, log),
        recorded_at=_times(rows, log),
    )
    rows = rows.loc[~log.rejected.loc[rows.index]]
    again = rows.duplicated([*_MARKET_KEY, "selection"])
    said = "an earlier offer is of this book, side and time: the first counts"
    log.reject(again, held.loc[rows.index, "price"], "duplicate_quote", said)
    rows = rows.loc[~again]
    rows = _agreeing(rows, held.loc[rows.index, "point"], log)
    _mark_margins(rows, held.loc[rows.index, "price"], rules.sport, log)
    return rows


def canonical(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return the quotes (QUOTE_COLUMNS), those of running games included, by time."""
    ordered = quotes.assign(market=quotes["bet"]).sort_values("recorded_at", kind="stable")
    return conform(ordered, QUOTE_COLUMNS)


def closing(quotes: pd.DataFrame, seen_until: pd.Timestamp) -> pd.DataFrame:
    """Return each book's last quotes before kick-offs that `seen_until` has passed (CLOSING_COLUMNS).

    A quote counts as before the kick-off if it is earlier than the one known then and the one known last, so
    that no price of a running game closes a line. A side whose line the book has left since does not count.
    """
    ahead = (quotes["recorded_at"] < quotes["kickoff_then"]) & (quotes["recorded_at"] < quotes["kickoff"])
    begun = quotes["kickoff"] <= seen_until
    rows = quotes.loc[ahead & begun].sort_values("recorded_at", kind="stable")
    last = rows.drop_duplicates(["game", "book", "bet", "selection"], keep="last")
    newest = last["line"].abs().groupby([last["game"], last["book"], last["bet"]]).transform("last")
    last = last.loc[last["line"].isna() | (last["line"].abs() == newest)]
    named = last.assign(market=last["bet"], closing_line=last["line"], closing_price=last["price"])
    return conform(named.assign(closed_at=named["recorded_at"]), CLOSING_COLUMNS)


def books(quotes: pd.DataFrame) -> tuple[Book, ...]:
    """Return the bookmakers of these quotes, by name."""
    return tuple(Book(name, is_sharp=name in SHARP) for name in sorted(quotes["book"].unique()))


def _books(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    name = rows["book"].map(BOOKS).fillna(rows["title"]).fillna(rows["book"]).astype("string")
    fits = name.str.len().between(1, LONGEST_BOOK) & name.str.fullmatch(r"[^\x00-\x1f\x7f]*")
    log.reject(~fits.fillna(False).astype(bool), rows["book"], "book", "no bookmaker's name of 1 to 100 characters")
    return name


def _selections(rows: pd.DataFrame, sport: str, log: FindingLog) -> pd.Series:
    """Return the side each outcome names: a team of the event, Over or Under, in soccer the draw."""
    outcome, total = rows["outcome"], rows["bet"] == BetType.TOTAL
    draw = (rows["bet"] == BetType.MONEYLINE) & (sport in THREE_WAY)
    sides = {
        Selection.HOME: ~total & (outcome == rows["home_team"]),
        Selection.AWAY: ~total & (outcome == rows["away_team"]),
        Selection.OVER: total & (outcome == "Over"),
        Selection.UNDER: total & (outcome == "Under"),
        Selection.DRAW: draw & (outcome == "Draw"),
    }
    found = pd.Series(pd.NA, index=rows.index, dtype="string")
    for selection, mine in sides.items():
        found = found.mask(mine.fillna(False).astype(bool), selection.value)
    log.reject(found.isna(), outcome, "outcome", "neither a team of the event nor, in totals, Over or Under")
    return found


def _lines(rows: pd.DataFrame, sport: str, log: FindingLog) -> pd.Series:
    """Return the points each side is given, or the total; NA in moneylines whatever the file says there."""
    widest, (low, high) = LIMITS.get(sport, LIMITS["NHL"])
    found = pd.Series(pd.NA, index=rows.index, dtype="Float64")
    for bet, least, most in ((BetType.SPREAD, -widest, widest), (BetType.TOTAL, low, high)):
        mine = rows["bet"] == bet
        text = rows["point"].where(mine)
        found = found.fillna(lines(text, least, most) + 0.0)  # a pick'em's -0.0 becomes 0.0
        said = f"no multiple of 0.25 from {least:g} to {most:g}: this quote does not land"
        log.reject(mine & found.isna(), rows["point"], "line", said)
    return found


def _prices(rows: pd.DataFrame, odds_format: str, log: FindingLog) -> pd.Series:
    text = rows["price"]
    found = decimal_prices(text) if odds_format == "decimal" else prices(text)
    said = {
        "american": "no whole American price of at least 100 in size: this quote does not land",
        "decimal": "no decimal odds from 1.001 to 1001: this quote does not land",
    }[odds_format]
    log.reject(malformed(text, found), text, "price", said)
    log.reject(text.isna(), text, "price_missing", "an outcome without a price does not land")
    return found


def _times(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    """Return when each price was known: at its snapshot, or by its own time where that is later or alone."""
    text, updated = rows["last_update"], moments(rows["last_update"])
    snapshot = rows["taken_at"]
    wrong = text.notna() & updated.isna()
    said = "no UTC time like 2025-10-17T12:44:30Z"
    log.flag(wrong & snapshot.notna(), text, "last_update", f"{said}; the snapshot's counts", Severity.WARNING)
    log.reject(updated.isna() & snapshot.isna(), text, "last_update", f"{said}, and no time of the snapshot")
    late = updated > snapshot
    said = "later than its snapshot: the later time counts"
    log.flag(late, text, "update_after_snapshot", said, Severity.WARNING)
    return snapshot.where(snapshot.notna() & ~late, updated).astype(UTC_TIME)


def _agreeing(rows: pd.DataFrame, points: pd.Series, log: FindingLog) -> pd.DataFrame:
    """Return the quotes without markets whose two sides have different lines."""
    # Seen from home, or as a total, both sides of a market share their line
    shared = rows["line"] * np.where(rows["selection"] == Selection.AWAY, -1.0, 1.0)
    market = shared.groupby([rows[name] for name in _MARKET_KEY], sort=False)
    differs = (market.transform("min") != market.transform("max")).fillna(False).astype(bool)
    log.reject(differs, points, "sides_disagree", "the two sides of the market have different lines: neither lands")
    return rows.loc[~differs]


def _mark_margins(rows: pd.DataFrame, price_text: pd.Series, sport: str, log: FindingLog) -> None:
    """Mark markets with all their sides that would pay whoever backs each of them."""
    implied = pd.Series(implied_probability(rows["price"].to_numpy("float64")), index=rows.index)
    market = implied.groupby([rows[name] for name in _MARKET_KEY], sort=False)
    sides = np.where((rows["bet"] == BetType.MONEYLINE) & (sport in THREE_WAY), 3, 2)
    under = (market.transform("size") == sides) & (market.transform("sum") < 1) & ~rows.duplicated(_MARKET_KEY)
    said = "the sides imply less than 100 %: no bookmaker offers that; the prices land"
    log.flag(under, price_text, "negative_overround", said, Severity.WARNING)
