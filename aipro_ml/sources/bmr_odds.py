"""The lines and prices of BookmakersReview's weekly NFL files: three two-way markets of each book and an opener."""

import re
from datetime import timedelta

import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.sources import untimed
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.pairs import VISITOR
from aipro_ml.sources.untimed import CLOSE, NFL_LIMITS, Moment

BOOK_FIELD = r"(opening|\d{1,5})_(?:moneyline|spread|spread_odds|total|total_odds)"
OPENER = "opening"
OPENERS_BOOK = "8"
"""The opener's lines are those of this book."""


def offers_of(
    home: pd.DataFrame, away: pd.DataFrame, games: pd.DataFrame, opening_lead: timedelta, log: FindingLog
) -> list[pd.DataFrame]:
    """Return the offers of every book in the files; bad cells go to `log`, the others land."""
    labels = dict.fromkeys(found[1] for column in home if (found := re.fullmatch(BOOK_FIELD, column)))
    offers = []
    for label in labels:
        at = untimed.opening(opening_lead) if label == OPENER else CLOSE
        offers += _Book(home, away, games, label, at, log).offers()
    return offers


class _Book:
    """One book's columns of all games."""

    def __init__(
        self, home: pd.DataFrame, away: pd.DataFrame, games: pd.DataFrame, label: str, at: Moment, log: FindingLog
    ) -> None:
        self._home, self._away, self._games, self._log = home, away, games, log
        self._label, self._at = label, at
        self._name = f"BMR {OPENERS_BOOK if label == OPENER else label}"

    def offers(self) -> list[pd.DataFrame]:
        """Return its moneyline, spread and total."""
        return [self._moneyline(), self._spread(), self._total()]

    def _cells(self, market: str) -> tuple[pd.Series, pd.Series]:
        """Return home's and visitors' cells; a file may lack a column the others have."""
        column = f"{self._label}_{market}"
        blank = pd.Series(pd.NA, index=self._home.index, dtype="string", name=column)
        return self._home.get(column, blank), self._away.get(column + VISITOR, blank)

    def _prices(self, market: str) -> tuple[pd.Series, pd.Series, pd.Series]:
        """Return home's and visitors' prices, and where the two cannot be of one market."""
        cells = self._cells(market)
        home, away = (untimed.read_prices(text, self._log) for text in cells)
        return home, away, untimed.check_margin(home, away, cells[0], self._log)

    def _moneyline(self) -> pd.DataFrame:
        home, away, impossible = self._prices("moneyline")
        return untimed.moneyline(
            self._games, home.mask(impossible), away.mask(impossible), book=self._name, at=self._at
        )

    def _spread(self) -> pd.DataFrame:
        texts = self._cells("spread")
        line, other = (untimed.read_lines(text, -NFL_LIMITS.spread, NFL_LIMITS.spread, self._log) for text in texts)
        uneven = (line + other).ne(0)
        said = "the two teams' spreads are not each other's opposite: neither lands"
        self._log.flag(uneven, texts[0], "spread_sides", said)
        self._report_alone(texts)
        home, away, impossible = self._prices("spread_odds")
        bad = (uneven | line.isna() | other.isna()).fillna(True)
        sides = {Selection.HOME: home.mask(impossible), Selection.AWAY: away.mask(impossible)}
        return untimed.spread(self._games, line.mask(bad), sides, book=self._name, at=self._at)

    def _report_alone(self, texts: tuple[pd.Series, pd.Series]) -> None:
        for text, other in (texts, texts[::-1]):
            alone = text.notna() & other.isna()
            self._log.flag(alone, text, "line_alone", "only one of the two rows has this line: it does not land")

    def _total(self) -> pd.DataFrame:
        texts = self._cells("total")
        under_line, over_line = (untimed.read_lines(text, *NFL_LIMITS.total, self._log) for text in texts)
        uneven = under_line.ne(over_line)
        self._log.flag(uneven, texts[0], "total_sides", "over and under differ in their total: neither lands")
        self._report_alone(texts)
        under, over, impossible = self._prices("total_odds")
        bad = (uneven | under_line.isna() | over_line.isna()).fillna(True)
        sides = {Selection.OVER: over.mask(impossible), Selection.UNDER: under.mask(impossible)}
        return untimed.total(self._games, under_line.mask(bad), sides, book=self._name, at=self._at)
