"""Elo of a three-way sport: ratings, their difference, and the chances of a home win and of a draw."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.errors import UsageError
from aipro_ml.features.elo import current_ratings, known_elo, three_way, win_probability
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("elo_home", "elo_away", "elo_diff", "elo_prob", "elo_draw", "elo_trend5_diff")


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; never missing: a new team stands at the initial rating.

    `elo_diff` includes home advantage (none on neutral ground); `elo_prob` is P(home win), `elo_draw` P(draw),
    by Davidson's model with the sport's `elo.draw`. UsageError where the sport has none.
    """
    if config.elo.draw is None:
        raise UsageError(f"{config.code}: elo.draw is missing from its configuration; aipro features tune-elo fits it")
    home, away = current_ratings(entities, known_elo(history, config.elo), config.elo)
    advantage = np.where(entities["neutral_site"].to_numpy(bool), 0.0, config.elo.home_advantage)
    lead = home["elo"] - away["elo"] + advantage
    chances = [three_way(win_probability(points), config.elo.draw) for points in lead.tolist()]
    return pd.DataFrame(
        {
            "elo_home": home["elo"],
            "elo_away": away["elo"],
            "elo_diff": lead,
            "elo_prob": [win for win, _ in chances],
            "elo_draw": [draw for _, draw in chances],
            "elo_trend5_diff": home["elo_trend5"] - away["elo_trend5"],
        },
        index=entities.index,
    )


VIEW = FeatureView("elo", COLUMNS, compute)
