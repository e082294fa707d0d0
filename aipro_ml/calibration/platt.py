"""Platt scaling on the log-odds: a slope that is never negative, and an intercept (Platt 1999)."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.document import Documented
from aipro_ml.calibration.logits import expit, fit_logistic, logit
from aipro_ml.enums import CalibratorType


@dataclass(frozen=True)
class PlattCalibrator(Documented):
    """p ↦ expit(intercept + slope · logit p); the default is the identity."""

    calibrator_type: ClassVar[CalibratorType] = CalibratorType.PLATT
    slope: float = 1.0
    intercept: float = 0.0
    n: int = 0

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the calibrator of maximum likelihood on scores and 0/1 outcomes, both shape (n,).

        Where the likelihood asks for a negative slope (scores that rank backwards), the slope is 0 and every
        game gets the mean outcome.
        """
        z, y = logit(scores), np.asarray(outcomes, dtype=np.float64)
        fitted = fit_logistic(np.column_stack([z, np.ones_like(z)]), y, weights=weights).coef
        if fitted[0] < 0:
            fitted = np.array([0.0, fit_logistic(np.ones((len(z), 1)), y, weights=weights).coef[0]])
        return type(self)(slope=float(fitted[0]), intercept=float(fitted[1]), n=len(z))

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n,)."""
        return expit(self.intercept + self.slope * logit(scores))

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        return {"calibrator": str(self.calibrator_type), "format": 1, **asdict(self)}
