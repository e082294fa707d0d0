"""Model folders on disk: written whole or not at all, with a checksum of every file."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aipro_ml.errors import ArtifactError
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.registry import load_model

CHECKSUMS = "checksums.json"
MODEL = "model"
OOF = "oof.parquet"
METRICS = "metrics.json"
CONFIG = "config.json"
BACKGROUND = "background.parquet"


@dataclass(frozen=True)
class ModelArtifact:
    """A trained model with what is needed to calibrate, explain and repeat it.

    `background`: training rows (columns: the model's features) that a model without contributions of its own is
    explained against; None where it needs none.
    """

    model: TrainedModel
    oof: pd.DataFrame  # walkforward.OOF_COLUMNS, index game_id
    metrics: Mapping[str, Any]
    config: Mapping[str, Any]
    background: pd.DataFrame | None = None


def write_artifact(folder: Path, artifact: ModelArtifact) -> str:
    """Write `artifact` as `folder` in one step, replacing what was there; return its `artifact_hash`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        building.chmod(0o755)  # mkdtemp's 0700 would lock other users of the platform out
        _fill(building, artifact)
        put_in_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return artifact_hash(folder)


def read_artifact(folder: Path) -> ModelArtifact:
    """Return the artifact in `folder` after checking every file; ArtifactError names what is damaged."""
    model, background = read_model(folder)
    return ModelArtifact(
        model=model,
        oof=pd.read_parquet(folder / OOF),
        metrics=_read_json(folder / METRICS),
        config=_read_json(folder / CONFIG),
        background=background,
    )


def read_model(folder: Path) -> tuple[TrainedModel, pd.DataFrame | None]:
    """Return the model in `folder` and its `background`, all that prediction needs, after checking every file."""
    verify(folder)
    background = folder / BACKGROUND
    return load_model(folder / MODEL), pd.read_parquet(background) if background.is_file() else None


def read_oof(folder: Path) -> pd.DataFrame:
    """Return the out-of-fold frame of the artifact in `folder` after checking every file; no framework is loaded."""
    verify(folder)
    return pd.read_parquet(folder / OOF)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the facts the artifact in `folder` keeps of its training; ArtifactError where they are damaged."""
    return _read_json(folder / METRICS)


def is_whole(folder: Path) -> bool:
    """Return whether `folder` holds an artifact of which every file is as it was written."""
    try:
        verify(folder)
    except ArtifactError:
        return False
    return True


def verify(folder: Path) -> None:
    """Raise ArtifactError naming the first file of `folder` that is missing, added or changed."""
    expected = _read_json(folder / CHECKSUMS)
    found = _checksums(folder)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise ArtifactError(f"{folder / name}: missing from the artifact; train the model again")
        if name not in expected:
            raise ArtifactError(f"{folder / name}: not part of the artifact; remove it")
        if expected[name] != found[name]:
            raise ArtifactError(f"{folder / name}: damaged (its SHA-256 differs); train the model again")


def artifact_hash(folder: Path) -> str:
    """Return the SHA-256 (64 hex digits) of the artifact's list of checksums."""
    if not (folder / CHECKSUMS).is_file():
        raise ArtifactError(f"{folder}: no model artifact here (no {CHECKSUMS})")
    return _sha256(folder / CHECKSUMS)


def _fill(folder: Path, artifact: ModelArtifact) -> None:
    artifact.model.save(folder / MODEL)
    artifact.oof.to_parquet(folder / OOF)
    if artifact.background is not None:
        artifact.background.to_parquet(folder / BACKGROUND)
    _write_json(folder / METRICS, artifact.metrics)
    _write_json(folder / CONFIG, artifact.config)
    _write_json(folder / CHECKSUMS, _checksums(folder))


def put_in_place(building: Path, folder: Path) -> None:
    """Make the folder `building` be `folder` (of the same file system), replacing what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        building.rename(folder)
        return
    retired = building.with_name(building.name + "-old")  # a folder with content cannot be renamed over
    folder.rename(retired)
    building.rename(folder)
    shutil.rmtree(retired)


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: missing from the artifact; train the model again") from error
    except ValueError as error:
        raise ArtifactError(f"{path}: damaged ({error}); train the model again") from error
    if not isinstance(loaded, dict):
        raise ArtifactError(f"{path}: damaged (no JSON object); train the model again")
    return loaded
