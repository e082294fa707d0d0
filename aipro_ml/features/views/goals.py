"""Goals: expected goals of each side (Dixon and Coles) and the chances they give the outcomes."""

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.goals import goal_rates, outcome_chances
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("goals_home", "goals_away", "goals_home_prob", "goals_draw_prob", "goals_over_prob")


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS in goals and chances of the regular time; missing before the league's first result.

    `goals_draw_prob`: level after the regular time; `goals_over_prob`: more goals than the sport's
    `usual_total`.
    """
    rates = goal_rates(entities, history.results())
    home, away = rates["home"].to_numpy(), rates["away"].to_numpy()
    chances = outcome_chances(home, away, config.usual_total)
    return pd.DataFrame(
        {
            "goals_home": home,
            "goals_away": away,
            "goals_home_prob": chances["home"],
            "goals_draw_prob": chances["draw"],
            "goals_over_prob": chances["over"],
        },
        index=entities.index,
    )


VIEW = FeatureView("goals", COLUMNS, compute)
