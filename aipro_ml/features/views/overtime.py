"""Overtime: whether the last game went beyond its regular time, and how often a team's games do."""

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, ewm_before
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("overtime_last_diff", "overtime_rate_mean", "regulation_margin_diff")
USUAL_RATE = 0.2
"""Where an unknown team's rate begins; about every fifth hockey game is level after sixty minutes."""


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing until both teams have played.

    `overtime_rate_mean`: both teams' share of games that went to overtime or a shootout.
    `regulation_margin_diff`: margins of which overtime's count as level, for what decides it is near a coin.
    Means are weighted by `ewma_slow`.
    """
    games = history.team_games()
    games["late"] = games["overtime"].astype("float64")
    games["regulation"] = games["margin"].mask(games["overtime"], 0.0)
    games["rate"] = ewm_before(games, "late", config.ewma_slow, USUAL_RATE)
    games["strength"] = ewm_before(games, "regulation", config.ewma_slow, 0.0)
    home, away = asof_sides(entities, games, ["late", "rate", "strength"])
    return pd.DataFrame(
        {
            "overtime_last_diff": home["late"] - away["late"],
            "overtime_rate_mean": (home["rate"] + away["rate"]) / 2,
            "regulation_margin_diff": home["strength"] - away["strength"],
        },
        index=entities.index,
    )


VIEW = FeatureView("overtime", COLUMNS, compute)
