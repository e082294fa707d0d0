"""Which columns of football-data.co.uk are prices, of which book, market and time, in both spellings of the files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aipro_ml.enums import BetType, Selection

TOTAL_LINE = 2.5
MAXIMA = frozenset({"Betbrain maximum", "market maximum"})
"""Best prices over books, by their names' last word no bookmakers (`betting.books.is_maximum`)."""

SHARP = frozenset({"Pinnacle"})
BOOKS: Mapping[str, str] = {
    "1XB": "1xBet", "B365": "bet365", "BF": "Betfair", "BFD": "Betfred", "BFE": "Betfair Exchange", "BMGM": "BetMGM",
    "BS": "Blue Square", "BV": "BetVictor", "BW": "Bet&Win", "CL": "Coral", "GB": "Gamebookers", "IW": "Interwetten",
    "LB": "Ladbrokes", "P": "Pinnacle", "PS": "Pinnacle", "SB": "Sportingbet", "SJ": "Stan James",
    "SO": "Sporting Odds", "SY": "Stanleybet", "VC": "VC Bet", "WH": "William Hill", "BbAv": "Betbrain average",
    "BbMx": "Betbrain maximum", "Avg": "market average", "Max": "market maximum",
}  # fmt: skip
THREE_WAY = {Selection.HOME: "H", Selection.DRAW: "D", Selection.AWAY: "A"}
SPELLINGS = ({Selection.OVER: ">2.5", Selection.UNDER: "<2.5"}, {Selection.OVER: "_2_5", Selection.UNDER: "_2_5_1"})
HANDICAP = {Selection.HOME: "AHH", Selection.AWAY: "AHA"}
TRIPLE_ENDS = ("H", "D", "A")
ODDS_COLUMN = re.compile(r"[A-Za-z0-9]{1,6}(?:H|D|A|AHH|AHA|AHh|AHCh|AH|[<>]2\.5|_2_5|_2_5_1)|AHh|AHCh", re.ASCII)


@dataclass(frozen=True)
class Offer:
    """The columns of one book's market before the match or at the close."""

    book: str
    market: BetType
    is_close: bool
    prices: Mapping[Selection, str]
    line: str | None = None  # the column of the home side's handicap


def is_odds_column(name: str) -> bool:
    """Return whether a column may hold a price or a handicap."""
    return ODDS_COLUMN.fullmatch(name) is not None


def offers(header: Sequence[str]) -> list[Offer]:
    """Return every market the columns of `header` price; where two columns mean the same, the first counts."""
    found: dict[tuple[str, BetType, bool], Offer] = {}
    there = frozenset(header)
    for code, book in BOOKS.items():
        for is_close in (False, True):
            stem = code + ("C" if is_close else "")
            for market, prices, line in _markets(stem, code, is_close, there):
                found.setdefault((book, market, is_close), Offer(book, market, is_close, prices, line))
    return list(found.values())


def _markets(
    stem: str, code: str, is_close: bool, there: frozenset[str]
) -> list[tuple[BetType, dict[Selection, str], str | None]]:
    """Return (market, price columns, line column) of one book at one time."""
    line = _handicap_column(code, is_close, there)
    wanted: list[tuple[BetType, Mapping[Selection, str], str | None]]
    wanted = [(BetType.MONEYLINE, THREE_WAY, None), *((BetType.TOTAL, ends, None) for ends in SPELLINGS)]
    if line is not None:
        wanted.append((BetType.SPREAD, HANDICAP, line))
    read = ((market, {side: stem + end for side, end in ends.items()}, place) for market, ends, place in wanted)
    kept = ((market, {side: c for side, c in prices.items() if c in there}, place) for market, prices, place in read)
    # `BFD` is Betfair's draw and, with H, D and A after it, Betfred: one column alone is no three-way market
    return [(market, prices, place) for market, prices, place in kept if len(prices) > 1]


def _handicap_column(code: str, is_close: bool, there: frozenset[str]) -> str | None:
    """Return the column of the line: the book's own (2003 to 2005), Betbrain's, or the one all books share."""
    before = ["BbAHh"] if code.startswith("Bb") else [f"{code}AH", "AHh"]
    places = ["AHCh"] if is_close else before
    return next((place for place in places if place in there), None)


def unknown_books(header: Sequence[str]) -> list[str]:
    """Return the stems that look like a three-way market (…H, …D, …A) of a book this module does not know."""
    there = set(header)
    known = {code + close for code in BOOKS for close in ("", "C")}
    stems = [name[:-1] for name in header if name.endswith("H") and len(name) > 2]
    return [stem for stem in stems if stem not in known and all(stem + end in there for end in TRIPLE_ENDS)]
