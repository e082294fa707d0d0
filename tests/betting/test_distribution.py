"""The discretised margin model against sums over every integer, and key numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from aipro_ml.betting.distribution import MarginDistribution, learn_key_numbers
from aipro_ml.enums import BetType

NFL = MarginDistribution(BetType.SPREAD, 13.2)
KEYED = MarginDistribution(BetType.SPREAD, 13.2, (1.8, 0.7, 2.7, 0.2, 2.7, 0.7, 1.8), lowest=-3)
TOTAL = MarginDistribution(BetType.TOTAL, 13.3, (0.6, 1.4, 1.2), lowest=43)
HALVES = st.integers(-60, 60).map(lambda halves: halves / 2)


def by_summation(distribution, mean, threshold):
    """P(X > t), P(X = t), P(X < t) by adding up every integer within 15 sd."""
    reach = int(15 * distribution.sd) + 1
    k = np.arange(int(mean) - reach, int(mean) + reach + 1)
    mass = norm.cdf((k + 0.5 - mean) / distribution.sd) - norm.cdf((k - 0.5 - mean) / distribution.sd)
    weight = dict(enumerate(distribution.weights, start=distribution.lowest))
    mass = mass * np.array([weight.get(int(integer), 1.0) for integer in k])
    mass /= mass.sum()
    return mass[k > threshold].sum(), mass[k == threshold].sum(), mass[k < threshold].sum()


@settings(deadline=None)
@given(st.floats(-20, 20), HALVES, st.sampled_from([NFL, KEYED]))
def test_win_push_and_lose_are_the_sums_over_the_integers(mean, line, distribution):
    chances = distribution.win_push_lose(mean, line)
    assert (chances.win, chances.push, chances.lose) == pytest.approx(by_summation(distribution, mean, -line), abs=1e-9)


def test_over_wins_above_the_total():
    chances = TOTAL.win_push_lose(44.8, 44.0)
    assert (chances.win, chances.push, chances.lose) == pytest.approx(by_summation(TOTAL, 44.8, 44.0), abs=1e-9)


@settings(deadline=None)
@given(HALVES, st.floats(0.01, 0.99), st.sampled_from([NFL, KEYED, TOTAL]))
def test_the_matched_mean_gives_the_probability_back(line, p, distribution):
    mean = distribution.match_mean(line, p)
    assert float(distribution.win_push_lose(mean, line).win_given_no_push) == pytest.approx(p, abs=1e-9)


def test_an_even_half_point_line_is_its_own_mean():
    assert float(NFL.match_mean(-3.5, 0.5)) == pytest.approx(3.5)
    assert float(MarginDistribution(BetType.TOTAL, 13.3).match_mean(46.5, 0.5)) == pytest.approx(46.5)


def test_a_quarter_line_is_worth_the_mean_of_its_two_half_stakes():
    def ev(line):
        chances = KEYED.win_push_lose(2.0, line)
        return float(chances.win * 0.9 - chances.lose)

    assert ev(-3.25) == pytest.approx((ev(-3.0) + ev(-3.5)) / 2)


def test_unknown_rows_stay_unknown_and_disturb_no_other():
    means = KEYED.match_mean([-3.0, np.nan, -3.0], [0.55, 0.5, np.nan])
    assert np.isnan(means).tolist() == [False, True, True]
    assert means[0] == pytest.approx(float(KEYED.match_mean(-3.0, 0.55)))
    assert np.isnan(NFL.win_push_lose([1.0], [np.nan]).push).all()


def test_extreme_probabilities_have_a_finite_mean():
    assert np.isfinite(KEYED.match_mean([-3.0, -3.0, 30.0], [0.0, 1.0, 1e-15])).all()


@pytest.mark.parametrize(
    "arguments", [(BetType.MONEYLINE, 13.2), (BetType.SPREAD, 0.0), (BetType.SPREAD, 13.2, (0.0,))]
)
def test_impossible_distributions_are_refused(arguments):
    with pytest.raises(ValueError, match=r"moneyline|positive"):
        MarginDistribution(*arguments)


def test_games_drawn_from_a_plain_normal_teach_weights_near_one():
    random = np.random.default_rng(3)
    lines = random.choice([-7.5, -3.0, -2.5, 1.0, 4.5], size=40_000)
    margins = np.rint(random.normal(-lines, 13.2))
    learned = learn_key_numbers(BetType.SPREAD, margins, lines, 13.2)
    assert np.array(learned.weights) == pytest.approx(1, abs=0.25)
    middle = np.array(learned.weights)[-10 - learned.lowest : 11 - learned.lowest]
    assert middle == pytest.approx(1, abs=0.12)


def test_a_key_number_is_learned_for_both_signs_and_few_games_barely_move_it():
    learned = learn_key_numbers(BetType.SPREAD, np.full(400, 3.0), np.full(400, -3.0), 13.2)
    by_integer = dict(enumerate(learned.weights, start=learned.lowest))
    assert by_integer[3] == by_integer[-3] > 5
    shy = learn_key_numbers(BetType.SPREAD, [3.0, np.nan], [-3.0, -3.0], 13.2)
    assert max(shy.weights) < 1.06
    total = learn_key_numbers(BetType.TOTAL, [44.0, 41.0], [44.5, 41.0], 13.3)
    assert (total.lowest, len(total.weights)) == (41, 4)


def test_no_known_game_teaches_nothing():
    assert learn_key_numbers(BetType.SPREAD, [np.nan], [-3.0], 13.2) == NFL


@pytest.mark.real_data
def test_nfl_margins_of_three_push_about_as_often_as_they_did(nflverse_file):
    games = pd.read_csv(nflverse_file, usecols=["season", "home_score", "away_score", "spread_line"])
    games = games.dropna()
    margin = (games["home_score"] - games["away_score"]).to_numpy(float)
    line = -games["spread_line"].to_numpy(float)  # nflverse's sign is the opposite of ours
    earlier = (games["season"] < 2012).to_numpy()
    learned = learn_key_numbers(BetType.SPREAD, margin[earlier], line[earlier], 13.2)
    threes = ~earlier & (np.abs(line) == 3)
    pushes = float(np.mean(margin[threes] == -line[threes]))

    def predicted(distribution):
        mean = distribution.match_mean(line[threes], 0.5)
        return float(distribution.win_push_lose(mean, line[threes]).push.mean())

    assert predicted(learned) == pytest.approx(pushes, abs=0.02)
    assert predicted(NFL) == pytest.approx(0.030, abs=0.001)


def test_a_rows_mean_and_chances_have_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(8)
    lines, p = rng.integers(-40, 40, 60) / 4, rng.uniform(0.05, 0.95, 60)
    lines[7], p[11] = np.nan, np.nan
    means = KEYED.match_mean(lines, p)
    push = KEYED.win_push_lose(means, lines).push
    for line, chance, mean, pushed in zip(lines, p, means, push, strict=True):
        np.testing.assert_array_equal(KEYED.match_mean(line, chance), mean)
        np.testing.assert_array_equal(KEYED.win_push_lose(mean, line).push, pushed)
