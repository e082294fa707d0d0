"""Rest: days since the last game, short weeks, byes and how crowded the last fortnight was."""

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, lagged
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = (
    "rest_home",
    "rest_away",
    "rest_diff",
    "short_week_diff",
    "bye_diff",
    "games_last_7_diff",
    "games_last_14_diff",
)
LONGEST = 15.0
"""Days; a season's first game and a long lay-off count as this much."""
SHORT_WEEK, BYE = 6.0, 12.5
LAGS = 8
"""Games looked back for the counts: more than any schedule packs into a fortnight."""


def _rest(games: pd.DataFrame, kickoff: pd.Series) -> pd.DataFrame:
    """Return rest, short week, bye and counts of one side from its last kick-offs (columns 0 … LAGS − 1)."""
    days = pd.DataFrame({lag: (kickoff - games[lag]) / pd.Timedelta(days=1) for lag in games.columns})
    rest = days[0].clip(upper=LONGEST)
    counts = {f"last_{limit}": (days <= limit + 0.5).sum(axis=1).astype("float64") for limit in (7, 14)}
    flags = {
        "short_week": (rest < SHORT_WEEK).astype("float64"),
        "bye": ((rest >= BYE) & (rest < LONGEST)).astype("float64"),
    }
    return pd.DataFrame({"rest": rest, **flags, **counts})


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:  # noqa: ARG001
    """Return COLUMNS (days, flags, counts; differences are home minus away); rest is missing for a new team.

    Only games whose result is known count as played.
    """
    games = history.team_games()
    events = games[["team_id", "known_at"]].assign(**{str(lag): lagged(games, "kickoff", lag) for lag in range(LAGS)})
    names = [str(lag) for lag in range(LAGS)]
    home, away = (_rest(side.rename(columns=int), entities["kickoff"]) for side in asof_sides(entities, events, names))
    return pd.DataFrame(
        {
            "rest_home": home["rest"],
            "rest_away": away["rest"],
            "rest_diff": home["rest"] - away["rest"],
            "short_week_diff": home["short_week"] - away["short_week"],
            "bye_diff": home["bye"] - away["bye"],
            "games_last_7_diff": home["last_7"] - away["last_7"],
            "games_last_14_diff": home["last_14"] - away["last_14"],
        },
        index=entities.index,
    )


VIEW = FeatureView("rest", COLUMNS, compute)
