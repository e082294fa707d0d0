"""What every configuration file is read with: a frozen model, refused where a key is unknown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from aipro_ml import resources
from aipro_ml.errors import UsageError


class Config(BaseModel):
    """A frozen configuration value; unknown keys and infinite numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


C = TypeVar("C", bound=Config)


def setting(value: str) -> str | None:
    """Return a value of `system_settings`; None where it says null, none or nothing."""
    return None if value.strip().lower() in {"null", "none", ""} else value


def parsed(kind: type[C], path: Path) -> C:
    """Return the configuration in the YAML file `path`; UsageError as `validated`."""
    return validated(kind, resources.load_yaml(path), path)


def validated(kind: type[C], values: Mapping[str, Any], path: Path) -> C:
    """Return the configuration that `values` of the file `path` describe; UsageError names a key that does not fit."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}, key {place}: {first['msg']}") from error
