"""Calibrators from disk and by method; a calibrator is one new file and one line here."""

from pathlib import Path
from typing import Any

from aipro_ml.calibration.base import Calibrator
from aipro_ml.calibration.document import read_document
from aipro_ml.calibration.isotonic import IsotonicCalibrator
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.errors import ArtifactError, UsageError


def new_calibrator(method: CalibrationMethod) -> Calibrator:
    """Return the unfitted calibrator of `method`; UsageError for `auto` and `none`, which are none."""
    if method == CalibrationMethod.PLATT:
        return PlattCalibrator()
    if method == CalibrationMethod.ISOTONIC:
        return IsotonicCalibrator()
    raise UsageError(f"calibration method {method} has no calibrator of its own: choose platt or isotonic")


def load_calibrator(path: Path) -> Calibrator:
    """Return the calibrator in the JSON file `path`; ArtifactError where it is missing or damaged."""
    document = read_document(path)
    try:
        return _from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged calibrator ({error}); calibrate the model again") from error


def _from_document(document: dict[str, Any]) -> Calibrator:
    kind = CalibratorType(document["calibrator"])
    if kind == CalibratorType.PLATT:
        return PlattCalibrator(float(document["slope"]), float(document["intercept"]), int(document["n"]))
    knots = tuple((float(x), float(p)) for x, p in document["knots"])
    return IsotonicCalibrator(knots, int(document["n"]))
