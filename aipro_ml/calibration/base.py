"""The protocol every calibrator fulfils."""

from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from aipro_ml.enums import CalibratorType

Scores = npt.NDArray[np.float64]
"""Shape (n,): probabilities of the reference outcome, in [0, 1]."""


class Calibrator(Protocol):
    """Maps a model's probability of the reference outcome to a calibrated one, never decreasing."""

    calibrator_type: ClassVar[CalibratorType]

    @property
    def n(self) -> int:
        """Return the number of rows it was fitted on."""
        ...

    @property
    def version(self) -> str:
        """Return the SHA-256 (64 hex digits) of its content."""
        ...

    def fit(self, scores: Scores, outcomes: Scores) -> Self:
        """Fit on out-of-fold scores and 0/1 outcomes, both shape (n,)."""
        ...

    def calibrate(self, scores: Scores) -> Scores:
        """Return calibrated probabilities strictly inside (0, 1), shape (n,)."""
        ...

    def save(self, path: Path) -> None:
        """Write the calibrator as JSON to the file `path`."""
        ...
