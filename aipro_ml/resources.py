"""Where the files that ship with the package lie: `configs/` and `schema/`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from aipro_ml.errors import AiproError, UsageError

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """Return the root of the source checkout this package runs from, or None for an installed wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "schema").is_dir() else None


def _shipped(name: str) -> Path:
    inside, beside = _PACKAGE / name, _PACKAGE.parent / name
    for place in (inside, beside):
        if place.is_dir():
            return place
    raise AiproError(f"the installation is damaged: no folder {name} at {inside} or {beside}; reinstall")


def configs_dir() -> Path:
    """Return the folder of shipped configuration files."""
    return _shipped("configs")


def schema_dir() -> Path:
    """Return the folder of migrations and the schema snapshot."""
    return _shipped("schema")


@cache
def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at `path`; one clear error where it is missing or malformed."""
    if not path.is_file():
        raise UsageError(f"{path}: no such configuration file")
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text: {error.reason}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(f"{path}{place}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: expected a mapping at the top, found {type(loaded).__name__}")
    return loaded
