"""The header of a saved model: which framework wrote it, in which version, for which outcomes and features."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import ArtifactError
from aipro_ml.training.base import HEADER


@dataclass(frozen=True)
class ModelHeader:
    """What stands in `model.json`; `library` is the package whose release must fit, `facts` the framework's own."""

    framework: Framework
    estimator: str
    library: str
    outcomes: tuple[Selection, ...]
    feature_names: tuple[str, ...]
    facts: Mapping[str, Any]


def write_header(path: Path, header: ModelHeader) -> None:
    """Write `header` with the library's installed release into the folder `path` (created if absent)."""
    path.mkdir(parents=True, exist_ok=True)
    document = {
        "framework": str(header.framework),
        "estimator": header.estimator,
        "library": header.library,
        "library_version": version(header.library),
        "outcomes": list(header.outcomes),
        "feature_names": list(header.feature_names),
        **header.facts,
    }
    (path / HEADER).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_header(path: Path, *, exact: bool = False) -> ModelHeader:
    """Return the header in folder `path`; ArtifactError where it is missing, damaged or of another release.

    Releases fit where their first two numbers agree, with `exact` only where all do.
    """
    try:
        document = dict(json.loads((path / HEADER).read_text(encoding="utf-8")))
        library, written = str(document.pop("library")), str(document.pop("library_version"))
        header = ModelHeader(
            framework=Framework(document.pop("framework")),
            estimator=str(document.pop("estimator")),
            library=library,
            outcomes=tuple(Selection(name) for name in document.pop("outcomes")),
            feature_names=tuple(map(str, document.pop("feature_names"))),
            facts=document,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path / HEADER}: not a saved model ({error}); train it again") from error
    _refuse_other_release(path, library, written, exact=exact)
    return header


def _refuse_other_release(path: Path, library: str, written: str, *, exact: bool) -> None:
    try:
        here = version(library)
    except PackageNotFoundError as error:
        raise ArtifactError(f"{path}: written by {library} {written}, which is not installed here") from error
    fits = written == here if exact else written.split(".")[:2] == here.split(".")[:2]
    if not fits:
        raise ArtifactError(
            f"{path}: written by {library} {written}, here is {here}: train it again or install {written}"
        )
