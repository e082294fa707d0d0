"""Scores of probability forecasts (log loss, Brier, AUC, calibration) with the noise that belongs to each.

`weights`, shape (n,), is everywhere the share of a stake that was decided: a row of ½ (half of a quarter line's stake
came back) counts half in every mean, and its noise a quarter in every variance. None: every row counts one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Binning = Literal["mass", "width"]

LOG_LOSS_CLIP = 1e-12
"""Probabilities keep this far from 0 and 1: one certain and wrong row costs 27.6 nats, not infinity."""
NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal."""


@dataclass(frozen=True)
class EceNull:
    """Mean and 95 % quantile of the ECE that a perfectly calibrated model shows by chance."""

    mean: float
    q95: float


@dataclass(frozen=True)
class CalibrationFit:
    """Logistic recalibration logit P(y) = intercept + slope · logit p, with standard errors."""

    slope: float
    intercept: float
    slope_se: float
    intercept_se: float


@dataclass(frozen=True)
class BrierDecomposition:
    """Brier = reliability − resolution + uncertainty + within (what varies inside the bins)."""

    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: Wilson band around the observed share, consistency band around p."""

    low: float
    high: float
    n: int
    mean_probability: float
    observed: float
    wilson_low: float
    wilson_high: float
    consistency_low: float
    consistency_high: float


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a − b over the same rows, its standard error and normal 95 % interval."""

    mean: float
    se: float
    ci_low: float
    ci_high: float
    n: int


def log_losses(p: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
    """Return the log loss of each row in nats, shape (n,); p clipped to [1e-12, 1 − 1e-12]."""
    p, y = _checked(p, y)
    p = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    losses: FloatArray = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return losses


def mean_of(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the (weighted) mean of row-wise scores, shape (n,)."""
    return float(np.average(np.asarray(values, dtype=np.float64), weights=weights))


def log_loss(p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the mean log loss in nats of probabilities p, shape (n,), for 0/1 outcomes y."""
    return mean_of(log_losses(p, y), weights)


def brier(p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the mean squared error of p, shape (n,), against 0/1 outcomes y; always saying .5 scores .25."""
    p, y = _checked(p, y)
    return mean_of((p - y) ** 2, weights)


def accuracy(p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the share of rows where p ≥ .5 names the outcome."""
    p, y = _checked(p, y)
    return mean_of((p >= 0.5) == (y == 1), weights)


def auc(p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the area under the ROC curve by mid-ranks (ties count half); NaN if y has one class only.

    With weights a pair of a won and a lost row counts the product of theirs.
    """
    p, y = _checked(p, y)
    wins = float(y.sum())
    losses = len(y) - wins
    if wins == 0 or losses == 0:
        return float("nan")
    if weights is None:
        return float((_mid_ranks(p)[y == 1].sum() - wins * (wins + 1) / 2) / (wins * losses))
    _, place = np.unique(p, return_inverse=True)
    won, lost = (np.bincount(place, _weighed(weights, p) * (y == side)) for side in (1, 0))
    return float(won @ (np.cumsum(lost) - lost / 2) / (won.sum() * lost.sum()))


def auc_null_sd(n: int) -> float:
    """Return the standard deviation of the AUC of a model that knows nothing, .577/√n (balanced classes)."""
    return float(1 / np.sqrt(3 * n))


def ece(
    p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10, binning: Binning = "mass", weights: npt.ArrayLike | None = None
) -> float:
    """Return the expected calibration error: Σ share of bin · |mean p − observed share|.

    Equal-mass bins keep tied probabilities together; equal-width bins are [0, 1/bins), …, [1 − 1/bins, 1].
    """
    p, y = _checked(p, y)
    weight = _weighed(weights, p)
    return _ece_of_gaps((p - y) * (weight / weight.mean()), bin_index(p, bins, binning), bins)


def ece_null(
    p: npt.ArrayLike,
    *,
    seed: int,
    bins: int = 10,
    binning: Binning = "mass",
    draws: int = 500,
    weights: npt.ArrayLike | None = None,
) -> EceNull:
    """Return what `ece` shows when every p is exactly right: outcomes are drawn from p `draws` times."""
    p = _probabilities(p)
    weight = _weighed(weights, p)
    share = weight / weight.mean()
    index = bin_index(p, bins, binning)
    random = np.random.default_rng(seed)
    sample = np.array([_ece_of_gaps((p - (random.random(len(p)) < p)) * share, index, bins) for _ in range(draws)])
    return EceNull(mean=float(sample.mean()), q95=float(np.quantile(sample, 0.95)))


def bin_index(p: npt.ArrayLike, bins: int, binning: Binning = "mass") -> IntArray:
    """Return the bin (0 … bins − 1) of each probability, shape (n,); the same p is always in the same bin."""
    p = _probabilities(p)
    position = (_mid_ranks(p) - 0.5) / len(p) if binning == "mass" else p
    # 1e-9: .15 · 20 is 3 − 4e-16 in floats, and a bin's lower edge belongs to it
    return np.minimum((position * bins + 1e-9).astype(np.int64), bins - 1)


def calibration_slope_intercept(
    p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> CalibrationFit:
    """Return the logistic recalibration of p (Cox 1958); slope 1 and intercept 0 is calibrated.

    All NaN where there is no finite maximum: constant p, one class only, or perfectly separated classes.
    """
    p, y = _checked(p, y)
    p = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    score = np.log(p) - np.log1p(-p)
    unknown = CalibrationFit(*[float("nan")] * 4)
    if np.ptp(score) < 1e-9 or np.ptp(y) == 0 or _separated(score, y):
        return unknown
    # on standardised scores Newton sees the same problem whether p spans [0, 1] or a hair around .5
    centre, scale = float(score.mean()), float(score.std())
    fit = _logistic_newton((score - centre) / scale, y, None if weights is None else _weighed(weights, p))
    if fit is None:
        return unknown
    back = np.array([[1, -centre / scale], [0, 1 / scale]])
    beta, covariance = back @ fit[0], back @ fit[1] @ back.T
    se = np.sqrt(np.diag(covariance))
    return CalibrationFit(float(beta[1]), float(beta[0]), float(se[1]), float(se[0]))


def spiegelhalter_z(p: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return Spiegelhalter's (1986) z: standard normal if p is calibrated; NaN if every p is 0, .5 or 1."""
    p, y = _checked(p, y)
    weight = _weighed(weights, p)
    variance = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p) * weight**2))
    if variance == 0:
        return float("nan")
    return float(np.sum((y - p) * (1 - 2 * p) * weight) / np.sqrt(variance))


def brier_decomposition(
    p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10, weights: npt.ArrayLike | None = None
) -> BrierDecomposition:
    """Return Murphy's (1973) parts of the Brier score over equal-mass bins; they add up exactly."""
    p, y = _checked(p, y)
    index, weight = bin_index(p, bins), _weighed(weights, p)
    count = np.bincount(index, weight, minlength=bins)
    used = count > 0
    share = count[used] / weight.sum()
    mean_p = np.bincount(index, p * weight, minlength=bins)[used] / count[used]
    mean_y = np.bincount(index, y * weight, minlength=bins)[used] / count[used]
    base = mean_of(y, weight)
    reliability = float(np.sum(share * (mean_p - mean_y) ** 2))
    resolution = float(np.sum(share * (mean_y - base) ** 2))
    uncertainty = float(base * (1 - base))
    within = brier(p, y, weight) - (reliability - resolution + uncertainty)
    return BrierDecomposition(reliability, resolution, uncertainty, within)


def reliability_bins(
    p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10, min_rows: int = 30, weights: npt.ArrayLike | None = None
) -> tuple[ReliabilityBin, ...]:
    """Return equal-mass bins in order of p; fewer than `bins` where they would hold under `min_rows` rows."""
    p, y = _checked(p, y)
    index, weight = bin_index(p, max(1, min(bins, len(p) // min_rows))), _weighed(weights, p)
    return tuple(_reliability_bin(p[index == b], y[index == b], weight[index == b]) for b in np.unique(index))


def wilson_interval(wins: float, n: float) -> tuple[float, float]:
    """Return Wilson's (1927) 95 % interval of a share of `wins` in `n`."""
    z2 = NORMAL_95**2
    centre = (wins + z2 / 2) / (n + z2)
    half = NORMAL_95 * float(np.sqrt(wins * (n - wins) / n + z2 / 4)) / (n + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_difference(
    losses_a: npt.ArrayLike, losses_b: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> PairedDifference:
    """Return mean(a − b) of row-wise losses, both shape (n,); NaN error and interval if n < 2."""
    difference = np.asarray(losses_a, dtype=np.float64) - np.asarray(losses_b, dtype=np.float64)
    n = len(difference)
    mean = mean_of(difference, weights)
    if n < 2:
        se = float("nan")
    elif weights is None:
        se = float(difference.std(ddof=1) / np.sqrt(n))
    else:  # of a ratio, Σ weight · difference over Σ weight
        weight = _weighed(weights, difference)
        se = float(np.sqrt(n / (n - 1) * np.sum((weight * (difference - mean)) ** 2)) / weight.sum())
    return PairedDifference(mean, se, mean - NORMAL_95 * se, mean + NORMAL_95 * se, n)


def block_bootstrap_interval(
    values: npt.ArrayLike, blocks: npt.ArrayLike, *, seed: int, draws: int = 2000, weights: npt.ArrayLike | None = None
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the (weighted) mean, resampling whole blocks (weeks, seasons)."""
    values = np.asarray(values, dtype=np.float64)
    size = _weighed(weights, values)
    _, code = np.unique(np.asarray(blocks), return_inverse=True)
    sums, sizes = np.bincount(code, values * size), np.bincount(code, size)
    k = len(sums)
    times = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=draws)
    low, high = np.quantile((times @ sums) / (times @ sizes), [0.025, 0.975])
    return float(low), float(high)


def _probabilities(p: npt.ArrayLike) -> FloatArray:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1 or len(p) == 0:
        raise ValueError(f"probabilities must be a non-empty array of shape (n,), got shape {p.shape}")
    if not bool(np.all((p >= 0) & (p <= 1))):
        raise ValueError("probabilities must lie in [0, 1] without NaN: drop the rows that are not known")
    return p


def _checked(p: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    p, y = _probabilities(p), np.asarray(y, dtype=np.float64)
    if y.shape != p.shape:
        raise ValueError(f"outcomes have shape {y.shape}, probabilities {p.shape}")
    if not bool(np.all((y == 0) | (y == 1))):
        raise ValueError("outcomes must be 0 or 1 without NaN: pushes are not scored (and p comes before y)")
    return p, y


def _weighed(weights: npt.ArrayLike | None, values: FloatArray) -> FloatArray:
    weight = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != values.shape:
        raise ValueError(f"weights have shape {weight.shape}, the rows {values.shape}")
    return weight


def _mid_ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mid: FloatArray = np.cumsum(counts) - (counts - 1) / 2
    return mid[inverse]


def _ece_of_gaps(gap: FloatArray, index: IntArray, bins: int) -> float:
    return float(np.abs(np.bincount(index, gap, minlength=bins)).sum() / len(gap))


def _separated(score: FloatArray, y: FloatArray) -> bool:
    won, lost = score[y == 1], score[y == 0]
    return bool(won.min() >= lost.max() or lost.min() >= won.max())


def _logistic_newton(
    score: FloatArray, y: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray] | None:
    """Return intercept and slope and their covariance; None where there is no finite maximum."""
    X, weight = np.column_stack([np.ones_like(score), score]), _weighed(weights, score)
    beta = np.zeros(2)
    for _ in range(100):
        fitted = 1 / (1 + np.exp(-np.clip(X @ beta, -500, 500)))
        noise = fitted * (1 - fitted) * weight
        hessian = X.T @ (X * noise[:, None])
        try:
            step = np.linalg.solve(hessian, X.T @ ((y - fitted) * weight))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)  # far starts overshoot; at the optimum the clip is idle
        if float(np.abs(step).max()) < 1e-10:
            inverse = np.asarray(np.linalg.inv(hessian), dtype=np.float64)
            # a half-decided row's score varies a quarter as much as a whole one's: the sandwich of both
            return beta, inverse if weights is None else inverse @ (X.T @ (X * (noise * weight)[:, None])) @ inverse
    return None


def _reliability_bin(p: FloatArray, y: FloatArray, weight: FloatArray) -> ReliabilityBin:
    total, mean = float(weight.sum()), mean_of(p, weight)
    size = total**2 / float(np.sum(weight**2))  # whole games that tell as much
    low, high = wilson_interval(float(np.sum(y * weight)) * (size / total), size)
    # the observed share of these games with these very probabilities has this standard deviation
    half = NORMAL_95 * float(np.sqrt(np.sum(p * (1 - p) * weight**2))) / total
    return ReliabilityBin(
        low=float(p.min()),
        high=float(p.max()),
        n=len(p),
        mean_probability=mean,
        observed=mean_of(y, weight),
        wilson_low=low,
        wilson_high=high,
        consistency_low=max(0.0, mean - half),
        consistency_high=min(1.0, mean + half),
    )
