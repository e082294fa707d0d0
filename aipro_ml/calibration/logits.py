"""Log-odds and the small logistic regression that Platt scaling and the market blend share."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.calibration.base import Scores

EPSILON = 1e-6
"""Probabilities are kept in [EPSILON, 1 - EPSILON]: log-odds stay finite, nothing is ever certain."""

_RIDGE = 1e-4  # keeps separable rows finite; at 200 rows it moves a coefficient in the sixth digit
_STEPS = 100


def logit(p: npt.ArrayLike) -> Scores:
    """Return the log-odds of `p`, clipped by EPSILON; NaN stays NaN."""
    clipped = np.clip(np.asarray(p, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)


def expit(z: npt.ArrayLike) -> Scores:
    """Return the probability of log-odds `z`, kept in [EPSILON, 1 - EPSILON]; NaN stays NaN."""
    p = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, dtype=np.float64)))
    return np.asarray(np.clip(p, EPSILON, 1 - EPSILON), dtype=np.float64)


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients of a logistic regression and their standard errors, both shape (d,)."""

    coef: Scores
    se: Scores


def fit_logistic(Z: Scores, y: Scores) -> LogisticFit:
    """Return the maximum-likelihood coefficients of y on the columns of Z (n, d), by damped Newton steps."""
    coef = np.zeros(Z.shape[1])
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(Z, y, coef)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        coef = _improved(Z, y, coef, step)
        if np.abs(step).max() < 1e-10:
            break
    _, hessian = _derivatives(Z, y, coef)
    return LogisticFit(coef, np.sqrt(np.diag(np.linalg.inv(hessian))))


def _derivatives(Z: Scores, y: Scores, coef: Scores) -> tuple[Scores, Scores]:
    p = 0.5 * (1.0 + np.tanh(0.5 * (Z @ coef)))
    gradient = Z.T @ (y - p) - _RIDGE * coef
    hessian = (Z * (p * (1 - p))[:, None]).T @ Z + _RIDGE * np.eye(Z.shape[1])
    return gradient, hessian


def _improved(Z: Scores, y: Scores, coef: Scores, step: Scores) -> Scores:
    start = _objective(Z, y, coef)
    for halvings in range(30):  # a full Newton step can overshoot where scores are extreme
        trial = np.asarray(coef + step * 0.5**halvings, dtype=np.float64)
        if _objective(Z, y, trial) <= start:
            return trial
    return coef


def _objective(Z: Scores, y: Scores, coef: Scores) -> float:
    z = Z @ coef
    return float(np.sum(np.logaddexp(0.0, z) - y * z) + 0.5 * _RIDGE * coef @ coef)
