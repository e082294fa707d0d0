"""A feature view: a name, its columns and the one function that computes them from what was known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.errors import UsageError
from aipro_ml.features.history import History

ViewGroup = Literal["market_free", "market"]
Compute = Callable[[pd.DataFrame, History, SportConfig], pd.DataFrame]


@dataclass(frozen=True)
class FeatureView:
    """A group of feature columns.

    `compute(entities, history, config)` gets one row a game (index game_id; columns `as_of` and the game's
    schedule as known at as_of: season, season_type, week, game_number, kickoff, home_team_id, away_team_id, venue_id,
    neutral_site) and returns float columns `columns` on the same index. It may look back only through
    `features.asof`. `group` market views read odds; market-free ones never do. `left_out`: columns that are
    computed and dropped, because they say nothing in the sport at hand. `team_figures` and `player_figures`: what it
    reads of box scores, by the names of the figures as they are stored.
    """

    name: str
    columns: tuple[str, ...]
    compute: Compute
    group: ViewGroup = "market_free"
    left_out: tuple[str, ...] = ()
    team_figures: tuple[str, ...] = ()
    player_figures: tuple[str, ...] = ()

    def without(self, *columns: str) -> "FeatureView":
        """Return the view less these columns; UsageError for one it has not."""
        unknown = set(columns).difference(self.columns)
        if unknown:
            raise UsageError(f"feature view {self.name} has no column {sorted(unknown)[0]} to leave out")
        kept = tuple(column for column in self.columns if column not in columns)
        return replace(self, columns=kept, left_out=(*self.left_out, *columns))
