"""Form: what a team's last games say beyond its rating, mostly as home minus away."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_join, asof_sides, ewm_before, previous_events, rolling_before
from aipro_ml.features.elo import known_elo
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

DIFFERENCES = ("win_ewma", "margin_last5", "pythagorean", "streak", "close_game_rate", "opponent_elo_last5")
COLUMNS = (*(f"{name}_diff" for name in DIFFERENCES), "home_road_margin")
CLOSE_MARGIN_SHARE = 0.55
"""A game is close within this share of the sport's spread of margins: 7 points in the NFL."""


def _streak(won: pd.Series, previous: npt.NDArray[np.int64]) -> pd.Series:
    """Return after each game the run of equal results: +3 after three wins, −2 after two losses, 0 a tie."""
    after: list[int] = []
    steps = np.sign(won.to_numpy("float64") - 0.5).astype("int64").tolist()
    for step, before in zip(steps, previous.tolist(), strict=True):
        last = after[before] if before >= 0 else 0
        after.append(last + step if last * step > 0 else step)
    return pd.Series(np.array(after, dtype="float64"), index=won.index)


def _events(history: History, config: SportConfig) -> pd.DataFrame:
    games = history.team_games()
    turn = previous_events(games)
    games["won"] = (np.sign(games["margin"]) + 1) / 2
    games["close"] = (games["margin"].abs() <= CLOSE_MARGIN_SHARE * config.margins.margin_sd).astype("float64")
    games["opponent"] = known_elo(history, config.elo)["opponent_rating_before"]
    power = config.pythagorean_exponent
    scored = rolling_before(games, "points_for", 16, previous=turn)
    conceded = rolling_before(games, "points_against", 16, previous=turn)
    # x^a through a Python loop: NumPy's vector power may differ in the last bit with a row's place
    ratio = [(c / s) ** power if s > 0 else np.nan for s, c in zip(scored.tolist(), conceded.tolist(), strict=True)]
    games["pythagorean"] = 1 / (1 + np.array(ratio))
    games["win_ewma"] = ewm_before(games, "won", config.ewma_fast, 0.5)
    games["margin_last5"] = rolling_before(games, "margin", 5, previous=turn)
    games["streak"] = _streak(games["won"], turn)
    games["close_game_rate"] = rolling_before(games, "close", 16, previous=turn)
    games["opponent_elo_last5"] = rolling_before(games, "opponent", 5, previous=turn)
    return games


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing until both teams have played (home_road_margin: one at home, one away).

    `home_road_margin`: the home team's margin in its last eight home games minus the away team's in its
    last eight away games, neutral sites aside.
    """
    games = _events(history, config)
    home, away = asof_sides(entities, games, DIFFERENCES)
    frame = (home[list(DIFFERENCES)] - away[list(DIFFERENCES)]).add_suffix("_diff")
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
