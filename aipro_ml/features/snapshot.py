"""Snapshots of feature matrices on disk: one Parquet file, read back to the same matrix or not at all."""

import hashlib
import tempfile
from pathlib import Path

import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.errors import ArtifactError
from aipro_ml.features.matrix import FeatureMatrix

_META = "meta:"
_BESIDE = ("as_of", "y", "weight", "outcomes")
"""What stands beside features and meta; `outcomes` is one text in every row."""


def write_snapshot(path: Path, matrix: FeatureMatrix, building: Path | None = None) -> str:
    """Write `matrix` as `path` in one step and return the file's SHA-256; the same content gives the same bytes.

    `building`: a folder of the same file system to write it in first (None: beside `path`).
    """
    frame = pd.concat([matrix.X, matrix.meta.add_prefix(_META)], axis=1)
    outcomes = ",".join(matrix.outcomes)
    for name, values in zip(_BESIDE, (matrix.as_of, matrix.y, matrix.weight, outcomes), strict=True):
        if values is not None:
            frame[f"{_META}{name}"] = values
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f".{path.stem}-", dir=building or path.parent, delete=False) as begun:
        place = Path(begun.name)
    try:
        frame.to_parquet(place, compression="zstd")
        place.chmod(0o644)  # a temporary file's 0600 would lock other users of the platform out
        place.replace(path)
    finally:
        place.unlink(missing_ok=True)
    return file_hash(path)


def read_snapshot(path: Path, data_hash: str, file_sha256: str | None = None) -> FeatureMatrix:
    """Return the matrix in `path`; ArtifactError where it is missing, damaged or not the one of `data_hash`.

    `data_hash` covers games, decision times, features and labels; `file_sha256` every byte, `meta` too.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: the dataset is missing; train again with the same data, or restore the file")
    if file_sha256 is not None and file_hash(path) != file_sha256:
        raise ArtifactError(f"{path}: damaged (its SHA-256 differs); train again with the same data")
    try:
        matrix = _matrix(pd.read_parquet(path))
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{path}: no dataset can be read from it ({str(error).splitlines()[0]})") from error
    if matrix.sha256 != data_hash:
        raise ArtifactError(f"{path}: its content is not that of dataset {data_hash[:12]}; train again")
    return matrix


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _matrix(frame: pd.DataFrame) -> FeatureMatrix:
    beside = [name for name in frame.columns if name.startswith(_META)]
    rest = frame[beside].rename(columns=lambda name: name.removeprefix(_META))
    as_of, y, weight, outcomes = (rest.pop(name) if name in rest else None for name in _BESIDE)
    if as_of is None or outcomes is None or outcomes.nunique() != 1:
        raise ValueError("no decision times, or no outcomes")
    named = tuple(Selection(name) for name in str(outcomes.iloc[0]).split(","))
    return FeatureMatrix(frame.drop(columns=beside), as_of, rest, y, named, weight)
