"""What a backtest proves: intervals by resampled weeks, permutation tests, and what many trials leave of a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import e, erf, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

EULER = 0.5772156649015329
_CHUNK = 4_000_000
"""Cells of a table of draws that are held at once."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, both NaN where there is nothing to average; `blocks` were resampled whole."""

    mean: float
    low: float
    high: float
    n: int
    blocks: int


@dataclass(frozen=True)
class Test:
    """A figure held against what chance gives: mean and deviation of `draws` under the null, one-sided p.

    p counts the observed figure among the draws, so it is never 0. NaN where there is no figure. `adjusted` is
    Bonferroni's: p times the number of trials, at most 1.
    """

    figure: str
    observed: float
    null_mean: float
    null_sd: float
    p: float
    adjusted: float
    n: int
    draws: Floats

    __test__ = False  # no test of pytest's


@dataclass(frozen=True)
class Deflation:
    """Bailey and López de Prado's deflated Sharpe ratio of weekly results (2014, doi:10.3905/jpm.2014.40.5.094).

    `sharpe` is mean over deviation of the weeks, not annualised. `expected_best`: what the best of `trials`
    worthless configurations is expected to show. `probability`: that the true ratio is above 0, after that many
    trials and with the weeks' skewness and kurtosis; NaN below three weeks. `undeflated`: the same for one trial.
    """

    trials: int
    weeks: int
    sharpe: float
    expected_best: float
    probability: float
    undeflated: float
    skew: float
    kurtosis: float


def ratio_interval(
    amounts: npt.ArrayLike, sizes: npt.ArrayLike, blocks: npt.ArrayLike, *, seed: int, draws: int
) -> Interval:
    """Return Σ amounts / Σ sizes with its percentile interval over resampled whole blocks; all shape (n,).

    Rows with a NaN are left out. Of fewer than two blocks there is no interval.
    """
    top, below = np.asarray(amounts, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    known = ~(np.isnan(top) | np.isnan(below))
    top, below = top[known], below[known]
    if not len(top) or below.sum() == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    _, code = np.unique(np.asarray(blocks)[known], return_inverse=True)
    sums = np.column_stack([np.bincount(code, top), np.bincount(code, below)])
    mean, k = float(sums[:, 0].sum() / sums[:, 1].sum()), len(sums)
    if k < 2:
        return Interval(mean, float("nan"), float("nan"), len(top), k)
    times = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=draws)
    drawn = times @ sums
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return Interval(mean, float(low), float(high), len(top), k)


@dataclass(frozen=True)
class Signals:
    """What a model said beyond the market of n priced decisions, and what either side of each was worth.

    `signal`: log-odds of the reference side, the model's less the fair market's. `fair_logit`: the market's.
    `push`: probability of a push. `net` (n, 2): net odds decided on; `value` (n, 2): what a unit on either side
    brought (profit, or closing line value), NaN unknown. `group`: decisions whose signals may change places.
    """

    signal: Floats
    fair_logit: Floats
    push: Floats
    net: Floats
    value: Floats
    group: Codes


def permutation_test(signals: Signals, figure: str, *, seed: int, draws: int, trials: int = 1) -> Test:
    """Return whether it matters which game got which signal: mean value of the bets, signals permuted in groups.

    Each draw gives every group's signals to its games in a random order, decides anew (the side of larger EV, a
    bet where that is positive) and takes the mean value of the bets. A bias of the model alone, towards home or
    underdogs, is in every draw and so proves nothing.
    """
    observed, n = _mean_value(signals, signals.signal[None, :])
    rng, found = np.random.default_rng(seed), []
    order = np.argsort(signals.group, kind="stable")
    for size in _chunks(draws, len(signals.signal)):
        shuffled = np.empty((size, len(signals.signal)))
        # a random number sorts each draw within its group: the group is the whole part of the key
        key = signals.group[order][None, :] + rng.random((size, len(order)))
        shuffled[:, order] = signals.signal[order][np.argsort(key, axis=1)]
        found.append(_mean_value(signals, shuffled)[0])
    return _tested(figure, float(observed[0]), np.concatenate(found), int(n[0]), trials)


def fair_market_test(
    net: npt.ArrayLike, fair: npt.ArrayLike, profit: npt.ArrayLike, *, seed: int, draws: int, trials: int = 1
) -> Test:
    """Return how often results drawn from the fair market at the decision bring as much a unit as the bets did.

    `net`: odds struck, `fair`: the market's probability of the side taken given no push, `profit` a unit; all (n,).
    Bets that pushed, or whose market was one-sided, are left out; of a quarter line's half result half the stake is
    drawn. Bets are drawn independently of each other.
    """
    odds, p, won = (np.asarray(each, dtype=np.float64) for each in (net, fair, profit))
    kept = ~(np.isnan(odds) | np.isnan(p) | np.isnan(won)) & (won != 0)
    odds, p, won = odds[kept], p[kept], won[kept]
    if not len(won):
        return _tested("ROI, fair market", float("nan"), np.empty(0), 0, trials)
    rng, sizes = np.random.default_rng(seed), _chunks(draws, len(won))
    decided = np.rint(2 * np.where(won > 0, won / odds, -won)) / 2  # 1, or .5 where half of the stake came back
    found = [(np.where(rng.random((size, len(won))) < p, odds, -1.0) * decided).mean(axis=1) for size in sizes]
    return _tested("ROI, fair market", float(won.mean()), np.concatenate(found), len(won), trials)


def deflated_sharpe(weekly: npt.ArrayLike, trials: int, others: Sequence[float] = ()) -> Deflation:
    """Return the deflated Sharpe ratio of `weekly` results (k,) after `trials` configurations.

    `others`: the ratios of other trials, where known. The spread of ratios over trials is theirs, but never less
    than that of worthless ones, 1/√(k − 1): trials that resemble each other would hide how many there were.
    """
    x = np.asarray(weekly, dtype=np.float64)
    k, sd = len(x), float(x.std(ddof=1)) if len(x) > 1 else 0.0
    if k < 3 or sd == 0:
        return Deflation(trials, k, float("nan"), float("nan"), float("nan"), float("nan"), float("nan"), float("nan"))
    sharpe, z = float(x.mean()) / sd, (x - x.mean()) / x.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    spread = max(float(np.std([*others, sharpe], ddof=1)) if len(others) else 0.0, 1 / sqrt(k - 1))
    best = spread * expected_maximum(trials)
    shape = (k, skew, kurtosis)
    probability, undeflated = (probabilistic_sharpe(sharpe, bar, shape) for bar in (best, 0.0))
    return Deflation(trials, k, sharpe, best, probability, undeflated, skew, kurtosis)


def probabilistic_sharpe(sharpe: float, bar: float, shape: tuple[int, float, float]) -> float:
    """Return the probability that the true ratio is above `bar`; `shape`: periods, their skewness and kurtosis."""
    k, skew, kurtosis = shape
    error = sqrt(max(1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2, 1e-12) / (k - 1))
    return _normal((sharpe - bar) / error)


def expected_maximum(trials: int) -> float:
    """Return the expected largest of `trials` independent standard normal figures (False Strategy theorem)."""
    from scipy.special import ndtri

    if trials < 2:
        return 0.0
    return float((1 - EULER) * ndtri(1 - 1 / trials) + EULER * ndtri(1 - 1 / (trials * e)))


def by_block(values: npt.ArrayLike, blocks: npt.ArrayLike) -> Floats:
    """Return the sum of `values` in each block, in the blocks' order; NaN counts nothing."""
    amounts = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(amounts)
    if not known.any():
        return np.empty(0)
    _, code = np.unique(np.asarray(blocks)[known], return_inverse=True)
    return np.asarray(np.bincount(code, amounts[known]), dtype=np.float64)


def _mean_value(signals: Signals, drawn: Floats) -> tuple[Floats, Codes]:
    """Return for each row of `drawn` (draws, n) the mean value of the bets it makes, and how many count."""
    from scipy.special import expit

    p = expit(signals.fair_logit + drawn)
    lose = (1 - signals.push)[None, :]
    ev = np.stack([lose * (q * (net + 1) - 1) for q, net in zip((p, 1 - p), signals.net.T, strict=True)])
    ev = np.where(np.isnan(ev), -np.inf, ev)
    value = np.where(ev[0] >= ev[1], *signals.value.T)
    counted = (ev.max(axis=0) > 0) & ~np.isnan(value)
    n = counted.sum(axis=1)
    total = np.where(counted, value, 0.0).sum(axis=1)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0), n


def _tested(figure: str, observed: float, drawn: Floats, n: int, trials: int) -> Test:
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(observed) or not len(drawn):
        return Test(figure, observed, float("nan"), float("nan"), float("nan"), float("nan"), n, drawn)
    p = (1 + int((drawn >= observed).sum())) / (1 + len(drawn))
    return Test(figure, observed, float(drawn.mean()), float(drawn.std()), p, min(1.0, p * trials), n, drawn)


def _chunks(draws: int, n: int) -> list[int]:
    most = max(1, min(draws, _CHUNK // max(n, 1)))
    return [most] * (draws // most) + ([draws % most] if draws % most else [])


def _normal(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))
