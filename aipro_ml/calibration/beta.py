"""Beta calibration: Platt scaling with a slope of its own towards either end (Kull, Silva Filho, Flach 2017)."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.document import Documented
from aipro_ml.calibration.logits import EPSILON, expit, fit_logistic
from aipro_ml.enums import CalibrationMethod, CalibratorType

_FREE_SLOPES = ((0, 1), (0,), (1,), ())
"""Which slopes may differ from zero: among these fits is the best one without a negative slope."""
_Rows = tuple[Scores, Scores, Scores]
"""Columns of `_ends` (n, 3), outcomes and weights (n,)."""


@dataclass(frozen=True)
class BetaCalibrator(Documented):
    """p ↦ expit(intercept + a · ln p − b · ln(1 − p)), a and b never negative; the default is the identity."""

    calibrator_type: ClassVar[CalibratorType] = CalibratorType.PLATT
    a: float = 1.0
    b: float = 1.0
    intercept: float = 0.0
    n: int = 0

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the calibrator of maximum likelihood on scores and 0/1 outcomes, both shape (n,)."""
        Z, y = _ends(scores), np.asarray(outcomes, dtype=np.float64)
        weight = np.ones_like(y) if weights is None else weights
        fits = [_fit((Z, y, weight), free) for free in _FREE_SLOPES]
        allowed = [coef for coef in fits if coef[0] >= 0 and coef[1] >= 0]
        a, b, intercept = min(allowed, key=lambda coef: _loss((Z, y, weight), coef)).tolist()
        return type(self)(a, b, intercept, len(y))

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n,)."""
        return expit(_ends(scores) @ np.array([self.a, self.b, self.intercept]))

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        form = str(CalibrationMethod.BETA)
        return {"calibrator": str(self.calibrator_type), "form": form, "format": 1, **asdict(self)}


def _ends(scores: Scores) -> Scores:
    """Return ln p, −ln(1 − p) and one, shape (n, 3); every column grows with p or stays."""
    p = np.clip(np.asarray(scores, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.column_stack([np.log(p), -np.log1p(-p), np.ones_like(p)])


def _fit(rows: _Rows, free: tuple[int, ...]) -> Scores:
    """Return the three coefficients of greatest likelihood, the slopes that are not `free` zero."""
    (Z, y, weight), columns = rows, [*free, 2]
    coef = np.zeros(3)
    coef[columns] = fit_logistic(Z[:, columns], y, weights=weight).coef
    return coef


def _loss(rows: _Rows, coef: Scores) -> float:
    Z, y, weight = rows
    z = Z @ coef
    return float(np.sum((np.logaddexp(0.0, z) - y * z) * weight))
