"""Calibrators and blends as JSON documents: read with one clear error, named by the hash of their content."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aipro_ml.errors import ArtifactError
from aipro_ml.files import whole
from aipro_ml.identity import canonical_json, content_hash


class Documented(ABC):
    """What is stored as one JSON document, under the hash of its content."""

    @property
    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Return the content as a JSON-able mapping."""

    @property
    def version(self) -> str:
        """Return the SHA-256 (64 hex digits) of the content."""
        return content_hash(self.document)

    def save(self, path: Path) -> None:
        """Write the document as JSON to the file `path`."""
        write_document(path, self.document)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write `document` as canonical JSON, whole or not at all; its SHA-256 is `identity.content_hash(document)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as draft:
        draft.write_bytes(canonical_json(document))


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; ArtifactError where it is missing or damaged."""
    try:
        text = path.read_text(encoding="utf-8")
        loaded = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such calibrator; calibrate the model again") from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); calibrate the model again") from error
    if not isinstance(loaded, dict):
        raise ArtifactError(f"{path}: damaged (no JSON object); calibrate the model again")
    return loaded


def _finite(text: str) -> float:
    """Return a number of the document; ValueError for what no document is written with (NaN, infinity)."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number")
    return value
