"""The models of a run as it had them: artifact, calibrator, blend and interval by the hashes the run kept."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from aipro_ml.calibration.blend import load_blend
from aipro_ml.calibration.load import load_calibrator
from aipro_ml.calibration.venn_abers import load_venn_abers
from aipro_ml.config import Settings
from aipro_ml.db.repositories.models import StoredModel
from aipro_ml.errors import ArtifactError, GuardError
from aipro_ml.inference.predictor import ModelScores
from aipro_ml.jobs.deciding import Speaker, checked_model

T = TypeVar("T", bound=Any)
_NOT_CALIBRATORS = ("blend-", "interval-", "reliability")


def pinned_speaker(settings: Settings, stored: StoredModel, pins: Mapping[str, Any]) -> Speaker:
    """Return the model under the hashes of `pins` (a run's versions); GuardError where one is gone or altered.

    Calibrating again replaces what the model uses today; the files of before stay, each named by its hash.
    """
    try:
        return _speaker(settings, stored, pins)
    except ArtifactError as error:
        raise GuardError(f"model {str(stored.id)[:8]} ({stored.name}) cannot speak as it did then: {error}") from error


def _speaker(settings: Settings, stored: StoredModel, pins: Mapping[str, Any]) -> Speaker:
    folder = settings.artifacts_dir / f"{stored.file_path}.calibration"
    then = stored.metrics["calibration"]  # runs of before did not keep how many rows it saw
    scores = ModelScores(
        bet_type=stored.bet_type,
        model_id=str(stored.id),
        probability=pd.Series(dtype="float64"),
        calibrator=_pinned(folder, "*", pins["calibration"], load_calibrator),
        calibration_rows=int(pins.get("calibration_rows", then["n"])),
        calibration_version=pins["calibration"],
        blend=_pinned(folder, "blend", pins["blend"], load_blend),
        interval=_pinned(folder, "interval", pins["interval"], load_venn_abers),
        suspected_leak=bool(pins.get("suspected_leak", stored.metrics.get("leak") == "suspected_leak")),
    )
    return Speaker(stored, *checked_model(settings, stored, pins["artifact"]), scores)


def _pinned(folder: Path, kind: str, digest: str | None, load: Callable[[Path], T]) -> T | None:
    """Return what the file of this kind and hash holds; None where the run used none."""
    if digest is None:
        return None
    found = [
        path
        for path in sorted(folder.glob(f"{kind}-{digest[:16]}.json"))
        if kind != "*" or not path.name.startswith(_NOT_CALIBRATORS)
    ]
    if not found:
        raise ArtifactError(f"{folder}: no file of hash {digest[:16]} is left; restore it from a backup")
    read = load(found[0])
    if read.version != digest:
        raise ArtifactError(f"{found[0]}: not what the run used (its hash differs); restore it from a backup")
    return read
