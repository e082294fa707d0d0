"""Money through time: stakes from what is known to be won when a bet is placed, the bankroll's curve, its falls."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import BetResult

Floats = npt.NDArray[np.float64]

BET_COLUMNS = ("game_id", "bet_type", "as_of", "result_known_at", "fraction", "decimal", "share")
"""What staking reads of a bet: `fraction` of the bankroll, `decimal` price struck, `share` of the stake won or lost.

`share` is 1 won, .5 half won, 0 push or void, −.5, −1, NaN open; `result_known_at` NaT while open.
"""

SHARES = {
    BetResult.WIN: 1.0,
    BetResult.HALF_WIN: 0.5,
    BetResult.PUSH: 0.0,
    BetResult.VOID: 0.0,
    BetResult.HALF_LOSS: -0.5,
    BetResult.LOSS: -1.0,
}
_ORDER = ["as_of", "game_id", "bet_type"]


@dataclass(frozen=True)
class Bank:
    """What a bettor has: the bankroll at the start, and the smallest and largest stake a book takes (None: any)."""

    bankroll: float
    largest: float | None = None
    smallest: float = 0.0


@dataclass(frozen=True)
class BankrollRun:
    """What became of the bankroll: `stakes` and `profits` on the index of the bets (NaN: open), and the curve.

    `curve`: columns `at` (UTC), `bankroll` and `open` stakes, a row a change, the first when the first bet was placed.
    """

    stakes: pd.Series
    profits: pd.Series
    curve: pd.DataFrame

    @property
    def start(self) -> float:
        """Return the bankroll before the first bet."""
        return float(self.curve["bankroll"].iloc[0])

    @property
    def final(self) -> float:
        """Return the bankroll after the last result."""
        return float(self.curve["bankroll"].iloc[-1])

    @property
    def turnover(self) -> float:
        """Return all settled stakes together, in bankrolls of the start."""
        return float(self.stakes.where(self.profits.notna()).sum()) / self.start

    @property
    def roi(self) -> float:
        """Return profit a unit staked, NaN without a settled stake."""
        staked = float(self.stakes.where(self.profits.notna()).sum())
        return (self.final - self.start) / staked if staked > 0 else float("nan")


@dataclass(frozen=True)
class Drawdown:
    """The deepest fall from a peak as a share of it, from when to when, and the longest time below a peak in days."""

    depth: float
    peak_at: pd.Timestamp
    trough_at: pd.Timestamp
    days: float


def shares_of(results: Sequence[str] | pd.Series) -> Floats:
    """Return the share of the stake each result (BetResult) wins or loses, NaN where open."""
    table = {str(result): share for result, share in SHARES.items()}
    return np.array([table.get(str(result), np.nan) for result in results], dtype=np.float64)


def stressed(decimal: npt.ArrayLike, stress: float) -> Floats:
    """Return decimal prices lowered by the share `stress`, never below 1: a bet that wins gives the stake back."""
    return np.maximum(1.0, np.asarray(decimal, dtype=np.float64) * (1 - stress))


def unit_profits(decimal: npt.ArrayLike, share: npt.ArrayLike, stress: float = 0.0) -> Floats:
    """Return the profit of one unit staked on each bet, NaN while it is open."""
    won = np.asarray(share, dtype=np.float64)
    return np.asarray(np.where(won > 0, won * (stressed(decimal, stress) - 1), won), dtype=np.float64)


def run_bankroll(bets: pd.DataFrame, bank: Bank, stress: float = 0.0) -> BankrollRun:
    """Return what the bankroll becomes by `bets` (BET_COLUMNS, in any order), each `fraction` of it at its time.

    Bets of one `as_of` are placed together, from the bankroll as the results known by then made it, open stakes
    counted as they were placed; what is on open bets cannot be staked again, so a slate that asks for more than is
    there is scaled down. Results enter when they are known. `stress` lowers the prices paid, not the stakes asked.
    """
    ordered = bets.sort_values(_ORDER, kind="stable")
    units = unit_profits(ordered["decimal"], ordered["share"], stress)
    known = ordered["result_known_at"].where(~np.isnan(units))
    till = _Till(bank)
    stakes = np.zeros(len(ordered))
    fractions = ordered["fraction"].to_numpy("float64")
    rows = zip(ordered["as_of"], range(len(ordered)), strict=True)
    for as_of, slate in groupby(rows, key=lambda row: row[0]):
        places = [place for _, place in slate]
        till.settle(as_of)
        stakes[places] = till.place(as_of, fractions[places])
        for place in places:
            till.await_result(known.iloc[place], stakes[place], stakes[place] * units[place])
    till.settle(None)
    settled = np.where(known.notna(), stakes * units, np.nan)
    return BankrollRun(
        pd.Series(stakes, index=ordered.index, name="stake").reindex(bets.index),
        pd.Series(settled, index=ordered.index, name="profit").reindex(bets.index),
        till.curve(),
    )


class _Till:
    """The bankroll while bets are placed and settled."""

    def __init__(self, bank: Bank) -> None:
        self._bank, self._bankroll, self._open = bank, bank.bankroll, 0.0
        self._waiting: list[tuple[pd.Timestamp, int, float, float]] = []
        self._count = 0
        self._rows: list[tuple[pd.Timestamp, float, float]] = []

    def settle(self, until: pd.Timestamp | None) -> None:
        """Pay what is known by `until` (None: everything); results of one moment enter together."""
        while self._waiting and (until is None or self._waiting[0][0] <= until):
            at = self._waiting[0][0]
            while self._waiting and self._waiting[0][0] == at:
                _, _, stake, profit = heappop(self._waiting)
                self._bankroll += profit
                self._open -= stake
            self._rows.append((at, self._bankroll, self._open))

    def place(self, at: pd.Timestamp, fractions: Floats) -> Floats:
        """Return the stakes of a slate and block them."""
        if not self._rows:
            self._rows.append((at, self._bankroll, 0.0))
        stakes = fractions * max(self._bankroll, 0.0)
        if self._bank.largest is not None:
            stakes = np.minimum(stakes, self._bank.largest)
        free, asked = max(self._bankroll - self._open, 0.0), float(stakes.sum())
        if asked > free:
            stakes = stakes * (free / asked)
        stakes = np.where(stakes < self._bank.smallest, 0.0, stakes)
        self._open += float(stakes.sum())
        return stakes

    def await_result(self, known_at: pd.Timestamp, stake: float, profit: float) -> None:
        """Note a bet whose result is known at `known_at`; one that stays open blocks its stake to the end."""
        if stake > 0 and not pd.isna(known_at):
            heappush(self._waiting, (known_at, self._count, stake, profit))
            self._count += 1

    def curve(self) -> pd.DataFrame:
        if not self._rows:
            self._rows.append((pd.NaT, self._bankroll, 0.0))
        return pd.DataFrame(self._rows, columns=["at", "bankroll", "open"])


def drawdown(curve: pd.DataFrame) -> Drawdown:
    """Return the deepest fall of a curve (columns at, bankroll) and the longest time it stayed below a peak."""
    value, at = curve["bankroll"].to_numpy("float64"), curve["at"]
    peak = np.maximum.accumulate(value)
    fall = 1 - value / peak
    trough = int(np.argmax(fall))
    top = int(np.argmax(value[: trough + 1]))
    return Drawdown(float(fall[trough]), at.iloc[top], at.iloc[trough], _longest_below(at, value >= peak))


def _longest_below(at: pd.Series, at_peak: npt.NDArray[np.bool_]) -> float:
    """Return the days of the longest time from a peak, over values below it, until it is reached again or the end."""
    longest, peak_at, below = pd.Timedelta(0), at.iloc[0], False
    for moment, is_peak in zip(at, at_peak, strict=True):
        if below or not is_peak:
            longest = max(longest, moment - peak_at)
        below = not is_peak
        peak_at = moment if is_peak else peak_at
    return float(longest / pd.Timedelta(days=1))
