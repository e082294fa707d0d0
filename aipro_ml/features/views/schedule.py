"""Schedule: crowded nights, long road trips and home stands of leagues that play several games a week."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, counted, lagged
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

CROWDED = {"back_to_back": (1, 1.5), "three_in_four": (2, 3.5), "four_in_six": (3, 5.5)}
"""Flag: so many games before this one began within so many days: the third game in four nights, and so on."""

COLUMNS = (*(f"{name}_diff" for name in CROWDED), "road_trip", "home_stand")


def _run(games: pd.DataFrame) -> pd.Series:
    """Return after each game how many in a row the team has played at this kind of ground this season."""
    last = lagged(games.assign(here=games["is_home"].astype("float64")), "here", 1, ["team_id", "season"])
    turned = (last != games["is_home"].astype("float64")).astype("int64")
    stretch = turned.groupby([games["team_id"], games["season"]]).cumsum()
    return counted(games.assign(stretch=stretch), ["team_id", "season", "stretch"])


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:  # noqa: ARG001
    """Return COLUMNS: flags home minus away; games in a row away (visitors) and at home (hosts), this one included.

    Only games whose result is known count as played; a new season begins a new stretch.
    """
    games = history.team_games()
    lags = {f"begun_{lag}": lagged(games, "kickoff", lag - 1) for lag, _ in CROWDED.values()}
    events = games[["team_id", "known_at", "season", "is_home"]].assign(**lags, run=_run(games).astype("float64"))
    home, away = asof_sides(entities, events, ["season", "is_home", "run", *lags])
    frame = {}
    for name, (lag, days) in CROWDED.items():
        limit = pd.Timedelta(days=days)
        crowded = [(entities["kickoff"] - side[f"begun_{lag}"] <= limit).astype("float64") for side in (home, away)]
        frame[f"{name}_diff"] = crowded[0] - crowded[1]
    for name, side, is_home in (("road_trip", away, False), ("home_stand", home, True)):
        goes_on = (side["season"] == entities["season"]) & (side["is_home"] == is_home)
        frame[name] = pd.Series(np.where(goes_on, side["run"], 0.0) + 1, index=entities.index)
    return pd.DataFrame(frame, index=entities.index)


VIEW = FeatureView("schedule", COLUMNS, compute)
