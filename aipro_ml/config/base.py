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


def overridden(config: C, values: Mapping[str, str], prefix: str) -> C:
    """Return `config` with texts of `system_settings` in place of its own values, by field.

    UsageError names the key, `prefix` and field, that is unknown or whose value does not fit.
    """
    stored = {name: setting(value) for name, value in values.items()}
    try:
        return type(config).model_validate({**config.model_dump(), **stored})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"system setting {prefix}{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def under(settings: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the settings whose key begins with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in settings.items() if name.startswith(prefix)}


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
