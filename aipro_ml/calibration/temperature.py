"""Temperature scaling: Platt without an intercept, so that even chances stay even (Guo et al. 2017)."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.document import Documented
from aipro_ml.calibration.logits import expit, fit_logistic, logit
from aipro_ml.enums import CalibrationMethod, CalibratorType


@dataclass(frozen=True)
class TemperatureCalibrator(Documented):
    """p ↦ expit(slope · logit p), the slope one over the temperature; the default is the identity."""

    calibrator_type: ClassVar[CalibratorType] = CalibratorType.PLATT
    slope: float = 1.0
    n: int = 0

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the calibrator of maximum likelihood on scores and 0/1 outcomes, both shape (n,).

        Where the likelihood asks for a negative slope (scores that rank backwards), every game gets one half.
        """
        z = logit(scores)
        y = np.asarray(outcomes, dtype=np.float64)
        slope = float(fit_logistic(z[:, None], y, weights=weights).coef[0])
        return type(self)(slope=max(0.0, slope), n=len(z))

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n,)."""
        return expit(self.slope * logit(scores))

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        form = str(CalibrationMethod.TEMPERATURE)
        return {"calibrator": str(self.calibrator_type), "form": form, "format": 1, **asdict(self)}
