"""Removal of a bookmaker's margin from the prices of every side of one market (methods §1)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.betting.odds import implied_probability
from aipro_ml.enums import DevigMethod

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

UNDER_ROUND = -1e-9
"""Overrounds below this are under-round; −100/+100 may miss zero by a float's last digit."""


@dataclass(frozen=True)
class Devigged:
    """Fair probabilities (n, k), the overround Σq − 1 (n,), and where another method had to step in (n,)."""

    probabilities: FloatArray
    overround: FloatArray
    fell_back: BoolArray


def devig(prices: npt.ArrayLike, method: DevigMethod = DevigMethod.POWER) -> Devigged:
    """Return fair probabilities of American prices, shape (n, k), one row a book's whole market.

    A row with a missing price (NaN) gives NaN: a one-sided market cannot be devigged. ValueError for
    |price| < 100.
    """
    return devig_implied(implied_probability(np.atleast_2d(np.asarray(prices, dtype=np.float64))), method)


def devig_implied(implied: npt.ArrayLike, method: DevigMethod = DevigMethod.POWER) -> Devigged:
    """Return fair probabilities of implied ones q = 1/decimal, shape (n, k), each in (0, 1) or NaN.

    Shin has no answer for an under-round market and falls back to multiplicative; additive falls back to
    power where a probability would be ≤ 0. Both flag the row.
    """
    q = np.atleast_2d(np.asarray(implied, dtype=np.float64))
    if q.shape[1] < 2:
        raise ValueError("a market has at least two sides: a one-sided price cannot be devigged")
    known = ~np.isnan(q).any(axis=1)
    probabilities = np.full(q.shape, np.nan)
    fell_back = np.zeros(len(q), dtype=bool)
    if known.any():
        probabilities[known], fell_back[known] = _devig_known(q[known], method)
    return Devigged(probabilities, q.sum(axis=1) - 1, fell_back)


def _devig_known(q: FloatArray, method: DevigMethod) -> tuple[FloatArray, BoolArray]:
    if method is DevigMethod.SHIN:
        return _with_fallback(q, q.sum(axis=1) - 1 < UNDER_ROUND, _shin, _multiplicative)
    if method is DevigMethod.ADDITIVE:
        impossible: BoolArray = np.any(_additive(q) <= 0, axis=1)
        return _with_fallback(q, impossible, _additive, _power)
    plain = {
        DevigMethod.MULTIPLICATIVE: _multiplicative,
        DevigMethod.POWER: _power,
        DevigMethod.ODDS_RATIO: _odds_ratio,
    }
    return plain[method](q), np.zeros(len(q), dtype=bool)


def _with_fallback(
    q: FloatArray,
    undefined: BoolArray,
    method: Callable[[FloatArray], FloatArray],
    fallback: Callable[[FloatArray], FloatArray],
) -> tuple[FloatArray, BoolArray]:
    p = np.empty_like(q)
    p[~undefined] = method(q[~undefined])
    p[undefined] = fallback(q[undefined])
    return p, undefined


def _multiplicative(q: FloatArray) -> FloatArray:
    p: FloatArray = q / q.sum(axis=1, keepdims=True)
    return p


def _additive(q: FloatArray) -> FloatArray:
    p: FloatArray = q - (q.sum(axis=1, keepdims=True) - 1) / q.shape[1]
    return p


def _power(q: FloatArray) -> FloatArray:
    """Solve Σ q^k = 1 for k by Newton on log Σ q^k, which is convex and decreasing: no bracket needed."""
    log_q = np.log(q)
    k = np.ones((len(q), 1))
    rows, log_open = np.arange(len(q)), log_q
    for _ in range(100):
        powered = np.exp(k[rows] * log_open)
        total = powered.sum(axis=1, keepdims=True)
        step = np.log(total) * total / (powered * log_open).sum(axis=1, keepdims=True)
        k[rows] -= step
        # a row stops at its own convergence, so that its last bits never depend on its neighbours
        wide = np.abs(step[:, 0]) > 1e-13
        if not wide.any():
            break
        if not wide.all():
            rows, log_open = rows[wide], log_open[wide]
    return _multiplicative(np.exp(k * log_q))


def _shin(q: FloatArray) -> FloatArray:
    """Shin (1993): a share z of the stakes knows the result. For two sides it equals additive."""
    if q.shape[1] == 2:
        return _additive(q)
    squared = q**2 / q.sum(axis=1, keepdims=True)

    def fair(z: FloatArray) -> FloatArray:
        # the textbook form over 2(1 − z), multiplied out so that z near 1 keeps its digits
        p: FloatArray = 2 * squared / (np.sqrt(z**2 + 4 * (1 - z) * squared) + z)
        return p

    z = _bisect(fair, np.zeros((len(q), 1)), np.ones((len(q), 1)))
    return _multiplicative(fair(z))


def _odds_ratio(q: FloatArray) -> FloatArray:
    """Cheung (2015): every side's odds are off by one common ratio e^t, so logit p = logit q − t."""
    from scipy.special import expit, logit

    score = logit(q)
    if q.shape[1] == 2:
        return np.asarray(expit(score - score.mean(axis=1, keepdims=True)))

    def fair(t: FloatArray) -> FloatArray:
        return np.asarray(expit(score - t))

    reach = np.log(q.shape[1])
    low = score.min(axis=1, keepdims=True) - reach
    high = score.max(axis=1, keepdims=True) + reach
    return _multiplicative(fair(_bisect(fair, low, high)))


def _bisect(fair: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Return x (n, 1) where Σ fair(x) = 1; the sum falls in x, from ≥ 1 at `low` to ≤ 1 at `high`."""
    for _ in range(60):
        middle = (low + high) / 2
        too_much = fair(middle).sum(axis=1, keepdims=True) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return (low + high) / 2
