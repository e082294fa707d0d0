"""Calibrators from disk and by method; a calibrator is one new file and one line here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aipro_ml.calibration.base import Calibrator
from aipro_ml.calibration.beta import BetaCalibrator
from aipro_ml.calibration.document import read_document
from aipro_ml.calibration.isotonic import IsotonicCalibrator
from aipro_ml.calibration.outcomes import ONE_VS_REST, MultinomialPlatt, OneVsRest, three_outcomes
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.calibration.temperature import TemperatureCalibrator
from aipro_ml.enums import CalibrationMethod, CalibratorType
from aipro_ml.errors import ArtifactError, UsageError

_CALIBRATORS: dict[CalibrationMethod, Callable[[], Calibrator]] = {
    CalibrationMethod.PLATT: PlattCalibrator,
    CalibrationMethod.TEMPERATURE: TemperatureCalibrator,
    CalibrationMethod.BETA: BetaCalibrator,
    CalibrationMethod.ISOTONIC: IsotonicCalibrator,
}


def new_calibrator(method: CalibrationMethod, outcomes: int = 2) -> Calibrator:
    """Return the unfitted calibrator of `method`; UsageError for `auto` and `none`, which are none."""
    if method not in _CALIBRATORS:
        known = ", ".join(_CALIBRATORS)
        raise UsageError(f"calibration method {method} has no calibrator of its own: choose one of {known}")
    return _CALIBRATORS[method]() if outcomes == 2 else three_outcomes(method, _CALIBRATORS[method])


def load_calibrator(path: Path) -> Calibrator:
    """Return the calibrator in the JSON file `path`; ArtifactError where it is missing or damaged."""
    document = read_document(path)
    try:
        return _from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged calibrator ({error}); calibrate the model again") from error


def _from_document(document: dict[str, Any]) -> Calibrator:
    if document.get("form") == ONE_VS_REST:
        return OneVsRest(tuple(_from_document(part) for part in document["parts"]))
    n = int(document["n"])
    if "biases" in document:
        is_temperature = CalibrationMethod(document["form"]) == CalibrationMethod.TEMPERATURE
        return MultinomialPlatt(float(document["slope"]), tuple(map(float, document["biases"])), n, is_temperature)
    if CalibratorType(document["calibrator"]) == CalibratorType.ISOTONIC:
        return IsotonicCalibrator(tuple((float(x), float(p)) for x, p in document["knots"]), n)
    form = CalibrationMethod(document.get("form", CalibrationMethod.PLATT))
    if form == CalibrationMethod.TEMPERATURE:
        return TemperatureCalibrator(float(document["slope"]), n)
    if form == CalibrationMethod.BETA:
        return BetaCalibrator(float(document["a"]), float(document["b"]), float(document["intercept"]), n)
    if form != CalibrationMethod.PLATT:
        raise ValueError(f"{form} is no form of Platt scaling")
    return PlattCalibrator(float(document["slope"]), float(document["intercept"]), n)
