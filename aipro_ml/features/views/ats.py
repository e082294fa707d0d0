"""Against the spread: how teams did against past closing lines, once game and close were both known."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, ewm_before
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("ats_ewma_diff", "ats_margin_ewma_diff", "over_ewma_mean")
_CLOSED = ["total", "spread_line", "total_line", "known_at"]


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing until both teams have a game with a closing line behind them.

    A cover counts 1, a push ½; totals likewise. Means are weighted by `ewma_fast`.
    """
    games, closed = history.team_games(), history.closed_games()  # two rows and one a result, in the results' order
    twice = closed.take(np.repeat(np.arange(len(closed)), 2)).reset_index(drop=True)
    late = not twice["known_at"].equals(games["known_at"])
    games[_CLOSED] = twice[_CLOSED]
    games = games.loc[games["spread_line"].notna()]
    # a close may become known after its result: order by when both were
    games = games.sort_values(["known_at", "game_id"], kind="stable") if late else games
    games = games.reset_index(drop=True)
    side = np.where(games["is_home"], 1.0, -1.0)
    games["ahead"] = games["margin"] + side * games["spread_line"]
    games["covered"] = (np.sign(games["ahead"]) + 1) / 2
    games["over"] = (np.sign(games["total"] - games["total_line"]) + 1) / 2
    for name, start in (("ahead", 0.0), ("covered", 0.5), ("over", 0.5)):
        games[f"{name}_ewma"] = ewm_before(games, name, config.ewma_fast, start)
    home, away = asof_sides(entities, games, ["ahead_ewma", "covered_ewma", "over_ewma"])
    return pd.DataFrame(
        {
            "ats_ewma_diff": home["covered_ewma"] - away["covered_ewma"],
            "ats_margin_ewma_diff": home["ahead_ewma"] - away["ahead_ewma"],
            "over_ewma_mean": (home["over_ewma"] + away["over_ewma"]) / 2,
        },
        index=entities.index,
    )


VIEW = FeatureView("ats", COLUMNS, compute, group="market")
