"""Predictions at quarter lines, each figure worked out by hand from what eleven margins and totals are worth."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.distribution import MarginDistribution, integer_mass
from aipro_ml.betting.settlement import profit_per_unit, settle
from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.config import policy_config
from aipro_ml.enums import BetType, DevigMethod, Selection
from aipro_ml.features.records import ODDS_COLUMNS, frame_of
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.prediction import prediction_hash_of
from aipro_ml.inference.predictor import ModelScores, predict_slate
from aipro_ml.inference.quotes import market_boards

KICKOFF = pd.Timestamp("2022-09-11T17:00:00Z")
MARGINS = {-2: 0.10, -1: 0.20, 0: 0.30, 1: 0.20, 2: 0.15, 3: 0.05}
"""P(home wins by)."""
GOALS = {0: 0.08, 1: 0.17, 2: 0.25, 3: 0.25, 4: 0.15, 5: 0.10}
"""P(goals of both)."""

HOME, AWAY, OVER, UNDER = Selection.HOME, Selection.AWAY, Selection.OVER, Selection.UNDER


class Case(NamedTuple):
    """A market of home or over at `line` and two prices; of a unit on `side` the average won, returned and gained."""

    line: float
    prices: tuple[int, int]
    side: Selection
    won: float
    returned: float
    ev: float

    @property
    def bet_type(self):
        return BetType.SPREAD if self.side in (HOME, AWAY) else BetType.TOTAL

    @property
    def price(self):
        return self.prices[0 if self.side in (HOME, OVER) else 1]

    @property
    def own_line(self):
        return -self.line if self.side is AWAY else self.line

    @property
    def chances(self):
        return MARGINS if self.bet_type is BetType.SPREAD else GOALS

    @property
    def p(self):
        """What the model says of home or over, given that a stake is decided."""
        p = self.won / (1 - self.returned)
        return p if self.side in (HOME, OVER) else 1 - p

    @property
    def results(self):
        """What a unit brings at each of `chances`: a margin of k; of totals, k goals of the home team's."""
        scores = [(max(k, 0), max(-k, 0)) for k in self.chances]
        settled = [settle(self.bet_type, self.side, self.own_line, *score) for score in scores]
        return np.array([float(profit_per_unit(result, self.price)) for result in settled])


CASES = [
    Case(-0.25, (+130, -150), HOME, 0.40, 0.15, 0.40 * 1.3 - 0.30 / 2 - 0.30),  # a draw loses half
    Case(-0.75, (+220, -260), HOME, 0.30, 0.10, 0.20 * 2.2 + 0.20 * 1.1 - 0.60),  # a win by one wins half
    Case(+0.25, (-220, +200), AWAY, 0.30, 0.15, 0.30 * 2.0 - 0.30 / 2 - 0.40),  # away −.25: a draw loses half
    Case(+0.75, (-460, +420), AWAY, 0.20, 0.10, 0.10 * 4.2 + 0.20 * 2.1 - 0.70),  # away −.75: a win by one wins half
    Case(-1.25, (+400, -500), HOME, 0.20, 0.10, 0.20 * 4.0 - 0.20 / 2 - 0.60),  # a win by one loses half
    Case(-1.75, (+500, -700), AWAY, 0.80, 0.075, 0.80 / 7 - 0.15 / 2 - 0.05),  # away +1.75: a defeat by two loses half
    Case(+1.25, (-900, +700), HOME, 0.80, 0.10, 0.70 / 9 + 0.20 / 18 - 0.10),  # a defeat by one wins half
    Case(2.25, (-110, -110), OVER, 0.50, 0.125, 0.50 * 10 / 11 - 0.25 / 2 - 0.25),  # two goals lose half
    Case(2.75, (-110, -110), UNDER, 0.50, 0.125, 0.50 * 10 / 11 - 0.25 / 2 - 0.25),  # three goals lose half
    Case(1.75, (-240, +220), OVER, 0.625, 0.125, 0.50 / 2.4 + 0.25 / 4.8 - 0.25),  # two goals win half
    Case(3.25, (+220, -240), UNDER, 0.625, 0.125, 0.50 / 2.4 + 0.25 / 4.8 - 0.25),  # three goals win half
    Case(-0.5, (+160, -180), HOME, 0.40, 0.0, 0.40 * 1.6 - 0.60),  # no quarter line: nothing comes back
    Case(0.0, (+105, -120), HOME, 0.40, 0.30, 0.40 * 1.05 - 0.30),  # a draw returns all of it
]
every_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.side} of {case.line:+}" for case in CASES])


def as_hand_made(bet_type, chances):
    """The distribution that gives whole numbers these chances when it is centred at 1 (others next to nothing)."""
    integers = np.arange(-12, 14, dtype=np.float64)
    mass = integer_mass(np.array([1.0]), 1.2, integers)[0]
    weights = [chances[k] / mass[k + 12] if k in chances else 1e-12 for k in range(-12, 14)]
    return MarginDistribution(bet_type, 1.2, tuple(map(float, weights)), -12)


def published(line, prices, bet_type, p, blend=None):
    sides = (HOME, AWAY) if bet_type is BetType.SPREAD else (OVER, UNDER)
    lines = (line, -line if bet_type is BetType.SPREAD else line)
    offers = [
        ("g1", "B", str(bet_type), str(side), own, price) for side, own, price in zip(sides, lines, prices, strict=True)
    ]
    quotes = pd.DataFrame(offers, columns=["game_id", "book", "market", "selection", "line", "price"])
    as_of = KICKOFF - pd.Timedelta(seconds=60)
    boards = market_boards(
        frame_of(quotes.assign(is_sharp=False, recorded_at=as_of), ODDS_COLUMNS), [bet_type], DevigMethod.POWER
    )
    games = pd.DataFrame({"as_of": as_of, "kickoff": KICKOFF}, index=pd.Index(["g1"], name="game_id"))
    scores = ModelScores(bet_type, "m", pd.Series({"g1": p}), calibration_rows=2000, blend=blend)
    chances = MARGINS if bet_type is BetType.SPREAD else GOALS
    spreads = {bet_type: as_hand_made(bet_type, chances)}
    slate = predict_slate([scores], games, boards, spreads, build_policy(policy_config(), "EPL"))
    (prediction,) = slate.predictions
    return prediction


@every_case
def test_side_probability_push_and_value_are_those_worked_out_by_hand(case):
    made = published(case.line, case.prices, case.bet_type, case.p)
    assert (made.predicted_side, made.odds_at_prediction) == (case.side, case.price)
    assert made.line_at_prediction == case.own_line
    assert made.probability == pytest.approx(case.won / (1 - case.returned), abs=1e-6)
    assert made.push_probability == pytest.approx(case.returned, abs=2e-6)
    assert made.ev == pytest.approx(case.ev, abs=5e-6)
    assert prediction_hash_of(made.values()) == made.prediction_hash


@every_case
def test_the_value_is_what_settling_every_score_pays_on_average(case):
    assert case.results @ list(case.chances.values()) == pytest.approx(case.ev, abs=1e-9)


@every_case
def test_the_stake_is_a_quarter_of_kelly_on_what_is_decided_and_never_above_the_best_growth(case):
    made = published(case.line, case.prices, case.bet_type, case.p)
    net = case.price / 100 if case.price > 0 else 100 / -case.price
    full = max(0.0, case.ev) / (1 - case.returned) / net
    assert made.kelly_fraction == pytest.approx(min(0.25 * full, 0.02), abs=2e-6)
    stakes = np.linspace(0, 0.95, 951)
    growth = np.log1p(stakes[:, None] * case.results) @ list(case.chances.values())
    assert full <= stakes[growth.argmax()] + 1e-3


def test_the_market_at_a_quarter_line_speaks_of_the_decided_stake_too():
    made = published(-0.25, (-110, -110), BetType.SPREAD, 0.6, MarketBlend(0.0, 1.0))
    assert (made.probability, made.fair_probability, made.edge) == (0.5, 0.5, 0.0)
    assert made.ev == pytest.approx((1 - made.push_probability) * (0.5 * 21 / 11 - 1), abs=1e-6)
