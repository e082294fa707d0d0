"""Vectorised checks every importer shares: numbers, prices, lines and margins, and the log of what broke them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from aipro_ml.betting.odds import decimal_to_american, implied_probability, valid_american
from aipro_ml.enums import Severity
from aipro_ml.sources.base import Finding

MAX_SHOWN = 200
"""Longest piece of a cell that a finding repeats."""

MAX_PRICE = 1_000_000
"""Larger American prices are overflows of a feed, not offers."""

DECIMAL_RANGE = (1.001, 1001.0)
"""Decimal odds a bookmaker can offer: American −100,000 to +100,000."""

LINE_STEP = 0.25
PLAIN_NUMBER = r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?"


Message = str | Callable[[str], str]
"""What a finding says; a function gets the (shortened) text of the cell."""


def shortened(text: str) -> str:
    """Return `text` fit for a message: at most 200 characters, unprintable ones as spaces."""
    shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)"
    return "".join(char if char.isprintable() else " " for char in shown)


class FindingLog:
    """Collects the findings of one file and which of its rows they reject; rows are named by index label."""

    def __init__(self, file: str, lines: pd.Series, findings: tuple[Finding, ...] = ()) -> None:
        self._file, self._lines = file, lines
        self._findings = list(findings)
        self._rejected = pd.Series(False, index=lines.index)

    def flag(
        self,
        bad: pd.Series,
        values: pd.Series,
        rule: str,
        message: Message,
        severity: Severity = Severity.CRITICAL,
    ) -> None:
        """Record a finding about the cell of column `values.name` in each row where `bad` (NA: not bad)."""
        rows = _where(bad)
        if rows.empty:
            return
        for line, cell in zip(self._lines.loc[rows], values.loc[rows], strict=True):
            value = "" if pd.isna(cell) else shortened(str(cell))
            said = message if isinstance(message, str) else message(value)
            found = Finding(self._file, int(line), str(values.name), value, rule, said, severity)
            self._findings.append(found)

    def reject(self, bad: pd.Series, values: pd.Series, rule: str, message: Message) -> None:
        """Record the findings and reject their rows as a whole."""
        self.flag(bad, values, rule, message)
        self._rejected.loc[_where(bad)] = True

    @property
    def rejected(self) -> pd.Series:
        """Return which rows were rejected so far."""
        return self._rejected.copy()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return everything found so far, by line."""
        return tuple(sorted(self._findings, key=lambda finding: finding.line))


def _where(bad: pd.Series) -> pd.Index:
    return bad.index[bad.fillna(False).to_numpy(dtype=bool)]


def numbers(text: pd.Series) -> pd.Series:
    """Return plain decimal numbers as Float64, NA where missing or anything else (NaN, inf, 1e5, 0x1F)."""
    plain = text.where(text.str.fullmatch(PLAIN_NUMBER).fillna(False).astype(bool))
    return plain.astype("Float64")


def whole(text: pd.Series, low: int, high: int) -> pd.Series:
    """Return whole numbers in [low, high] as Int64, NA where missing or anything else; 24.0 is whole."""
    value = numbers(text)
    fits = (value % 1 == 0) & value.between(low, high)
    return value.where(fits.fillna(False).astype(bool)).astype("Int64")


def id_numbers(text: pd.Series) -> pd.Series:
    """Return whole numbers from 1 to 999,999,999 as texts of one spelling (24.0 and 024 are 24), NA for any other."""
    return whole(text, 1, 999_999_999).astype("string")


def prices(text: pd.Series) -> pd.Series:
    """Return American prices as Int64: whole, 100 ≤ |price| ≤ 1,000,000; NA where missing or anything else."""
    value = whole(text, -MAX_PRICE, MAX_PRICE)
    possible = pd.Series(valid_american(value.to_numpy("float64", na_value=np.nan)), index=text.index)
    return value.where(possible)


def decimal_odds(text: pd.Series) -> pd.Series:
    """Return decimal odds in [1.001, 1001] as Float64, NA where missing or anything else."""
    value = numbers(text)
    return value.where(value.between(*DECIMAL_RANGE).fillna(False).astype(bool))


def american_prices(decimal: pd.Series) -> pd.Series:
    """Return decimal odds (of `decimal_odds`) as American prices, Int64, NA where they are.

    Rounded to the nearest whole American price, halves to the even one (`betting.odds.decimal_to_american`).
    """
    american = decimal_to_american(decimal.to_numpy("float64", na_value=np.nan))
    return pd.Series(american, index=decimal.index, name=decimal.name).astype("Float64").astype("Int64")


def decimal_prices(text: pd.Series) -> pd.Series:
    """Return decimal odds as American prices, Int64; NA where missing, outside [1.001, 1001] or anything else."""
    return american_prices(decimal_odds(text))


def lines(text: pd.Series, low: float, high: float) -> pd.Series:
    """Return lines in [low, high] that are multiples of a quarter as Float64, NA where anything else."""
    value = numbers(text)
    fits = (value % LINE_STEP == 0) & value.between(low, high)
    return value.where(fits.fillna(False).astype(bool))


def malformed(text: pd.Series, value: pd.Series) -> pd.Series:
    """Return where a cell is present but none of the readers above made a value of it."""
    return text.notna() & value.isna()


def overround(first: pd.Series, second: pd.Series) -> pd.Series:
    """Return the margin of a two-sided market, implied probabilities less one; NaN where a side is missing."""
    sides = [side.to_numpy("float64", na_value=np.nan) for side in (first, second)]
    return pd.Series(implied_probability(sides[0]) + implied_probability(sides[1]) - 1, index=first.index)
