"""Chances at a line against SciPy's own distributions, and the parameters against draws of known ones."""

import numpy as np
import pytest
from scipy import stats

from aipro_ml.props.distribution import Spread, fit_spread

FAMILIES = ("poisson", "negative_binomial", "gamma", "normal")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("line", [0.5, 3.0, 4.5, 60.0])
def test_over_push_and_under_make_one_and_a_half_line_pushes_nobody(family, line):
    mean = np.array([0.2, 1.0, 4.0, 55.0])
    told = Spread(family, 0.3, 0.1).chances(mean, np.full(4, line))
    assert np.allclose(told.over + told.push + told.under, 1.0)
    assert (told.over >= 0).all()
    assert (told.push == 0).all() if line % 1 else (told.push[:3] >= 0).all()
    assert (np.diff(told.over_given_no_push) > -1e-9).all()  # the more is expected, the likelier the over


def test_a_count_has_the_chances_scipy_gives_it():
    mean, line = np.array([0.7, 2.5, 9.0]), np.array([0.5, 3.0, 8.5])
    told = Spread("negative_binomial", np.log(0.4)).chances(mean, line)
    twin = stats.nbinom(1 / 0.4, (1 / 0.4) / (1 / 0.4 + mean))
    assert np.allclose(told.over, twin.sf(np.floor(line)))
    assert np.allclose(told.push, np.where(line % 1, 0, twin.pmf(line)))
    assert np.allclose(Spread("poisson").chances(mean, line).over, stats.poisson(mean).sf(np.floor(line)))


def test_yards_are_cut_between_whole_numbers():
    told = Spread("gamma", np.log(1.5)).chances(np.array([40.0]), np.array([50.0]))
    twin = stats.gamma(1.5, scale=40 / 1.5)
    assert np.allclose(told.push, twin.cdf(50.5) - twin.cdf(49.5))
    assert np.allclose(told.over, twin.sf(50.5))
    normal = Spread("normal", np.log(70.0)).chances(np.array([240.0]), np.array([249.5]))
    assert np.allclose(normal.over, stats.norm(240, 70).sf(249.5))


def test_the_scatter_and_its_family_are_found_again():
    rng = np.random.default_rng(4)
    mean = rng.uniform(2, 12, 3000)
    counts = rng.negative_binomial(1 / 0.5, 1 / (1 + 0.5 * mean)).astype("float64")
    found = fit_spread(mean, counts, ("poisson", "negative_binomial"))
    assert found.family == "negative_binomial"
    assert np.exp(found.a + found.b * np.log(6.0)) == pytest.approx(0.5, rel=0.15)
    assert fit_spread(mean, rng.poisson(mean).astype("float64"), ("poisson", "gamma")).family == "poisson"
