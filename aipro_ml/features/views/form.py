"""Form: what a team's last games say beyond its rating, mostly as home minus away."""

from itertools import repeat

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import (
    Turns,
    asof_join,
    asof_sides,
    ewm_before,
    numbered_teams,
    rolling_before,
    streak_before,
)
from aipro_ml.features.elo import known_elo
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

DIFFERENCES = ("win_ewma", "margin_last5", "pythagorean", "streak", "close_game_rate", "opponent_elo_last5")
COLUMNS = (*(f"{name}_diff" for name in DIFFERENCES), "home_road_margin")
_NEEDED = ("team_id", "known_at", "is_home", "neutral_site", "points_for", "points_against", "margin")
CLOSE_MARGIN_SHARE = 0.55
"""A game is close within this share of the sport's spread of margins: 7 points in the NFL."""


def _events(games: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return team_id, known_at and DIFFERENCES of each team game, as they stand after it."""
    turns, margin = Turns.of(games), games["margin"]
    close = margin.abs() <= CLOSE_MARGIN_SHARE * config.margins.margin_sd
    more = {
        "won": (np.sign(margin) + 1) / 2,
        "close": close.astype("float64"),
        "opponent": known_elo(history, config.elo)["opponent_rating_before"],
    }
    games = games.assign(**more)
    scored = rolling_before(games, "points_for", 16, turns=turns).to_numpy()
    conceded = rolling_before(games, "points_against", 16, turns=turns).to_numpy()
    against = np.divide(conceded, scored, out=np.full(len(scored), np.nan), where=scored > 0)
    # x^a number by number: NumPy's vector power may differ in the last bit with a row's place
    ratio = list(map(pow, against.tolist(), repeat(config.pythagorean_exponent)))
    after = {
        "win_ewma": ewm_before(games, "won", config.ewma_fast, 0.5, turns=turns),
        "margin_last5": rolling_before(games, "margin", 5, turns=turns),
        "pythagorean": 1 / (1 + np.array(ratio)),
        "streak": streak_before(games, "margin", turns=turns),
        "close_game_rate": rolling_before(games, "close", 16, turns=turns),
        "opponent_elo_last5": rolling_before(games, "opponent", 5, turns=turns),
    }
    return pd.DataFrame({"team_id": games["team_id"], "known_at": games["known_at"], **after}, copy=False)


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing until both teams have played (home_road_margin: one at home, one away).

    `home_road_margin`: the home team's margin in its last eight home games minus the away team's in its
    last eight away games, neutral sites aside.
    """
    games = history.team_games()[list(_NEEDED)]
    entities, games = numbered_teams(entities[["as_of", "home_team_id", "away_team_id"]], games)
    home, away = asof_sides(entities, _events(games, history, config), DIFFERENCES)
    frame = (home - away).add_suffix("_diff")
    grounds = []
    for is_home, side in ((True, "home"), (False, "away")):
        at_ground = (games["is_home"] == is_home) & ~games["neutral_site"]
        there = games.loc[at_ground, ["team_id", "known_at", "margin"]].reset_index(drop=True)
        there["ground_margin"] = rolling_before(there, "margin", 8)
        left = entities[["as_of"]].assign(team_id=entities[f"{side}_team_id"])
        grounds.append(asof_join(left, there, ["team_id"], ["ground_margin"])["ground_margin"])
    frame["home_road_margin"] = grounds[0] - grounds[1]
    return frame


VIEW = FeatureView("form", COLUMNS, compute)
