"""Scores of probability forecasts (log loss, Brier, AUC, calibration) with the noise that belongs to each."""

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


def log_loss(p: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the mean log loss in nats of probabilities p, shape (n,), for 0/1 outcomes y."""
    return float(log_losses(p, y).mean())


def brier(p: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the mean squared error of p, shape (n,), against 0/1 outcomes y; always saying .5 scores .25."""
    p, y = _checked(p, y)
    return float(np.mean((p - y) ** 2))


def accuracy(p: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the share of rows where p ≥ .5 names the outcome."""
    p, y = _checked(p, y)
    return float(np.mean((p >= 0.5) == (y == 1)))


def auc(p: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the area under the ROC curve by mid-ranks (ties count half); NaN if y has one class only."""
    p, y = _checked(p, y)
    wins = float(y.sum())
    losses = len(y) - wins
    if wins == 0 or losses == 0:
        return float("nan")
    return float((_mid_ranks(p)[y == 1].sum() - wins * (wins + 1) / 2) / (wins * losses))


def auc_null_sd(n: int) -> float:
    """Return the standard deviation of the AUC of a model that knows nothing, .577/√n (balanced classes)."""
    return float(1 / np.sqrt(3 * n))


def ece(
    p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10, binning: Binning = "mass", weights: npt.ArrayLike | None = None
) -> float:
    """Return the expected calibration error: Σ share of bin · |mean p − observed share|.

    Equal-mass bins keep tied probabilities together; equal-width bins are [0, 1/bins), …, [1 − 1/bins, 1].
    `weights`, shape (n,): a row of weight ½ counts half (half the stake of a quarter line came back).
    """
    p, y = _checked(p, y)
    weight = np.ones_like(p) if weights is None else np.asarray(weights, dtype=np.float64)
    return _ece_of_gaps((p - y) * (weight / weight.mean()), bin_index(p, bins, binning), bins)


def ece_null(p: npt.ArrayLike, *, seed: int, bins: int = 10, binning: Binning = "mass", draws: int = 500) -> EceNull:
    """Return what `ece` shows when every p is exactly right: outcomes are drawn from p `draws` times."""
    p = _probabilities(p)
    index = bin_index(p, bins, binning)
    random = np.random.default_rng(seed)
    sample = np.array([_ece_of_gaps(p - (random.random(len(p)) < p), index, bins) for _ in range(draws)])
    return EceNull(mean=float(sample.mean()), q95=float(np.quantile(sample, 0.95)))


def bin_index(p: npt.ArrayLike, bins: int, binning: Binning = "mass") -> IntArray:
    """Return the bin (0 … bins − 1) of each probability, shape (n,); the same p is always in the same bin."""
    p = _probabilities(p)
    position = (_mid_ranks(p) - 0.5) / len(p) if binning == "mass" else p
    # 1e-9: .15 · 20 is 3 − 4e-16 in floats, and a bin's lower edge belongs to it
    return np.minimum((position * bins + 1e-9).astype(np.int64), bins - 1)


def calibration_slope_intercept(p: npt.ArrayLike, y: npt.ArrayLike) -> CalibrationFit:
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
    fit = _logistic_newton((score - centre) / scale, y)
    if fit is None:
        return unknown
    back = np.array([[1, -centre / scale], [0, 1 / scale]])
    beta, covariance = back @ fit[0], back @ fit[1] @ back.T
    se = np.sqrt(np.diag(covariance))
    return CalibrationFit(float(beta[1]), float(beta[0]), float(se[1]), float(se[0]))


def spiegelhalter_z(p: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return Spiegelhalter's (1986) z: standard normal if p is calibrated; NaN if every p is 0, .5 or 1."""
    p, y = _checked(p, y)
    variance = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    if variance == 0:
        return float("nan")
    return float(np.sum((y - p) * (1 - 2 * p)) / np.sqrt(variance))


def brier_decomposition(p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10) -> BrierDecomposition:
    """Return Murphy's (1973) parts of the Brier score over equal-mass bins; they add up exactly."""
    p, y = _checked(p, y)
    index = bin_index(p, bins)
    count = np.bincount(index, minlength=bins)
    used = count > 0
    share = count[used] / len(p)
    mean_p = np.bincount(index, p, minlength=bins)[used] / count[used]
    mean_y = np.bincount(index, y, minlength=bins)[used] / count[used]
    base = y.mean()
    reliability = float(np.sum(share * (mean_p - mean_y) ** 2))
    resolution = float(np.sum(share * (mean_y - base) ** 2))
    uncertainty = float(base * (1 - base))
    within = brier(p, y) - (reliability - resolution + uncertainty)
    return BrierDecomposition(reliability, resolution, uncertainty, within)


def reliability_bins(
    p: npt.ArrayLike, y: npt.ArrayLike, bins: int = 10, min_rows: int = 30
) -> tuple[ReliabilityBin, ...]:
    """Return equal-mass bins in order of p; fewer than `bins` where they would hold under `min_rows` rows."""
    p, y = _checked(p, y)
    index = bin_index(p, max(1, min(bins, len(p) // min_rows)))
    return tuple(_reliability_bin(p[index == b], y[index == b]) for b in np.unique(index))


def wilson_interval(wins: float, n: int) -> tuple[float, float]:
    """Return Wilson's (1927) 95 % interval of a share of `wins` in `n`."""
    z2 = NORMAL_95**2
    centre = (wins + z2 / 2) / (n + z2)
    half = NORMAL_95 * float(np.sqrt(wins * (n - wins) / n + z2 / 4)) / (n + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_difference(losses_a: npt.ArrayLike, losses_b: npt.ArrayLike) -> PairedDifference:
    """Return mean(a − b) of row-wise losses, both shape (n,); NaN error and interval if n < 2."""
    difference = np.asarray(losses_a, dtype=np.float64) - np.asarray(losses_b, dtype=np.float64)
    n = len(difference)
    mean = float(difference.mean())
    se = float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return PairedDifference(mean, se, mean - NORMAL_95 * se, mean + NORMAL_95 * se, n)


def block_bootstrap_interval(
    values: npt.ArrayLike, blocks: npt.ArrayLike, *, seed: int, draws: int = 2000, weights: npt.ArrayLike | None = None
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the (weighted) mean, resampling whole blocks (weeks, seasons)."""
    values = np.asarray(values, dtype=np.float64)
    size = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
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


def _mid_ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mid: FloatArray = np.cumsum(counts) - (counts - 1) / 2
    return mid[inverse]


def _ece_of_gaps(gap: FloatArray, index: IntArray, bins: int) -> float:
    return float(np.abs(np.bincount(index, gap, minlength=bins)).sum() / len(gap))


def _separated(score: FloatArray, y: FloatArray) -> bool:
    won, lost = score[y == 1], score[y == 0]
    return bool(won.min() >= lost.max() or lost.min() >= won.max())


def _logistic_newton(score: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    X = np.column_stack([np.ones_like(score), score])
    beta = np.zeros(2)
    for _ in range(100):
        fitted = 1 / (1 + np.exp(-np.clip(X @ beta, -500, 500)))
        hessian = X.T @ (X * (fitted * (1 - fitted))[:, None])
        try:
            step = np.linalg.solve(hessian, X.T @ (y - fitted))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)  # far starts overshoot; at the optimum the clip is idle
        if float(np.abs(step).max()) < 1e-10:
            return beta, np.asarray(np.linalg.inv(hessian), dtype=np.float64)
    return None


def _reliability_bin(p: FloatArray, y: FloatArray) -> ReliabilityBin:
    n, mean = len(p), float(p.mean())
    low, high = wilson_interval(float(y.sum()), n)
    # the observed share of n games with these very probabilities has this standard deviation
    half = NORMAL_95 * float(np.sqrt(np.sum(p * (1 - p)))) / n
    return ReliabilityBin(
        low=float(p.min()),
        high=float(p.max()),
        n=n,
        mean_probability=mean,
        observed=float(y.mean()),
        wilson_low=low,
        wilson_high=high,
        consistency_low=max(0.0, mean - half),
        consistency_high=min(1.0, mean + half),
    )
