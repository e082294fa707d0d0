"""Elo: both teams' ratings as known at the decision time, their difference, its probability and trend."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.elo import current_ratings, known_elo, win_probability
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("elo_home", "elo_away", "elo_diff", "elo_prob", "elo_trend5_diff")


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; never missing: a new team stands at the initial rating.

    `elo_diff` includes home advantage (none on neutral ground); `elo_prob` is the home team's chance.
    """
    home, away = current_ratings(entities, known_elo(history, config.elo), config.elo)
    advantage = np.where(entities["neutral_site"].to_numpy(bool), 0.0, config.elo.home_advantage)
    lead = home["elo"] - away["elo"] + advantage
    return pd.DataFrame(
        {
            "elo_home": home["elo"],
            "elo_away": away["elo"],
            "elo_diff": lead,
            "elo_prob": [win_probability(points) for points in lead.tolist()],
            "elo_trend5_diff": home["elo_trend5"] - away["elo_trend5"],
        },
        index=entities.index,
    )


VIEW = FeatureView("elo", COLUMNS, compute)
