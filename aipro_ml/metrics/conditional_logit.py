"""The conditional logit (McFadden 1974): what makes one of k outcomes likelier, with a Gaussian prior."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aipro_ml.metrics import FloatArray, IntArray

_STEPS = 100


@dataclass(frozen=True)
class Problem:
    """`Z` (n, k, m): m figures of each outcome; `seen` (n,): the column that happened; `weight` (n,).

    `centre` (m,) and `precision` (1/sd²) are the belief in the coefficients before any row.
    """

    Z: FloatArray
    seen: IntArray
    weight: FloatArray
    centre: FloatArray
    precision: float


def fit_conditional_logit(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Return the most probable coefficients and their standard errors, both (m,), by damped Newton steps.

    P(outcome j) ∝ exp(Z[:, j] @ coef): of two outcomes a logistic regression on the difference of their figures.
    """
    coef = problem.centre.copy()
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(problem, coef)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        coef = _improved(problem, coef, step)
        if np.abs(step).max() < 1e-10:
            break
    _, hessian = _derivatives(problem, coef)
    return coef, np.sqrt(np.diag(np.linalg.inv(hessian)))


def log_shares(Z: FloatArray, coef: npt.ArrayLike) -> FloatArray:
    """Return ln P of each outcome, shape (n, k)."""
    scores = Z @ np.asarray(coef, dtype=np.float64)
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True)), dtype=np.float64)


def _derivatives(problem: Problem, coef: FloatArray) -> tuple[FloatArray, FloatArray]:
    Z, seen, weight = problem.Z, problem.seen, problem.weight
    p = np.exp(log_shares(Z, coef))
    mean = np.einsum("nk,nkm->nm", p, Z)
    chosen = Z[np.arange(len(seen)), seen]
    gradient = weight @ (chosen - mean) - (coef - problem.centre) * problem.precision
    centred = Z - mean[:, None, :]
    hessian = np.einsum("n,nk,nkm,nkl->ml", weight, p, centred, centred) + np.eye(len(coef)) * problem.precision
    return gradient, hessian


def _improved(problem: Problem, coef: FloatArray, step: FloatArray) -> FloatArray:
    # near the top the steps still left improve it by less than its own rounding: they are taken whole
    start = _objective(problem, coef)
    start += 1e-12 * abs(start)
    for halvings in range(30):  # a full Newton step can overshoot where figures are extreme
        trial = coef + step * 0.5**halvings
        if _objective(problem, trial) <= start:
            return np.asarray(trial, dtype=np.float64)
    return coef


def _objective(problem: Problem, coef: FloatArray) -> float:
    away = coef - problem.centre
    said = log_shares(problem.Z, coef)[np.arange(len(problem.seen)), problem.seen]
    return float(0.5 * away @ away * problem.precision - problem.weight @ said)
