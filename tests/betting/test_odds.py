"""Odds conversions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.betting.odds import (
    american_to_decimal,
    decimal_to_american,
    implied_probability,
    net_odds,
    valid_american,
)

AMERICAN = st.one_of(st.integers(-20000, -101), st.integers(100, 20000))


@pytest.mark.parametrize(
    ("american", "decimal"),
    [(100, 2.0), (-100, 2.0), (150, 2.5), (-150, 5 / 3), (-110, 21 / 11), (1500, 16.0)],
)
def test_american_odds_have_one_decimal_value(american, decimal):
    assert float(american_to_decimal(american)) == pytest.approx(decimal, abs=1e-12)
    assert float(net_odds(american)) == pytest.approx(decimal - 1, abs=1e-12)
    assert float(implied_probability(american)) == pytest.approx(1 / decimal, abs=1e-12)


@pytest.mark.parametrize("price", [0, 99, -99, 99.9, float("nan"), float("inf"), float("-inf")])
def test_an_impossible_scalar_price_is_refused(price):
    assert not valid_american(price)
    with pytest.raises(ValueError, match=r"^American odds must be <= -100 or >= 100, got -?[0-9a-z.]+$"):
        american_to_decimal(price)


def test_in_an_array_nan_is_a_missing_price_but_a_wrong_one_is_refused():
    assert np.isnan(american_to_decimal([np.nan, -110.0])).tolist() == [True, False]
    assert valid_american([np.nan, -110.0, 50, np.inf, 100]).tolist() == [False, True, False, False, True]
    with pytest.raises(ValueError, match="got 50"):
        american_to_decimal([np.nan, -110.0, 50])


@pytest.mark.parametrize("decimal", [1.0, 0.5, float("nan"), float("inf")])
def test_decimal_odds_must_pay_something(decimal):
    with pytest.raises(ValueError, match=r"^decimal odds must be finite and greater than 1$"):
        decimal_to_american(decimal)


def test_even_money_is_plus_one_hundred_and_a_hair_below_minus_one_hundred():
    assert decimal_to_american([2.0, 1.9999, np.nan]).tolist()[:2] == [100.0, -100.0]


@given(AMERICAN)
def test_whole_american_odds_survive_the_way_to_decimal_and_back(american):
    assert float(decimal_to_american(american_to_decimal(american))) == american
