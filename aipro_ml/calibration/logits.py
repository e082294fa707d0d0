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


@dataclass(frozen=True)
class _Problem:
    """Columns (n, d), 0/1 outcomes and weights (n,), and the belief before any row."""

    Z: Scores
    y: Scores
    weight: Scores
    prior: Prior


def fit_logistic(Z: Scores, y: Scores, prior: Prior = FLAT, weights: Scores | None = None) -> LogisticFit:
    """Return the most probable coefficients of y on the columns of Z (n, d), by damped Newton steps.

    `weights` (n,): what each row's log-likelihood counts, a half-decided one ½; None: one each.
    """
    problem = _Problem(Z, y, np.ones(len(Z)) if weights is None else weights, prior)
    coef = np.zeros(Z.shape[1]) + prior.centre
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(problem, coef)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        coef = _improved(problem, coef, step)
        if np.abs(step).max() < 1e-10:
            break
    _, hessian = _derivatives(problem, coef)
    return LogisticFit(coef, np.sqrt(np.diag(np.linalg.inv(hessian))))


def _derivatives(problem: _Problem, coef: Scores) -> tuple[Scores, Scores]:
    Z, weight, prior = problem.Z, problem.weight, problem.prior
    p = 0.5 * (1.0 + np.tanh(0.5 * (Z @ coef)))
    gradient = Z.T @ ((problem.y - p) * weight) - prior.precision * (coef - prior.centre)
    hessian = (Z * (p * (1 - p) * weight)[:, None]).T @ Z + prior.precision * np.eye(Z.shape[1])
    return gradient, hessian


def _improved(problem: _Problem, coef: Scores, step: Scores) -> Scores:
    start = _objective(problem, coef)
    for halvings in range(30):  # a full Newton step can overshoot where scores are extreme
        trial = np.asarray(coef + step * 0.5**halvings, dtype=np.float64)
        if _objective(problem, trial) <= start:
            return trial
    return coef


def _objective(problem: _Problem, coef: Scores) -> float:
    z, away = problem.Z @ coef, coef - problem.prior.centre
    losses = (np.logaddexp(0.0, z) - problem.y * z) * problem.weight
    return float(np.sum(losses) + 0.5 * problem.prior.precision * away @ away)
