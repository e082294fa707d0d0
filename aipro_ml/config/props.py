"""Player props of a sport, `configs/props/<code>.yaml`: what each counts in a box score and how it is expected."""

from functools import cache
from typing import Literal

from pydantic import Field

from aipro_ml import resources
from aipro_ml.config.base import Config, parsed
from aipro_ml.errors import UsageError

Family = Literal["poisson", "negative_binomial", "gamma", "normal"]


class PropConfig(Config):
    """One kind of prop. The figures of a box are added up; one that a box lacks is 0."""

    name: str = Field(max_length=50, description="As the prices name it: `fact_player_props.prop_type`")
    figures: tuple[str, ...] = Field(min_length=1)
    usage: tuple[str, ...] = Field(default=(), description="What chances come by: targets, carries, minutes")
    positions: tuple[str, ...] = Field(default=(), description="Who is modelled; none named: everybody")
    families: tuple[Family, ...] = Field(min_length=1, description="The likeliest of these is taken")
    least: float = Field(default=0.0, ge=0, description="Least own average of the rows it is learned from")
    least_line: float = Field(default=0.0, ge=0, description="Below it nobody can tell who did not play from who had 0")
    least_usage: float = Field(default=0.0, ge=0, description="The same of the usual usage")


class PropsConfig(Config):
    """How a sport's props are expected from the past."""

    code: str = Field(max_length=10)
    half_life: float = Field(gt=0, description="Games after which a game counts half")
    recent_half_life: float = Field(gt=0, description="The same of recent form")
    own_weight: float = Field(gt=0, description="Games of the position's average a player begins with")
    opponent_weight: float = Field(gt=0, description="Games of the league's average an opponent begins with")
    max_absence_days: float = Field(gt=0, description="Who has no known game for longer gets no prediction")
    without_prices: bool = Field(
        default=False, description="Games nobody prices get a line of the players' own averages"
    )
    squad_days: float = Field(default=30.0, gt=0, description="Who has no game for longer gets no such line")
    first_rows: int = Field(default=300, ge=50, description="Fewer player games than this train nothing")
    penalty: float = Field(default=0.01, ge=0, description="Ridge penalty on the standardised features")
    props: tuple[PropConfig, ...] = Field(min_length=1)

    @property
    def figures(self) -> tuple[str, ...]:
        """Return every figure any prop asks for."""
        return tuple(dict.fromkeys(name for prop in self.props for name in (*prop.figures, *prop.usage)))


@cache
def props_config(code: str) -> PropsConfig:
    """Return the props of sport `code` (any letter case); UsageError where it has none."""
    path = resources.configs_dir() / "props" / f"{code.lower()}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem.upper() for each in path.parent.glob("*.yaml")))
        raise UsageError(f"{code} has no player props: {known} have; add configs/props/{code.lower()}.yaml")
    return parsed(PropsConfig, path)
