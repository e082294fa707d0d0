"""How a player's figure scatters around what is expected of it, and the chances of over, push and under at a line.

Every figure is a whole number. Counts are Poisson or negative binomial (variance μ + αμ²), yards and minutes' worth may
be gamma or normal, cut at the halves between whole numbers. The scatter may grow or shrink with the mean: the one
parameter beside it is exp(a + b · ln μ): α, the gamma's shape, or the normal's standard deviation.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aipro_ml.config.props import Family

FloatArray = npt.NDArray[np.float64]

LEAST_CHANCE = 1e-12
"""A whole number is never impossible: one that seemed so must not make a likelihood infinite."""

LEAST_MEAN = 1e-3
_BOUNDS = (-7.0, 7.0)
"""Of ln of the parameter: beyond, a negative binomial is Poisson and a gamma a point."""

_LARGEST_FIT = 2000
"""The latest so many rows say how a figure scatters: two parameters need no more."""

_STARTS = {"negative_binomial": (-0.5, 0.0), "gamma": (0.5, 0.0), "normal": (1.0, 0.7)}


@dataclass(frozen=True)
class Chances:
    """P(over), P(push) and P(under) at a line, each (n,); they add up to 1."""

    over: FloatArray
    push: FloatArray
    under: FloatArray

    @property
    def over_given_no_push(self) -> FloatArray:
        """Return P(over) given that the stake is not returned, (n,)."""
        settled = np.maximum(self.over + self.under, LEAST_CHANCE)
        return np.asarray(self.over / settled, dtype=np.float64)


@dataclass(frozen=True)
class Spread:
    """A family and its two parameters; `log_likelihood` is the mean of a row, in nats, of `n` rows."""

    family: Family
    a: float = 0.0
    b: float = 0.0
    log_likelihood: float = 0.0
    n: int = 0

    def at_most(self, mean: npt.ArrayLike, whole: npt.ArrayLike) -> FloatArray:
        """Return P(figure ≤ whole), shape (n,); `whole` are whole numbers."""
        mu = np.maximum(np.asarray(mean, dtype=np.float64), LEAST_MEAN)
        return _CDF[self.family](mu, self._parameter(mu), np.asarray(whole, dtype=np.float64))

    def chances(self, mean: npt.ArrayLike, line: npt.ArrayLike) -> Chances:
        """Return what may happen at `line`: on a half nobody is pushed."""
        at = np.asarray(line, dtype=np.float64)
        not_over, under = self.at_most(mean, np.floor(at)), self.at_most(mean, np.ceil(at) - 1.0)
        return Chances(1.0 - not_over, not_over - under, under)

    def log_chance(self, mean: FloatArray, value: FloatArray) -> FloatArray:
        """Return ln P(figure = value), shape (n,); all below 0 counts as 0."""
        whole = np.maximum(value, 0.0)
        mu = np.maximum(mean, LEAST_MEAN)
        if self.family in _LOG_CHANCE:  # in closed form: a tenth of the time
            return _LOG_CHANCE[self.family](mu, self._parameter(mu), whole)
        below = np.where(whole > 0, self.at_most(mu, whole - 1.0), 0.0)
        return np.asarray(np.log(np.maximum(self.at_most(mu, whole) - below, LEAST_CHANCE)), dtype=np.float64)

    def _parameter(self, mu: FloatArray) -> FloatArray:
        return np.asarray(np.exp(np.clip(self.a + self.b * np.log(mu), *_BOUNDS)), dtype=np.float64)

    @property
    def document(self) -> dict[str, Any]:
        """Return the distribution as a JSON-able mapping."""
        return asdict(self)


def fit_spread(mean: FloatArray, value: FloatArray, families: Sequence[Family]) -> Spread:
    """Return the likeliest of `families` for values (n,) around their expected ones; rows stand oldest first."""
    mu = np.maximum(mean[-_LARGEST_FIT:], LEAST_MEAN)
    seen = np.round(value[-_LARGEST_FIT:])
    return max((_fitted(family, mu, seen) for family in families), key=lambda each: each.log_likelihood)


def _fitted(family: Family, mu: FloatArray, seen: FloatArray) -> Spread:
    from scipy.optimize import minimize

    def likelihood(a: float, b: float) -> float:
        return float(Spread(family, a, b).log_chance(mu, seen).mean())

    if family == "poisson":
        return Spread(family, log_likelihood=likelihood(0.0, 0.0), n=len(mu))
    found = minimize(
        lambda x: -likelihood(float(x[0]), float(x[1])),
        np.array(_STARTS[family]),
        method="Nelder-Mead",
        options={"xatol": 5e-3, "fatol": 1e-5, "maxiter": 80},
    )
    return Spread(family, float(found.x[0]), float(found.x[1]), -float(found.fun), len(mu))


def _poisson(mu: FloatArray, _: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import gammaincc

    return np.where(whole < 0, 0.0, gammaincc(np.maximum(whole, 0.0) + 1.0, mu))


def _negative_binomial(mu: FloatArray, alpha: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import betainc

    size = 1.0 / alpha
    return np.where(whole < 0, 0.0, betainc(size, np.maximum(whole, 0.0) + 1.0, size / (size + mu)))


def _gamma(mu: FloatArray, shape: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import gammainc

    return np.where(whole < 0, 0.0, gammainc(shape, (np.maximum(whole, 0.0) + 0.5) * shape / mu))


def _normal(mu: FloatArray, deviation: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.where(whole < 0, 0.0, ndtr((whole + 0.5 - mu) / deviation))


def _log_poisson(mu: FloatArray, _: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import gammaln

    return np.asarray(whole * np.log(mu) - mu - gammaln(whole + 1.0), dtype=np.float64)


def _log_negative_binomial(mu: FloatArray, alpha: FloatArray, whole: FloatArray) -> FloatArray:
    from scipy.special import gammaln

    size = 1.0 / alpha
    ways = gammaln(whole + size) - gammaln(size) - gammaln(whole + 1.0)
    return np.asarray(ways + size * np.log(size / (size + mu)) + whole * np.log(mu / (size + mu)), dtype=np.float64)


_LOG_CHANCE: dict[Family, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "poisson": _log_poisson,
    "negative_binomial": _log_negative_binomial,
}
_CDF: dict[Family, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
    "gamma": _gamma,
    "normal": _normal,
}
