"""Calibrators of markets with three outcomes (home, draw, away), and the frames their rows come in.

Probabilities are (n, 3) in the order of the market's outcomes; what happened is the column's number, (n,).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.calibration.base import Calibrator, Scores
from aipro_ml.calibration.document import Documented
from aipro_ml.calibration.logits import EPSILON
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.features.matrix import outcome_columns
from aipro_ml.metrics.conditional_logit import Problem, fit_conditional_logit

MARKET = "market_prob"
ONE_VS_REST = "one_vs_rest"
_FLAT = 1e-4
"""Precision of the belief in a coefficient, as of `logits.FLAT`: keeps separable rows finite and no more."""


def scores_of(rows: pd.DataFrame, column: str = "p") -> Scores:
    """Return the probabilities in `column`: (n,) of the reference side; with a column of the draw beside it, (n, 3).

    The market's stand in `market_prob` and `market_draw`, all others in `name` and `name`_draw.
    """
    p = rows[column].to_numpy("float64")
    draw = "market_draw" if column == MARKET else f"{column}_draw"
    if draw not in rows.columns:
        return np.asarray(p, dtype=np.float64)
    drawn = rows[draw].to_numpy("float64")
    # NaN stays NaN in all three
    return np.column_stack([p + 0 * drawn, drawn + 0 * p, np.clip(1 - p - drawn, 0.0, 1.0)])


def seen_of(rows: pd.DataFrame) -> Scores:
    """Return what happened: 0/1 of the reference side, of three outcomes the column's number; shape (n,)."""
    y = rows["y"].to_numpy("float64")
    return np.asarray(outcome_columns(y, 3) if "p_draw" in rows.columns else y, dtype=np.float64)


def weights_of(rows: pd.DataFrame) -> Scores | None:
    """Return the share of each row's stake that was decided, shape (n,); None where every stake was, whole."""
    return rows["weight"].to_numpy("float64") if "weight" in rows.columns else None


def with_scores(rows: pd.DataFrame, name: str, p: Scores) -> pd.DataFrame:
    """Return `rows` with the column `name`, and `name`_draw where `p` has three outcomes."""
    if p.ndim == 1:
        return rows.assign(**{name: p})
    return rows.assign(**{name: p[:, 0], f"{name}_draw": p[:, 1]})


def shares(scores: npt.NDArray[np.float64]) -> Scores:
    """Return probabilities (n, k) of unnormalised logarithms, each EPSILON or more before they are made to sum to 1."""
    p = np.clip(np.exp(scores - scores.max(axis=1, keepdims=True)), EPSILON, None)
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)


def logarithms(p: npt.ArrayLike) -> Scores:
    """Return ln p, p clipped by EPSILON; NaN stays NaN."""
    return np.asarray(np.log(np.clip(np.asarray(p, dtype=np.float64), EPSILON, 1.0)), dtype=np.float64)


@dataclass(frozen=True)
class MultinomialPlatt(Documented):
    """p_j ↦ share of exp(bias_j) · p_j ** slope: Platt scaling of k outcomes, of two it is Platt's line itself.

    `biases` are against outcome 0, whose own is 0; all 0 is temperature scaling (Guo et al. 2017), else its
    bias-corrected form (Alexandari et al. 2020). `is_temperature` says which is fitted. The default is the identity.
    """

    calibrator_type: ClassVar[CalibratorType] = CalibratorType.PLATT
    slope: float = 1.0
    biases: tuple[float, ...] = (0.0, 0.0, 0.0)
    n: int = 0
    is_temperature: bool = False

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Return the most likely calibrator for probabilities (n, k) and the columns that happened, (n,).

        Where the likelihood asks for a negative slope (probabilities that rank backwards) it is 0: every game gets
        the outcomes' frequencies, or of a temperature the same for all.
        """
        k, weight = scores.shape[1], np.ones(len(scores)) if weights is None else weights
        slope, *biases = self._coefficients(scores, outcomes, weight, with_slope=True)
        if slope < 0:
            slope, biases = (
                0.0,
                [] if self.is_temperature else self._coefficients(scores, outcomes, weight, with_slope=False),
            )
        shifts = (0.0, *(biases or [0.0] * (k - 1)))
        return type(self)(float(slope), tuple(map(float, shifts)), len(scores), self.is_temperature)

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n, k), rows summing to one."""
        return shares(self.slope * logarithms(scores) + np.asarray(self.biases))

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        form = CalibrationMethod.TEMPERATURE if self.is_temperature else CalibrationMethod.PLATT
        figures = {"slope": self.slope, "biases": list(self.biases), "n": self.n}
        return {"calibrator": str(self.calibrator_type), "form": str(form), "format": 1, **figures}

    def _coefficients(self, scores: Scores, outcomes: Scores, weight: Scores, *, with_slope: bool) -> list[float]:
        n, k = scores.shape
        figures = [logarithms(scores)] if with_slope else []
        if not self.is_temperature:
            figures += [np.tile(np.eye(k)[j], (n, 1)) for j in range(1, k)]
        Z = np.stack(figures, axis=-1)
        centre = np.zeros(Z.shape[-1])
        found, _ = fit_conditional_logit(Problem(Z, outcomes.astype(np.int64), weight, centre, _FLAT))
        return [float(one) for one in found]


@dataclass(frozen=True)
class OneVsRest(Documented):
    """A calibrator for each outcome against all others, their probabilities divided by their sum (Zadrozny 2002)."""

    parts: tuple[Calibrator, ...]

    @property
    def calibrator_type(self) -> CalibratorType:
        """Return the type of the parts."""
        return self.parts[0].calibrator_type

    @property
    def n(self) -> int:
        """Return the number of rows it was fitted on."""
        return self.parts[0].n

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Fit each part on its own column of the probabilities (n, k)."""
        fitted = (
            part.fit(scores[:, j], (outcomes == j).astype("float64"), weights) for j, part in enumerate(self.parts)
        )
        return type(self)(tuple(fitted))

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities, shape (n, k), rows summing to one."""
        p = np.column_stack([part.calibrate(scores[:, j]) for j, part in enumerate(self.parts)])
        return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)

    @property
    def document(self) -> dict[str, Any]:
        """Return the calibrator as a JSON-able mapping."""
        parts = [part.document for part in self.parts]
        return {"calibrator": str(self.calibrator_type), "form": ONE_VS_REST, "format": 1, "parts": parts}


def three_outcomes(method: CalibrationMethod, two_outcomes: Callable[[], Calibrator]) -> Calibrator:
    """Return the unfitted calibrator of three outcomes that `method` names; `two_outcomes` makes one for two."""
    if method in (CalibrationMethod.PLATT, CalibrationMethod.TEMPERATURE):
        return MultinomialPlatt(is_temperature=method is CalibrationMethod.TEMPERATURE)
    return OneVsRest(tuple(two_outcomes() for _ in range(3)))
