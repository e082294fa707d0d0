"""The one definition of win, loss and push: labels and grades both come from here (methods §6)."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from aipro_ml.betting.odds import net_odds
from aipro_ml.config import SportConfig
from aipro_ml.enums import OPPOSITE, REFERENCE_SIDE, BetResult, BetType, Selection

FloatArray = npt.NDArray[np.float64]


class MarketRule(StrEnum):
    """What a level score means on the moneyline."""

    TWO_WAY = "two_way"  # a tie is a push
    THREE_WAY = "three_way"  # a draw loses for home and away, and wins for the draw


@dataclass(frozen=True)
class SettlementRules:
    """What a sport's bets are settled by.

    `regulation`: bet types that end with the regulation time (90 minutes of soccer, 60 of hockey); all others count
    overtime. `sudden_death`: overtime ends with its first score. `void_after_hours`: a bet is void where the game
    begins so much later than was known when it was taken; None: never.
    """

    moneyline: MarketRule = MarketRule.TWO_WAY
    regulation: frozenset[BetType] = frozenset()
    sudden_death: bool = False
    void_after_hours: float | None = None

    @classmethod
    def of(cls, config: SportConfig) -> "SettlementRules":
        """Return the rules of a sport's configuration."""
        return cls(
            MarketRule(config.moneyline), frozenset(config.regulation), config.sudden_death, config.void_after_hours
        )

    def counted(
        self, bet_type: BetType, home: npt.ArrayLike, away: npt.ArrayLike, overtime: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Return the scores (n,) that count for a bet type; `overtime`: where the game went on after a level score.

        A game in overtime was level after the regulation time. Under sudden death it stood as the loser ended, twice;
        else only the margin, nothing, is known: spreads and moneylines get 0 to 0, totals NaN.
        """
        home, away = np.asarray(home, dtype=np.float64), np.asarray(away, dtype=np.float64)
        longer = np.asarray(overtime, dtype=bool)
        if bet_type not in self.regulation or not longer.any():
            return home, away
        level = np.minimum(home, away)
        if not self.sudden_death:
            level = np.where(np.isnan(level) | (bet_type is BetType.TOTAL), np.nan, 0.0)
        return np.where(longer, level, home), np.where(longer, level, away)


TWO_WAY_RULES = SettlementRules()
"""Overtime counts, a tie on the moneyline is a push, and no bet is void for a game moved."""


def outcomes_of(bet_type: BetType, rule: MarketRule = MarketRule.TWO_WAY) -> tuple[Selection, ...]:
    """Return what may happen in a market, best for the reference side first: (home, draw, away) three-way."""
    if bet_type is BetType.MONEYLINE and rule is MarketRule.THREE_WAY:
        return Selection.HOME, Selection.DRAW, Selection.AWAY
    reference = REFERENCE_SIDE[bet_type]
    return reference, OPPOSITE[reference]


_SIDES: dict[BetType, frozenset[Selection]] = {
    BetType.MONEYLINE: frozenset({Selection.HOME, Selection.AWAY, Selection.DRAW}),
    BetType.SPREAD: frozenset({Selection.HOME, Selection.AWAY}),
    BetType.TOTAL: frozenset({Selection.OVER, Selection.UNDER}),
}
_RESULT_OF_SCORE: dict[float, BetResult] = {
    1.0: BetResult.WIN,
    0.5: BetResult.HALF_WIN,
    0.0: BetResult.PUSH,
    -0.5: BetResult.HALF_LOSS,
    -1.0: BetResult.LOSS,
}
_SCORE_OF_RESULT: dict[BetResult, float] = {
    **{result: score for score, result in _RESULT_OF_SCORE.items()},
    BetResult.VOID: 0.0,
    BetResult.PENDING: float("nan"),
}


def settle(
    bet_type: BetType,
    side: Selection,
    line: float | None,
    home_score: float,
    away_score: float,
    rule: MarketRule = MarketRule.TWO_WAY,
) -> BetResult:
    """Return how a bet on `side` at `line` (signed for that side; None on a moneyline) ended.

    Quarter lines split the stake over both neighbouring half points. ValueError for a side the market does
    not have, for a spread or total without a line, and for unknown scores: those bets cannot be graded.
    """
    score = float(settle_scores(bet_type, side, line, home_score, away_score, rule))
    if np.isnan(score):
        raise ValueError(f"a {bet_type} bet needs both final scores and its line to be settled, line={line}")
    return _RESULT_OF_SCORE[score]


def settle_scores(
    bet_type: BetType,
    side: Selection | npt.ArrayLike,
    line: npt.ArrayLike | None,
    home_score: npt.ArrayLike,
    away_score: npt.ArrayLike,
    rule: MarketRule = MarketRule.TWO_WAY,
) -> FloatArray:
    """Return 1 win, .5 half win, 0 push, −.5 half loss, −1 loss, NaN unknown; arguments broadcast."""
    sides = np.asarray(side, dtype=object)
    _check_sides(bet_type, sides, rule)
    home, away = np.asarray(home_score, dtype=np.float64), np.asarray(away_score, dtype=np.float64)
    sign = np.where(np.isin(sides, [Selection.AWAY, Selection.UNDER]), -1.0, 1.0)
    if bet_type is BetType.MONEYLINE:
        return _moneyline_scores(sides, sign * (home - away), rule)
    points = np.asarray(np.nan if line is None else line, dtype=np.float64)
    ahead = sign * (home - away) + points if bet_type is BetType.SPREAD else sign * (home + away - points)
    # a quarter line is half a stake on each neighbour; on every other line both halves are the line itself
    split = np.where(np.mod(points * 4, 2) == 1, 0.25, 0.0)
    score: FloatArray = (np.sign(ahead - split) + np.sign(ahead + split)) / 2
    return score


def settle_reference(
    bet_type: BetType,
    line: npt.ArrayLike | None,
    home_score: npt.ArrayLike,
    away_score: npt.ArrayLike,
    rule: MarketRule = MarketRule.TWO_WAY,
) -> FloatArray:
    """Return the label of the reference side (home, over): 1.0 won, 0.0 lost, NaN push or unknown.

    `line` is the reference side's, shape (n,), ignored on moneylines. A half win counts as won.
    """
    scores = settle_scores(bet_type, REFERENCE_SIDE[bet_type], line, home_score, away_score, rule)
    return np.where(scores > 0, 1.0, np.where(scores < 0, 0.0, np.nan))


def results_of(scores: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return the BetResult of each score of `settle_scores`; NaN is pending."""
    values = np.asarray(scores, dtype=np.float64)
    results = [_RESULT_OF_SCORE.get(score, BetResult.PENDING) for score in values.ravel().tolist()]
    return np.array(results, dtype=object).reshape(values.shape)


def profit_per_unit(result: BetResult | npt.ArrayLike, price: npt.ArrayLike) -> FloatArray:
    """Return the profit of one unit staked at American `price`: d − 1 won, 0 push or void, −1 lost.

    Halves win or lose half of it; pending is NaN. Arrays broadcast.
    """
    results = np.asarray(result, dtype=object)
    score = np.array([_SCORE_OF_RESULT[BetResult(r)] for r in results.ravel()]).reshape(results.shape)
    return np.where(score > 0, score * net_odds(price), score)[()]


def _check_sides(bet_type: BetType, sides: npt.NDArray[np.object_], rule: MarketRule) -> None:
    allowed = _SIDES[bet_type] - (frozenset() if rule is MarketRule.THREE_WAY else {Selection.DRAW})
    for side in set(sides.ravel().tolist()):
        if side not in allowed:
            raise ValueError(f"a {rule} {bet_type} market has no side {side!s}")


def _moneyline_scores(sides: npt.NDArray[np.object_], margin: FloatArray, rule: MarketRule) -> FloatArray:
    if rule is MarketRule.TWO_WAY:
        return np.sign(margin)
    won = np.where(np.isin(sides, [Selection.DRAW]), margin == 0, margin > 0)
    return np.where(np.isnan(margin), np.nan, np.where(won, 1.0, -1.0))
