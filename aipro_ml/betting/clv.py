"""Closing line value: what a bet taken is worth in the market that closed (methods §5)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.edge import expected_value
from aipro_ml.betting.odds import american_to_decimal
from aipro_ml.enums import REFERENCE_SIDE, BetType, Selection

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TakenBets:
    """Bets of one bet type, scalars or shape (n,): side, its line, American price, its fair probability then.

    `line` is signed for the side, NaN on moneylines; `fair` is NaN where the market was one-sided.
    """

    bet_type: BetType
    side: Selection | npt.ArrayLike
    line: npt.ArrayLike
    price: npt.ArrayLike
    fair: npt.ArrayLike


@dataclass(frozen=True)
class Close:
    """The market at the close as `consensus` gives it: line and fair probability of the REFERENCE side.

    NaN where there was no close, or a line without a price. `fair_draw`: that of the draw, NaN on two-way markets.
    """

    line: npt.ArrayLike
    fair: npt.ArrayLike
    fair_draw: npt.ArrayLike = float("nan")


@dataclass(frozen=True)
class ClosingLineValue:
    """EV at the close, probability gained (p_c − p_fair(bet)) and points gained; NaN where unknown."""

    ev: FloatArray
    probability: FloatArray
    points: FloatArray


def closing_line_value(
    bets: TakenBets, close: Close, distribution: MarginDistribution | None = None
) -> ClosingLineValue:
    """Return the closing line value of each bet; positive is a better bet than the close offered.

    Spreads and totals need the `distribution` of their bet type: it is matched to the closing line and
    probability and then asked for the side at the line that was bet. Points are NaN on moneylines.
    """
    reference = np.asarray(bets.side, dtype=object) == REFERENCE_SIDE[bets.bet_type]
    close_line, close_fair = np.asarray(close.line, float), np.asarray(close.fair, float)
    if bets.bet_type is BetType.MONEYLINE:
        p_close = _moneyline_close(bets, close)
        push, points = np.zeros_like(p_close), np.full_like(p_close, np.nan)
    else:
        if distribution is None or distribution.bet_type is not bets.bet_type:
            raise ValueError(f"the closing line value of a {bets.bet_type} needs that market's distribution")
        line = np.asarray(bets.line, float)
        # an away spread is signed for the away side; a total reads the same from both
        line = np.where(reference, line, -line) if bets.bet_type is BetType.SPREAD else line
        at_bet = distribution.win_push_lose(distribution.match_mean(close_line, close_fair), line)
        p_close = np.where(reference, at_bet.win_given_no_push, 1 - at_bet.win_given_no_push)
        push = at_bet.push
        # points in the reference side's favour: a higher home line, a lower total
        gained = line - close_line if bets.bet_type is BetType.SPREAD else close_line - line
        points = np.where(reference, gained, -gained)
    ev = expected_value(p_close, american_to_decimal(bets.price), push)
    return ClosingLineValue(ev, p_close - np.asarray(bets.fair, float), points)


def _moneyline_close(bets: TakenBets, close: Close) -> FloatArray:
    """Return the fair probability at the close of the sides taken; the away side has what home and draw leave."""
    sides = np.asarray(bets.side, dtype=object)
    home, draw = np.asarray(close.fair, float), np.asarray(close.fair_draw, float)
    p_close: FloatArray = np.where(sides == Selection.HOME, home, 1 - home - np.nan_to_num(draw))
    return np.where(sides == Selection.DRAW, draw, p_close)
