"""The protocol every calibrator fulfils."""

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from aipro_ml.enums import CalibratorType

Scores = npt.NDArray[np.float64]
"""Probabilities in [0, 1]: (n,) of the reference outcome; of a market with three outcomes all of them, (n, 3)."""


class Calibrator(Protocol):
    """Maps a model's probability of the reference outcome to a calibrated one, never decreasing.

    Calibrators of three outcomes (`outcomes.py`) take and give all three.
    """

    @property
    def calibrator_type(self) -> CalibratorType:
        """Return what it is in `calibration_models`."""
        ...

    @property
    def document(self) -> dict[str, Any]:
        """Return its content as a JSON-able mapping."""
        ...

    @property
    def n(self) -> int:
        """Return the number of rows it was fitted on."""
        ...

    @property
    def version(self) -> str:
        """Return the SHA-256 (64 hex digits) of its content."""
        ...

    def fit(self, scores: Scores, outcomes: Scores, weights: Scores | None = None) -> Self:
        """Fit on out-of-fold scores and what happened, shape (n,): 0/1, of three outcomes the column's number.

        `weights` (n,): the share of each row's stake that was decided, ½ where half of a quarter line's came back.
        """
        ...

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities strictly inside (0, 1), in the shape of `scores`."""
        ...

    def save(self, path: Path) -> None:
        """Write the calibrator as JSON to the file `path`."""
        ...
