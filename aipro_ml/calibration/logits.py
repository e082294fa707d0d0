"""Log-odds and the small logistic regression that Platt scaling and the market blend share."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.calibration.base import Scores

EPSILON = 1e-6
"""Probabilities are kept in [EPSILON, 1 - EPSILON]: log-odds stay finite, nothing is ever certain."""

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
class Prior:
    """A Gaussian belief in the coefficients before any row: `centre` shape (d,) or one number, `precision` 1/sd²."""

    centre: Scores | float = 0.0
    precision: float = 1e-4


FLAT = Prior()
"""Keeps separable rows finite; at 200 rows it moves a coefficient in the sixth digit."""


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients of a logistic regression and their standard errors, both shape (d,)."""

    coef: Scores
    se: Scores


def fit_logistic(Z: Scores, y: Scores, prior: Prior = FLAT) -> LogisticFit:
    """Return the most probable coefficients of y on the columns of Z (n, d), by damped Newton steps."""
    coef = np.zeros(Z.shape[1]) + prior.centre
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(Z, y, coef, prior)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        coef = _improved((Z, y, prior), coef, step)
        if np.abs(step).max() < 1e-10:
            break
    _, hessian = _derivatives(Z, y, coef, prior)
    return LogisticFit(coef, np.sqrt(np.diag(np.linalg.inv(hessian))))


def _derivatives(Z: Scores, y: Scores, coef: Scores, prior: Prior) -> tuple[Scores, Scores]:
    p = 0.5 * (1.0 + np.tanh(0.5 * (Z @ coef)))
    gradient = Z.T @ (y - p) - prior.precision * (coef - prior.centre)
    hessian = (Z * (p * (1 - p))[:, None]).T @ Z + prior.precision * np.eye(Z.shape[1])
    return gradient, hessian


def _improved(problem: tuple[Scores, Scores, Prior], coef: Scores, step: Scores) -> Scores:
    start = _objective(*problem, coef)
    for halvings in range(30):  # a full Newton step can overshoot where scores are extreme
        trial = np.asarray(coef + step * 0.5**halvings, dtype=np.float64)
        if _objective(*problem, trial) <= start:
            return trial
    return coef


def _objective(Z: Scores, y: Scores, prior: Prior, coef: Scores) -> float:
    z, away = Z @ coef, coef - prior.centre
    return float(np.sum(np.logaddexp(0.0, z) - y * z) + 0.5 * prior.precision * away @ away)
