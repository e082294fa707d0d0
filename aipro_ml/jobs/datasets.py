"""Training datasets: what a model was trained on, kept as a file and found again by the hash of its content."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from aipro_ml.config import Settings
from aipro_ml.db.repositories import feature_store
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.snapshot import file_hash, read_snapshot, write_snapshot
from aipro_ml.jobs.database import opened

FOLDER = "datasets"


def save_snapshot(
    connection: Connection,
    settings: Settings,
    set_id: UUID,
    matrix: FeatureMatrix,
    now: datetime,
    building: Path | None = None,
) -> UUID:
    """Keep `matrix` as a Parquet file under the artifacts and a row of `training_datasets`; return the row's id.

    The same content is the same file: a whole one stays as it is, a damaged one is written anew, in the folder
    `building` first (None: beside its place).
    """
    digest = matrix.sha256
    place = Path(FOLDER) / digest[:2] / f"{digest}.parquet"
    details = {
        "file_sha256": _written(settings.artifacts_dir / place, matrix, building),
        "features": len(matrix.feature_names),
        "labelled": 0 if matrix.y is None else int(matrix.y.notna().sum()),
    }
    values = {
        "feature_set_id": set_id,
        "data_hash": digest,
        "row_count": len(matrix.X),
        "first_as_of": matrix.as_of.min().to_pydatetime(),
        "last_as_of": matrix.as_of.max().to_pydatetime(),
        "file_path": place.as_posix(),
        "details": details,
        "created_at": now,
    }
    return feature_store.save_dataset(connection, values)


def read_dataset(settings: Settings, reference: str) -> FeatureMatrix:
    """Return the matrix of the one dataset whose data hash begins with `reference`.

    UsageError where it is not one; ArtifactError where its file is missing, damaged or another's.
    """
    with opened(settings) as engine, engine.connect() as connection:
        found = feature_store.datasets(connection, reference)
    if len({row["data_hash"] for row in found}) != 1:
        raise UsageError(f"{len(found)} datasets begin with {reference!r}: see `aipro features datasets`")
    return _read(settings, found[0])


def dataset_of(connection: Connection, settings: Settings, data_hash: str) -> FeatureMatrix | None:
    """Return the matrix a model was trained on, or None where no file of it was kept; ArtifactError if damaged."""
    kept = [row for row in feature_store.datasets(connection, data_hash) if row["file_path"] is not None]
    return _read(settings, kept[0]) if kept else None


def list_datasets(settings: Settings) -> list[dict[str, Any]]:
    """Return every stored dataset and whether its file still is what it was: `whole`, or what is wrong with it."""
    with opened(settings) as engine, engine.connect() as connection:
        found = feature_store.datasets(connection)
    return [{**_shown(row), "file": _state(settings, row)} for row in found]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("feature_set", "rows", "features", "first_as_of", "last_as_of")
    return {"dataset": row["data_hash"][:12], **{name: row[name] for name in kept}}


def _state(settings: Settings, row: dict[str, Any]) -> str:
    if row["file_path"] is None:
        return "none (trained by an earlier version)"
    try:
        _read(settings, row)
    except ArtifactError as error:
        return str(error).partition(": ")[2].partition(";")[0].partition(" (")[0]
    return "whole"


def _read(settings: Settings, row: dict[str, Any]) -> FeatureMatrix:
    if row["file_path"] is None:
        raise ArtifactError(f"dataset {row['data_hash'][:12]}: no file was kept of it; train again with the same data")
    return read_snapshot(settings.artifacts_dir / row["file_path"], row["data_hash"], row["file_sha256"])


def _written(path: Path, matrix: FeatureMatrix, building: Path | None) -> str:
    """Return the SHA-256 of the file, written where it is not there or holds anything else."""
    try:
        whole = read_snapshot(path, matrix.sha256).meta.equals(matrix.meta)
    except ArtifactError:
        whole = False
    return file_hash(path) if whole else write_snapshot(path, matrix, building)
