"""Usage: how much of a team's play runs through few players, and how many of them stay from game to game."""

from collections.abc import Mapping

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, rolling_before
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

NAMES = ("usage_top3", "usage_continuity", "players_used")
COLUMNS = tuple(f"{name}_diff" for name in NAMES)
NFL_USAGE: Mapping[str, float] = {"TouchCarries": 1.0, "Targets": 1.0}
NBA_USAGE: Mapping[str, float] = {"FGA": 1.0, "FTA": 0.44, "TOV": 1.0}
"""A player's share of the play: touches and targets, or the possessions he ends."""

TOP, STAYED, LAST = 3, 3, 5
"""Players at the top; games back in which a player counts as one who stayed; games of the rolling mean."""


def _team_games(history: History, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return events team_id, game_id, known_at and NAMES of every team's game with player rows."""
    rows = history.player_boxes(tuple(weights))
    rows["used"] = sum(rows[figure].fillna(0.0) * weight for figure, weight in weights.items())
    rows = rows.loc[rows["used"] > 0]
    key = ["team_id", "game_id"]
    games = rows.groupby(key, sort=False).agg(
        known_at=("known_at", "max"), total=("used", "sum"), players=("used", "size")
    )
    games = games.reset_index().sort_values(["known_at", "game_id", "team_id"], kind="stable", ignore_index=True)
    games["number"] = games.groupby("team_id", sort=False).cumcount()
    rows = rows.merge(games[[*key, "number"]], on=key)
    top = rows.sort_values([*key, "used", "player_id"], ascending=[True, True, False, True])
    top = top.loc[top.groupby(key, sort=False).cumcount() < TOP]
    mates = rows.sort_values(["team_id", "player_id", "number"], kind="stable")
    gap = mates["number"] - mates.groupby(["team_id", "player_id"], sort=False)["number"].shift()
    stayed = mates.loc[gap <= STAYED].sort_values([*key, "player_id"], kind="stable")
    sums = {name: part.groupby(key)["used"].sum().rename(name) for name, part in (("top", top), ("stayed", stayed))}
    for name, values in sums.items():
        games = games.merge(values, on=key, how="left")
        games[name] = games[name].fillna(0.0) / games["total"]
    return games.assign(
        usage_top3=games["top"],
        usage_continuity=games["stayed"].where(games["number"] > 0),
        players_used=games["players"].astype("float64"),
    )


def _compute(entities: pd.DataFrame, history: History, weights: Mapping[str, float]) -> pd.DataFrame:
    games = _team_games(history, weights)
    events = games[["team_id", "known_at"]].assign(**{name: rolling_before(games, name, LAST) for name in NAMES})
    home, away = asof_sides(entities, events, list(NAMES))
    return (home - away).add_suffix("_diff")


def compute_nfl(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:  # noqa: ARG001
    """Return COLUMNS of touches and targets in the last games; missing where no player weeks are stored."""
    return _compute(entities, history, NFL_USAGE)


def compute_nba(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:  # noqa: ARG001
    """Return COLUMNS of possessions ended in the last games; missing where no player boxes are stored."""
    return _compute(entities, history, NBA_USAGE)


NFL_VIEW = FeatureView("usage", COLUMNS, compute_nfl, player_figures=tuple(NFL_USAGE))
NBA_VIEW = FeatureView("usage", COLUMNS, compute_nba, player_figures=tuple(NBA_USAGE))
