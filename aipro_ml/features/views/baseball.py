"""Baseball: the game of the series, doubleheaders, day and night, and what the park does to the runs."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_join, asof_sides, counted, ewm_before, lagged, rolling_before
from aipro_ml.features.history import History
from aipro_ml.features.places import local_hour
from aipro_ml.features.view import FeatureView

COLUMNS = (
    "series_game",
    "doubleheader_second",
    "night_game",
    "park_factor",
    "run_environment",
    "runs_allowed_last3_diff",
)
NIGHT_HOUR = 17
SERIES_BREAK = pd.Timedelta(days=2.5)
PARK_RATE, LEAGUE_RATE = 0.02, 0.002
"""A park shows over about fifty games; the league's scoring moves over some five hundred."""

USUAL_TOTAL = 9.0


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; runs are of both teams together but for `runs_allowed_last3_diff` (mean a game).

    `park_factor`: how many more runs the home team's games saw in this park than on the road, both against the
    league's mean of the time and both begun at zero, so a park with few games stands near none.
    """
    games = history.team_games()
    games["total"] = games["points_for"] + games["points_against"]
    games["level"] = _league_level(games)
    games["above"] = games["total"] - games["level"]
    games["allowed"] = rolling_before(games, "points_against", 3)
    home, away = asof_sides(entities, games, ["allowed"])
    level = asof_join(entities[["as_of"]].assign(league=""), games.assign(league=""), ["league"], ["level"])
    return pd.DataFrame(
        {
            "series_game": _series_game(entities, games),
            "doubleheader_second": (entities["game_number"] > 1).astype("float64"),
            "night_game": (local_hour(entities, history, config) >= NIGHT_HOUR).astype("float64"),
            "park_factor": _park_factor(entities, games),
            "run_environment": level["level"],
            "runs_allowed_last3_diff": home["allowed"] - away["allowed"],
        },
        index=entities.index,
    )


def _league_level(games: pd.DataFrame) -> pd.Series:
    """Return after each team-game the league's mean of runs of both teams."""
    return ewm_before(games.assign(league=""), "total", LEAGUE_RATE, USUAL_TOTAL, ["league"])


def _park_factor(entities: pd.DataFrame, games: pd.DataFrame) -> pd.Series:
    at_home = games.loc[games["is_home"] & (games["venue_id"] != "")].reset_index(drop=True)
    at_home["here"] = ewm_before(at_home, "above", PARK_RATE, 0.0, ["team_id", "venue_id"])
    away = games.loc[~games["is_home"]].reset_index(drop=True)
    away["there"] = ewm_before(away, "above", PARK_RATE, 0.0)
    left = entities[["as_of", "venue_id"]].assign(team_id=entities["home_team_id"])
    here = asof_join(left, at_home, ["team_id", "venue_id"], ["here"])["here"]
    there = asof_join(left, away, ["team_id"], ["there"])["there"]
    return (here - there).fillna(0.0)


def _series_game(entities: pd.DataFrame, games: pd.DataFrame) -> pd.Series:
    """Return which game of the present series in this park each is: 1 after a break of two and a half days."""
    pair = ["team_id", "opponent_id"]
    hosted = games.loc[games["is_home"]].reset_index(drop=True)
    new = ~(hosted["kickoff"] - lagged(hosted, "kickoff", 1, pair) <= SERIES_BREAK)
    hosted["series"] = new.astype("int64").groupby([hosted[name] for name in pair]).cumsum()
    hosted["number"] = counted(hosted, [*pair, "series"]).astype("float64")
    left = entities[["as_of"]].assign(team_id=entities["home_team_id"], opponent_id=entities["away_team_id"])
    last = asof_join(left, hosted, pair, ["kickoff", "number"])
    goes_on = entities["kickoff"] - last["kickoff"] <= SERIES_BREAK
    return pd.Series(np.where(goes_on, last["number"], 0.0) + 1, index=entities.index)


VIEW = FeatureView("baseball", COLUMNS, compute)
