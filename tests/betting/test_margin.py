"""Margin removal against a scalar oracle and its laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from aipro_ml import metrics
from aipro_ml.betting.margin import devig, devig_implied
from aipro_ml.betting.settlement import settle_reference
from aipro_ml.enums import BetType, DevigMethod

METHODS = list(DevigMethod)


def oracle(q, method):
    """One market at a time by a root finder, from the textbook equations; None where undefined."""
    q = np.asarray(q)
    total = q.sum()
    if method is DevigMethod.MULTIPLICATIVE:
        return q / total
    if method is DevigMethod.ADDITIVE:
        p = q - (total - 1) / len(q)
        return p if (p > 0).all() else None
    if method is DevigMethod.POWER:
        return q ** brentq(lambda k: (q**k).sum() - 1, 1e-3, 200, xtol=1e-14)
    if method is DevigMethod.ODDS_RATIO:
        return _odds_ratio(q, np.exp(brentq(lambda t: _odds_ratio(q, np.exp(t)).sum() - 1, -12, 12, xtol=1e-14)))
    if total < 1:
        return None
    return _shin(q, brentq(lambda z: _shin(q, z).sum() - 1, 0, 0.999999, xtol=1e-15)) if total > 1 else q


def _odds_ratio(q, ratio):
    return q / (ratio + q - ratio * q)


def _shin(q, z):
    return (np.sqrt(z**2 + 4 * (1 - z) * q**2 / q.sum()) - z) / (2 * (1 - z))


def markets(sides):
    """Implied probabilities of `sides` outcomes with a margin between −3 and +20 %."""
    weights = st.lists(st.floats(0.03, 1), min_size=sides, max_size=sides)
    return st.tuples(weights, st.floats(-0.03, 0.2)).map(
        lambda drawn: np.array(drawn[0]) / sum(drawn[0]) * (1 + drawn[1])
    ).filter(lambda q: q.max() < 0.97)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.one_of(markets(2), markets(3)), st.sampled_from(METHODS))
def test_every_method_sums_to_one_keeps_the_order_and_equals_the_scalar_oracle(q, method):
    devigged = devig_implied(q[None, :], method)
    p = devigged.probabilities[0]
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert ((p > 0) & (p < 1)).all()
    by_price = np.argsort(q, kind="stable")
    assert (np.diff(p[by_price]) >= -1e-12).all()
    expected = oracle(q, method)
    if expected is not None and abs(q.sum() - 1) > 1e-8:
        assert p == pytest.approx(expected, abs=1e-9)
        assert not devigged.fell_back[0]


@pytest.mark.parametrize("method", METHODS)
def test_rows_do_not_speak_to_each_other(method):
    prices = np.array([[-110, -110], [-1000, 650], [np.nan, -110], [130, -150], [110, 105]], dtype=float)
    together = devig(prices, method)
    for row, alone in enumerate(devig(prices[[row]], method) for row in range(len(prices))):
        assert together.probabilities[row] == pytest.approx(alone.probabilities[0], abs=1e-15, nan_ok=True)
        assert together.fell_back[row] == alone.fell_back[0]


@pytest.mark.parametrize("method", METHODS)
def test_prices_without_a_margin_are_returned_as_they_are(method):
    for prices in ([100, -100], [-300, 300], [200, 200, 200]):
        devigged = devig([prices], method)
        assert devigged.probabilities[0] == pytest.approx(1 / _decimals(prices), abs=1e-12)
        assert devigged.overround[0] == pytest.approx(0, abs=1e-12)
        assert not devigged.fell_back[0]


def _decimals(prices):
    return np.array([1 + a / 100 if a > 0 else 1 - 100 / a for a in prices])


def test_for_two_sides_shin_is_additive():
    prices = [[-1000, 650], [-150, 130], [105, -125]]
    shin, additive = devig(prices, DevigMethod.SHIN), devig(prices, DevigMethod.ADDITIVE)
    assert shin.probabilities == pytest.approx(additive.probabilities, abs=1e-14)


def test_a_long_price_shows_the_difference_between_the_methods():
    by_method = {m: devig([[-1000, 650]], m).probabilities[0, 0] for m in METHODS}
    assert by_method[DevigMethod.MULTIPLICATIVE] == pytest.approx(0.872, abs=5e-4)
    assert by_method[DevigMethod.SHIN] == pytest.approx(0.888, abs=5e-4)
    assert by_method[DevigMethod.POWER] == pytest.approx(0.898, abs=5e-4)


def test_shin_falls_back_to_multiplicative_where_the_market_is_under_round_and_flags_it():
    shin = devig([[110, 105], [-110, -110]], DevigMethod.SHIN)
    assert shin.fell_back.tolist() == [True, False]
    assert shin.probabilities[0] == pytest.approx(devig([[110, 105]], DevigMethod.MULTIPLICATIVE).probabilities[0])
    assert shin.overround[0] < 0


def test_additive_falls_back_to_power_where_a_probability_would_be_negative_and_flags_it():
    q = [[1 / 1.02, 1 / 21, 1 / 101]]
    additive = devig_implied(q, DevigMethod.ADDITIVE)
    assert additive.fell_back.tolist() == [True]
    assert additive.probabilities == pytest.approx(devig_implied(q, DevigMethod.POWER).probabilities)


def test_a_missing_price_leaves_the_whole_row_unknown():
    devigged = devig([[np.nan, -110], [-110, -110]])
    assert np.isnan(devigged.probabilities[0]).all()
    assert np.isnan(devigged.overround[0])
    assert devigged.probabilities[1].tolist() == [0.5, 0.5]


def test_no_rows_in_no_rows_out():
    for method in METHODS:
        assert devig(np.empty((0, 2)), method).probabilities.shape == (0, 2)


def test_one_sided_and_impossible_prices_are_refused():
    with pytest.raises(ValueError, match="at least two sides"):
        devig([[-110]])
    with pytest.raises(ValueError, match="American odds"):
        devig([[0, -110]])


@pytest.mark.real_data
def test_the_power_devigged_nfl_close_has_its_known_log_loss(nflverse_file):
    games = pd.read_csv(nflverse_file).query("2012 <= season <= 2022")
    devigged = devig(games[["home_moneyline", "away_moneyline"]].to_numpy("float64"))
    won = settle_reference(BetType.MONEYLINE, None, games["home_score"], games["away_score"])
    scored = ~np.isnan(devigged.probabilities[:, 0]) & ~np.isnan(won)
    assert scored.sum() == 2961
    assert metrics.log_loss(devigged.probabilities[scored, 0], won[scored]) == pytest.approx(0.6094, abs=5e-4)


@pytest.mark.parametrize("method", METHODS)
def test_markets_together_are_what_they_are_alone(method):
    three = np.array([[0.5, 0.3, 0.25], [0.9, 0.08, 0.06], [0.34, 0.36, 0.38], [0.02, 0.05, 0.97]])
    for q in (three, np.array([[0.5, 0.55], [0.95, 0.08], [0.3, 0.78]])):
        together = devig_implied(q, method)
        for row, one in enumerate(q):
            alone = devig_implied([one], method)
            assert together.probabilities[row] == pytest.approx(alone.probabilities[0], abs=1e-12)
            assert together.overround[row] == alone.overround[0]
            assert together.fell_back[row] == alone.fell_back[0]
        assert together.fell_back.dtype == bool


@pytest.mark.parametrize("sides", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_markets_of_one_call_are_to_the_bit_what_each_alone_is_and_what_the_oracle_says(method, sides):
    chance = np.random.default_rng(sides)
    q = chance.dirichlet(np.full(sides, 2.0), 80) * chance.uniform(1.01, 1.15, (80, 1))
    q = q[q.max(axis=1) < 0.97]
    together = devig_implied(q, method).probabilities
    assert (together == np.vstack([devig_implied([one], method).probabilities for one in q])).all()
    for one, fair in zip(q, together, strict=True):
        expected = oracle(one, method)
        assert expected is None or fair == pytest.approx(expected, abs=1e-9)


def test_an_additive_probability_of_exactly_nothing_falls_back():
    q = [0.125, 0.75, 0.5]  # S − 1 is .375, a third of it the first price itself
    found = devig_implied([q], DevigMethod.ADDITIVE)
    assert found.fell_back.tolist() == [True]
    assert found.probabilities[0] == pytest.approx(devig_implied([q], DevigMethod.POWER).probabilities[0])


def test_a_one_sided_price_is_refused_in_words():
    with pytest.raises(ValueError, match=r"^a market has at least two sides: a one-sided price cannot be devigged$"):
        devig_implied([[0.5]])


def test_what_nobody_prices_whole_is_unknown_and_no_fallback():
    found = devig_implied([[0.5, np.nan], [np.nan, np.nan]], DevigMethod.SHIN)
    assert np.isnan(found.probabilities).all()
    assert found.fell_back.dtype == bool
    assert found.fell_back.tolist() == [False, False]
