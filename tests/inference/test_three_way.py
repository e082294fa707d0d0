"""Moneylines with a draw: of three sides the one worth most, explained to the last bit of its log-odds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from aipro_ml.betting.margin import devig
from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.calibration.outcomes import MultinomialPlatt
from aipro_ml.calibration.venn_abers import OutcomeIntervals, VennAbers
from aipro_ml.config import policy_config
from aipro_ml.enums import BetType, DevigMethod, Selection, Tier
from aipro_ml.features.records import ODDS_COLUMNS, frame_of
from aipro_ml.inference.explain import explain, explained_rows
from aipro_ml.inference.outcome_odds import outcome_log_odds
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.predictor import AbstentionReason, ModelScores, outcome_probabilities, predict_slate
from aipro_ml.inference.quotes import market_boards
from aipro_ml.training.ensemble import ensemble
from aipro_ml.training.sklearn import SklearnModel, SklearnTrainer
from aipro_ml.training.stacking import Pool
from tests.training.league import three_way_league

KICKOFF = pd.Timestamp("2022-09-11T17:00:00Z")
AS_OF = KICKOFF - pd.Timedelta(seconds=60)
POLICY = build_policy(policy_config(), "EPL")
PRICES = (120, 240, 230)
HOME, DRAW, AWAY = Selection.HOME, Selection.DRAW, Selection.AWAY


def board(*games, prices=PRICES, sides=("home", "draw", "away")):
    names = ["game_id", "book", "market", "selection", "line", "price"]
    rows = [
        (game, "B", "moneyline", side, np.nan, price)
        for game in games
        for side, price in zip(("home", "draw", "away"), prices, strict=True)
        if side in sides
    ]
    quotes = pd.DataFrame(rows, columns=names).assign(is_sharp=False, recorded_at=AS_OF)
    return market_boards(frame_of(quotes, ODDS_COLUMNS), [BetType.MONEYLINE], DevigMethod.POWER, three_way=True)


def said(home, draw, **changed):
    series = [pd.Series({"g1": value}, dtype="float64") for value in (home, draw)]
    scores = ModelScores(BetType.MONEYLINE, "model", series[0], draw=series[1], calibration_rows=2000)
    return replace(scores, **changed)


def slate(scores, boards=None, policy=POLICY):
    games = pd.DataFrame({"as_of": AS_OF, "kickoff": KICKOFF}, index=pd.Index(["g1"], name="game_id"))
    return predict_slate([scores], games, board("g1") if boards is None else boards, {}, policy)


@pytest.mark.parametrize(
    ("home", "draw", "side", "p", "price"),
    [(0.5, 0.2, HOME, 0.5, 120), (0.4, 0.35, DRAW, 0.35, 240), (0.3, 0.25, AWAY, 0.45, 230)],
)
def test_the_side_of_largest_value_is_published_with_its_own_numbers(home, draw, side, p, price):
    (found,) = slate(said(home, draw)).predictions
    fair = devig([list(PRICES)], DevigMethod.POWER).probabilities[0][[HOME, DRAW, AWAY].index(side)]
    assert (found.predicted_side, found.probability, found.odds_at_prediction) == (side, p, price)
    assert found.ev == pytest.approx(p * (1 + price / 100) - 1, abs=1e-6)
    assert found.edge == pytest.approx(p - fair, abs=2e-6)
    assert (found.fair_probability, found.push_probability) == (round(fair, 6), 0.0)
    assert (found.line_at_prediction, found.book, found.signal_tier) == (None, "B", Tier.A)
    b = price / 100
    assert found.kelly_fraction == pytest.approx(min(0.02, 0.25 * (b * p - (1 - p)) / b), abs=1e-6)


def test_the_likeliest_side_is_published_by_the_other_policy():
    (found,) = slate(said(0.4, 0.35), policy=replace(POLICY, side="probability")).predictions
    assert (found.predicted_side, found.probability) == (HOME, 0.4)
    assert found.kelly_fraction == 0.0


def test_a_market_that_does_not_price_the_draw_has_no_fair_value():
    (found,) = slate(said(0.4, 0.35), board("g1", sides=("home", "away"))).predictions
    assert (found.predicted_side, found.edge, found.signal_tier) == (HOME, None, Tier.D)
    (missing,) = slate(said(0.4, 0.35), board("g2")).abstentions
    assert missing.reason is AbstentionReason.NO_FRESH_QUOTE


def test_calibrator_and_blend_are_applied_to_all_three():
    calibrator, blend = MultinomialPlatt(0.5, (0.0, 0.2, 0.0), 900), MarketBlend(0.4, 0.5)
    scores = said(0.6, 0.2, calibrator=calibrator, calibration_version=calibrator.version, blend=blend)
    (found,) = slate(scores).predictions
    raw = np.array([0.6, 0.2, 0.2])
    calibrated = raw**0.5 * np.exp([0.0, 0.2, 0.0])
    calibrated /= calibrated.sum()
    fair = devig([list(PRICES)], DevigMethod.POWER).probabilities[0]
    published = calibrated**0.4 * fair**0.5
    published /= published.sum()
    at = [HOME, DRAW, AWAY].index(found.predicted_side)
    assert found.model_probability == raw[at]
    assert found.calibrated_probability == pytest.approx(calibrated[at], abs=1e-6)
    assert found.probability == pytest.approx(published[at], abs=1e-6)
    assert at == np.argmax(published * (1 + np.array(PRICES) / 100))


def test_the_interval_is_that_of_the_published_side_and_holds_its_probability():
    always = tuple(VennAbers(((0.0, low),), ((1.0, high),), 500) for low, high in ((0.1, 0.2), (0.3, 0.4), (0.2, 0.3)))
    (bare,) = slate(said(0.4, 0.35, interval=OutcomeIntervals(always))).predictions
    assert (bare.probability_low, bare.probability, bare.probability_high) == (0.3, 0.35, 0.4)
    (found,) = slate(said(0.4, 0.35, interval=OutcomeIntervals(always), blend=MarketBlend(0.5, 0.5))).predictions
    assert found.probability_low < found.probability < found.probability_high
    assert found.probability_high - found.probability_low < 0.1
    (market,) = slate(said(0.4, 0.35, interval=OutcomeIntervals(always), blend=MarketBlend())).predictions
    assert market.probability_low == market.probability == market.probability_high


LEAGUE = three_way_league(seasons=3, games=150)
GAMES = LEAGUE.X.iloc[:12]


def fitted(name, **params):
    return SklearnTrainer(name).fit(LEAGUE, LEAGUE.outcomes, params, 1)


@pytest.fixture(scope="module")
def models():
    found = {
        "logistic": fitted("logistic_regression"),
        "lightgbm": fitted("lightgbm", n_estimators=12, num_leaves=4),
        "histogram": fitted("hist_gradient_boosting", max_iter=8),
        "named": fitted("sklearn.naive_bayes.GaussianNB", impute="median"),
    }
    pool = Pool((0.6, 0.5), None, 500)
    return found | {"stack": ensemble(LEAGUE.feature_names, {n: found[n] for n in ("logistic", "lightgbm")}, pool)}


@pytest.mark.parametrize("name", ["logistic", "lightgbm", "histogram", "named", "stack"])
def test_an_explanation_sums_to_the_logit_of_the_published_probability(models, name):
    model = models[name]
    assert isinstance(model, SklearnModel) or name == "stack"
    X = GAMES.iloc[:2] if name == "named" else GAMES  # permutations are slow
    p = outcome_probabilities(model, X)
    scores = ModelScores(
        BetType.MONEYLINE, "model", p["home"], draw=p["draw"], blend=MarketBlend(0.5, 0.5), calibration_rows=2000
    )
    games = pd.DataFrame({"as_of": AS_OF, "kickoff": KICKOFF}, index=X.index)
    published = predict_slate([scores], games, board(*X.index), {}, POLICY).predictions
    assert len(published) == len(X)
    rows = explain(model, X, published, background=LEAGUE.X.iloc[100:105])
    sums = rows.groupby("prediction_id")["shap_value"].sum()
    for one in published:
        assert sums[one.key] == pytest.approx(np.log(one.probability / (1 - one.probability)), abs=1e-9)
    home = explained_rows(model, X, LEAGUE.X.iloc[100:105]).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-home)), p["home"], atol=2e-6)


def test_contributions_are_the_integral_along_the_straight_way():
    random = np.random.default_rng(3)
    features, base = random.normal(size=(1, 3, 4)), random.normal(size=(1, 3))
    values, log_odds = outcome_log_odds(features, base, np.array([1]))

    def rate(t, feature):
        z = base[0] + t * features[0].sum(axis=1)
        share = np.exp(z[[0, 2]]) / np.exp(z[[0, 2]]).sum()
        return features[0, 1, feature] - share @ features[0, [0, 2], feature]

    for feature in range(4):
        assert values[0, feature] == pytest.approx(quad(rate, 0, 1, args=(feature,))[0], abs=1e-10)
    start = np.exp(base[0]) / np.exp(base[0]).sum()
    assert log_odds[0] == pytest.approx(np.log(start[1] / (1 - start[1])))


def test_a_feature_that_moves_the_other_two_alike_is_told_exactly():
    features, base = np.zeros((1, 3, 2)), np.zeros((1, 3))
    features[0, :, 0] = (0.0, 1.0, 1.0)  # the others' difference stays nil: no way at all to integrate along
    values, _ = outcome_log_odds(features, base, np.array([0]))
    np.testing.assert_allclose(values, [[-1.0, 0.0]], atol=1e-12)
