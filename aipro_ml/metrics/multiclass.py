"""Scores of forecasts over k ordered outcomes (home, draw, away): log loss, Brier, ranked probability score."""

import numpy as np
import numpy.typing as npt

from aipro_ml.metrics import LOG_LOSS_CLIP, FloatArray, IntArray
from aipro_ml.metrics.conditional_logit import Problem, fit_conditional_logit

_SUM_TOLERANCE = 1e-6
_FLAT = 1e-4  # precision of a belief that keeps separable rows finite and no more


def log_losses(p: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Return −ln of the probability each row gave its outcome, in nats, shape (n,).

    `p`: shape (n, k), rows summing to one; `outcome`: column of what happened, shape (n,). Clipped at 1e-12.
    """
    p, outcome = _checked(p, outcome)
    said = p[np.arange(len(p)), outcome]
    losses: FloatArray = -np.log(np.clip(said, LOG_LOSS_CLIP, 1.0))
    return losses


def brier_scores(p: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Return each row's squared error summed over the k outcomes (Brier 1950), shape (n,); twice the two-way score."""
    p, outcome = _checked(p, outcome)
    scores: FloatArray = ((p - _indicator(outcome, p.shape[1])) ** 2).sum(axis=1)
    return scores


def ranked_probability_scores(p: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Return each row's ranked probability score (Epstein 1969), shape (n,): 0 perfect, 1 worst.

    The squared error of the cumulative probabilities over the k − 1 thresholds between ordered outcomes, averaged:
    calling a home win where away won costs more than calling a draw. For k = 2 it is the two-way Brier score.
    """
    p, outcome = _checked(p, outcome)
    gap = np.cumsum(p - _indicator(outcome, p.shape[1]), axis=1)[:, :-1]
    scores: FloatArray = (gap**2).mean(axis=1)
    return scores


def hits(p: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Return 1.0 where the likeliest outcome (the first of equals) happened, else 0.0; its mean is the accuracy."""
    p, outcome = _checked(p, outcome)
    return np.asarray(p.argmax(axis=1) == outcome, dtype=np.float64)


def calibration_slope(p: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[float, float]:
    """Return the slope of ln p in a conditional logit of what happened, and its standard error; 1 is calibrated.

    Every outcome but the first has an intercept of its own; of two outcomes it is the slope of the logit.
    """
    p, outcome = _checked(p, outcome)
    n, k = p.shape
    logs = np.log(np.clip(p, LOG_LOSS_CLIP, 1.0))
    Z = np.stack([logs, *(np.tile(np.eye(k)[j], (n, 1)) for j in range(1, k))], axis=-1)
    coef, se = fit_conditional_logit(Problem(Z, outcome, np.ones(n), np.zeros(k), _FLAT))
    return float(coef[0]), float(se[0])


def _checked(p: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    p, index = np.asarray(p, dtype=np.float64), np.asarray(outcome)
    if p.ndim != 2 or len(p) == 0 or p.shape[1] < 2:
        raise ValueError(f"probabilities must be a non-empty array of shape (n, k), k ≥ 2, got shape {p.shape}")
    if not bool(np.all((p >= 0) & (p <= 1))) or float(np.abs(p.sum(axis=1) - 1).max()) > _SUM_TOLERANCE:
        raise ValueError("each row of probabilities must lie in [0, 1], without NaN, and sum to one")
    if index.shape != (len(p),) or not bool(np.all((index >= 0) & (index < p.shape[1]) & (index == np.floor(index)))):
        raise ValueError(f"outcomes must be columns 0 to {p.shape[1] - 1}, one a row")
    return p, index.astype(np.int64)


def _indicator(outcome: IntArray, k: int) -> FloatArray:
    return np.asarray(np.eye(k)[outcome], dtype=np.float64)
