"""Stakes against a numeric optimum, and the caps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from aipro_ml.betting.edge import edge, expected_value
from aipro_ml.betting.kelly import apply_caps, full_kelly, kelly_fraction, kelly_shrink
from aipro_ml.betting.odds import american_to_decimal
from tests.soak import size

P = st.floats(0.02, 0.98)
PRICE = st.one_of(st.integers(-2000, -101), st.integers(100, 2000))


@settings(max_examples=50, deadline=None)
@given(P, PRICE, st.floats(0, 0.3))
def test_full_kelly_is_the_numeric_optimum_of_log_growth_with_pushes(p, price, push):
    b = float(american_to_decimal(price)) - 1
    best = minimize_scalar(
        lambda f: -(1 - push) * (p * np.log1p(b * f) + (1 - p) * np.log1p(-f)),
        bounds=(0, 1 - 1e-9),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert float(full_kelly(p, price)) == pytest.approx(best.x, abs=2e-5)


def test_thousands_of_stakes_are_the_numeric_optimum():
    cases = size(500, 10_000)
    random = np.random.default_rng(11)
    p, push = random.uniform(0.02, 0.98, cases), random.uniform(0, 0.3, cases)
    price = random.integers(100, 2000, cases) * random.choice([-1, 1], cases)
    decimal = american_to_decimal(price)
    best = [
        minimize_scalar(
            lambda f, w=w, q=q, b=b: -(1 - q) * (w * np.log1p(b * f) + (1 - w) * np.log1p(-f)),
            bounds=(0, 1 - 1e-9),
            method="bounded",
            options={"xatol": 1e-10},
        ).x
        for w, q, b in zip(p, push, decimal - 1, strict=True)
    ]
    np.testing.assert_allclose(full_kelly(p, price), best, atol=2e-5)


@given(P, PRICE, st.floats(0, 0.5))
def test_a_stake_is_positive_exactly_where_the_expected_value_is(p, price, push):
    ev = float(expected_value(p, american_to_decimal(price), push))
    assert (float(kelly_fraction(p, price)) > 0) == (ev > 0)


def test_the_break_even_probability_stakes_nothing():
    assert float(kelly_fraction(11 / 21 - 1e-12, -110)) == 0
    assert float(kelly_fraction(0.6, -150)) == pytest.approx(0, abs=1e-15)


def test_fraction_and_cap_and_shrink_apply_in_that_order():
    assert float(kelly_fraction(0.55, -110, 0.25, 1.0)) == pytest.approx(0.01375)
    assert float(kelly_fraction(0.75, -110, 0.25, 0.02)) == 0.02
    assert float(kelly_fraction(0.55, -110, 0.25, 1.0, shrink=0.5)) == pytest.approx(0.006875)
    assert kelly_fraction([0.55, np.nan], [-110, -110]).tolist()[0] == pytest.approx(0.01375)
    assert np.isnan(kelly_fraction([0.55, np.nan], [-110, -110])[1])


@given(P, PRICE, st.floats(0.001, 0.2))
def test_shrinkage_lies_between_nothing_and_one_and_grows_with_certainty(p, price, sd):
    assume(float(full_kelly(p, price)) > 1e-6)
    shrink, surer = float(kelly_shrink(p, price, sd)), float(kelly_shrink(p, price, sd / 2))
    assert 0 < shrink < surer <= 1
    assert float(kelly_shrink(p, price, 0.0)) == 1


def test_the_factor_is_that_of_the_formula():
    # full Kelly .055 at −110; (b + 1)/b is 2.1: .055² / (.055² + (2.1 · .04)²)
    assert float(kelly_shrink(0.55, -110, 0.04)) == pytest.approx(0.003025 / (0.003025 + 0.007056))
    # full Kelly .35 at +100; (b + 1)/b is 2
    assert float(kelly_shrink(0.675, 100, 0.1)) == pytest.approx(0.1225 / (0.1225 + 0.04))


def test_a_stake_is_a_quarter_of_kelly_and_at_most_two_in_a_hundred_unless_told_otherwise():
    assert float(kelly_fraction(0.55, -110)) == pytest.approx(0.055 / 4)
    assert float(kelly_fraction(0.9, 100)) == 0.02


def test_nothing_to_stake_shrinks_to_nothing():
    assert float(kelly_shrink(0.5, -110, 0.02)) == 0
    assert float(kelly_shrink(0.5, -110, 0.0)) == 0


def test_correlated_bets_of_one_game_share_its_cap_and_the_slate_its_own():
    stakes = apply_caps([0.02, 0.02, 0.01, 0.0], ["a", "a", "b", "c"], game_cap=0.02, slate_cap=0.15)
    assert stakes == pytest.approx([0.01, 0.01, 0.01, 0.0])
    slate = apply_caps(np.full(20, 0.02), [f"g{i}" for i in range(20)], game_cap=0.02, slate_cap=0.15)
    assert slate == pytest.approx(np.full(20, 0.0075))
    assert apply_caps([], [], 0.02, 0.15).shape == (0,)


@given(st.lists(st.tuples(st.floats(0, 0.05), st.integers(0, 5)), min_size=1, max_size=40))
def test_no_cap_is_ever_broken_and_no_stake_grows(bets):
    stakes, games = (np.array(column) for column in zip(*bets, strict=True))
    capped = apply_caps(stakes, games, 0.02, 0.06)
    assert (capped <= stakes + 1e-15).all()
    assert capped.sum() <= 0.06 + 1e-12
    assert all(capped[games == game].sum() <= 0.02 + 1e-12 for game in set(games))
    if stakes.sum() <= 0.02:
        assert capped == pytest.approx(stakes, abs=0)


def test_edge_is_measured_from_the_fair_market_and_unknown_without_one():
    assert edge([0.55, 0.55], [0.5, np.nan])[0] == pytest.approx(0.05)
    assert np.isnan(edge(0.55, np.nan))
    assert float(expected_value(0.55, 21 / 11, 0.09)) == pytest.approx(0.91 * 0.05)
