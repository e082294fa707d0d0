"""Isotonic calibration: the non-decreasing step fit, interpolated between its knots and never 0 or 1."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.calibration.base import Scores
from aipro_ml.calibration.document import Documented
from aipro_ml.enums import CalibratorType


@dataclass(frozen=True)
class IsotonicCalibrator(Documented):
    """Piecewise linear through `knots` (score, probability), clipped to [1/(n+2), 1 - 1/(n+2)].

    `n` rows; of rows with weights their sum takes its place in the clip.
    """

    calibrator_type: ClassVar[CalibratorType] = CalibratorType.ISOTONIC
    knots: tuple[tuple[float, float], ...] = ()
    n: int = 0

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the calibrator of the pool-adjacent-violators fit, both inputs shape (n,)."""
        from sklearn.isotonic import IsotonicRegression

        fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes, sample_weight=weights)
        n = len(scores)
        least = 1 / ((n if weights is None else float(weights.sum())) + 2)
        y = np.clip(fitted.y_thresholds_, least, 1 - least)
        pairs = zip(fitted.X_thresholds_.tolist(), y.tolist(), strict=True)
        return type(self)(knots=tuple((float(x), float(p)) for x, p in pairs), n=n)

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n,)."""
        x, p = np.array(self.knots, dtype=np.float64).T
        return np.asarray(np.interp(scores, x, p), dtype=np.float64)

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        return {"calibrator": str(self.calibrator_type), "format": 1, **asdict(self)}
