"""The system settings there are: key, type, standing value, meaning; the configuration they change checks them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, get_args

from aipro_ml.config.base import Config, overridden
from aipro_ml.config.gates import gates_config
from aipro_ml.config.health import SPORT_LIMITS, planned_limits
from aipro_ml.config.nightly import NightlyConfig
from aipro_ml.config.policy import bet_limits, policy_config
from aipro_ml.enums import BetType, Layer
from aipro_ml.errors import UsageError

ValueKind = Literal["string", "int", "float", "bool"]
FAMILIES = ("bet", "gate", "health", "kelly", "tier")
"""What the keys begin with."""

_KINDS: dict[Any, ValueKind] = {bool: "bool", int: "int", float: "float", Decimal: "float"}


@dataclass(frozen=True)
class KnownSetting:
    """A setting the platform reads: `field` of `config`, which checks every value of it.

    `layer`: whether the standing value is the code's default or stands in a configuration file.
    """

    key: str
    config: Config
    field: str
    layer: Layer

    @property
    def kind(self) -> ValueKind:
        """Return the type its value is written as."""
        annotation = type(self.config).model_fields[self.field].annotation
        kinds = [_KINDS[each] for each in (annotation, *get_args(annotation)) if each in _KINDS]
        return kinds[0] if kinds else "string"

    @property
    def says(self) -> str:
        """Return what it means."""
        return type(self.config).model_fields[self.field].description or ""

    @property
    def standing(self) -> str:
        """Return the value it has where nobody changed it."""
        return text_of(getattr(self.config, self.field))

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return variable_of(self.key)

    @property
    def of_sport(self) -> bool:
        """Return whether it is one sport's."""
        return self.key.count(".") > 1

    def canonical(self, value: str) -> str:
        """Return `value` as it is stored; UsageError where it does not fit."""
        prefix = self.key.removesuffix(self.field)
        return text_of(getattr(overridden(self.config, {self.field: value}, prefix), self.field))


def text_of(value: object) -> str:
    """Return a value as the text it is stored as; `null` for None, commas between several."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def variable_of(key: str) -> str:
    """Return the environment variable of a system setting: `AIPRO_BET_GAME_CAP` of `bet.game_cap`."""
    return "AIPRO_" + key.upper().replace(".", "_").replace("-", "_")


def known_settings(plan: NightlyConfig, sports: Iterable[str]) -> dict[str, KnownSetting]:
    """Return every setting by its key, those of each sport (code) included; `plan` has the standing health limits."""
    of_plan = plan.model_fields_set
    found = [
        *_fields("bet", bet_limits()),
        *_fields("kelly", policy_config().kelly),
        *_fields("health", planned_limits(plan), of_plan),
    ]
    for code in sports:
        found += [*_tiers(code), *_gates(code)]
        found += [
            KnownSetting(f"health.{code}.{name}", planned_limits(plan), name, _layer(name in of_plan))
            for name in SPORT_LIMITS
        ]
    return {each.key: each for each in found}


def find(known: dict[str, KnownSetting], key: str) -> KnownSetting:
    """Return the setting of this key; UsageError with the nearest ones where there is none."""
    found = known.get(key)
    if found is None:
        near = get_close_matches(key, known, n=3, cutoff=0.5)
        told = f"; near are {', '.join(near)}" if near else ""
        raise UsageError(f"no setting {key!r}{told}: see `aipro config show --all`")
    return found


def _tiers(code: str) -> Iterator[KnownSetting]:
    for bet_type in BetType:
        for tier, threshold in policy_config().tiers.items():
            yield from _fields(f"tier.{code}.{bet_type}.{tier}", threshold)


def _gates(code: str) -> Iterator[KnownSetting]:
    for bet_type in BetType:
        yield from _fields(f"gate.{code}.{bet_type}", gates_config().gate(code, bet_type))


def _fields(prefix: str, config: Config, in_file: Iterable[str] | None = None) -> Iterator[KnownSetting]:
    named = config.model_fields_set if in_file is None else set(in_file)
    for name in type(config).model_fields:
        yield KnownSetting(f"{prefix}.{name}", config, name, _layer(name in named))


def _layer(in_file: bool) -> Layer:
    return Layer.FILE if in_file else Layer.DEFAULT
