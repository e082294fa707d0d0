"""A sport: its code, name, views and bet types; what else it needs stands in its configuration file."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aipro_ml.config import SportConfig, sport_config
from aipro_ml.enums import BetType
from aipro_ml.errors import LeakError, UsageError
from aipro_ml.features.definition import feature_set_hash
from aipro_ml.features.view import FeatureView, ViewGroup

OUTCOME_COLUMNS = frozenset(
    {"home_score", "away_score", "overtime", "status", "result", "margin", "total", "y", "label", "winner"}
    | {"closing_line", "closing_price", "result_known_at", "home_points", "away_points", "covered", "outcome_points"}
)
"""Names no feature may carry: what they say is known after the game (methods §9)."""


@dataclass(frozen=True)
class Sport:
    """A sport as the platform models it.

    `settings`: code of the file under `configs/sports/` it takes its figures from. LeakError for a view that
    names an outcome column, UsageError for a column two views share.
    """

    code: str
    name: str
    views: tuple[FeatureView, ...]
    bet_types: tuple[BetType, ...]
    settings: str

    def __post_init__(self) -> None:
        columns = self.columns()
        forbidden = OUTCOME_COLUMNS.intersection(columns)
        if forbidden:
            raise LeakError(f"{self.code}: {sorted(forbidden)[0]} is an outcome and cannot be a feature")
        twice = {column for column in columns if columns.count(column) > 1}
        if twice:
            raise UsageError(f"{self.code}: two views compute the column {sorted(twice)[0]}; rename one")

    def under(self, config: SportConfig) -> "Sport":
        """Return a sport with the same views and bet types and the figures of another configuration."""
        return replace(self, code=config.code, name=config.name, settings=config.code)

    @property
    def config(self) -> SportConfig:
        """Return the sport's configuration, under its own code and name."""
        shipped = sport_config(self.settings)
        return shipped.model_copy(update={"code": self.code, "name": self.name})

    def columns(self, groups: Iterable[ViewGroup] = ("market_free", "market")) -> tuple[str, ...]:
        """Return the feature columns of these groups, in the order of the views."""
        return tuple(column for view in self.views if view.group in set(groups) for column in view.columns)

    def views_of(self, columns: Iterable[str]) -> tuple[FeatureView, ...]:
        """Return the views that compute `columns`; UsageError for a column no view has."""
        wanted = set(columns)
        unknown = wanted.difference(self.columns())
        if unknown:
            raise UsageError(f"{self.code} has no feature {sorted(unknown)[0]}; it has {', '.join(self.columns())}")
        return tuple(view for view in self.views if wanted.intersection(view.columns))

    def version(self, columns: Iterable[str]) -> str:
        """Return the hash (64 hex digits) of a feature set: its columns, their code and the figures used."""
        chosen = tuple(columns)
        return feature_set_hash(self.views_of(chosen), chosen, self.config)
