"""Efficiency in the NBA: points a possession, the four factors and pace, from the teams' box scores."""

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, rolling_before
from aipro_ml.features.box_form import each_side, net_ratings, paired_games, rating_differences, ratio
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

FIGURES = ("MIN", "PTS", "FGM", "FGA", "FG3M", "FTM", "FTA", "OREB", "DREB", "TOV")
NETS = ("rating", "efg", "turnover_rate", "offensive_rebound", "free_throw_rate")
COLUMNS = (
    *(f"{name}_net_diff" for name in NETS),
    "offensive_rating_diff",
    "defensive_rating_diff",
    "pace_mean",
    "rating_mean",
)
LAST = 20
"""Games of the rolling means: a quarter of a season."""

FREE_THROW_SHARE = 0.44
"""Possessions a free throw ends, the usual estimate."""

FULL_GAME = 240.0
"""Minutes of five players in a game without overtime."""


def _possessions(box: pd.DataFrame) -> pd.Series:
    return box["FGA"] + FREE_THROW_SHARE * box["FTA"] - box["OREB"] + box["TOV"]


def _factors(own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return a team's rating (points per 100 possessions), the four factors and the game's pace (per 48 minutes)."""
    possessions = (_possessions(own) + _possessions(other)) / 2
    return pd.DataFrame(
        {
            "rating": 100 * ratio(own["PTS"], possessions),
            "efg": ratio(own["FGM"] + 0.5 * own["FG3M"], own["FGA"]),
            "turnover_rate": ratio(own["TOV"], possessions),
            "offensive_rebound": ratio(own["OREB"], own["OREB"] + other["DREB"]),
            "free_throw_rate": ratio(own["FTM"], own["FGA"]),
            "pace": ratio(possessions * FULL_GAME, own["MIN"]),
        }
    )


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS: opponent-adjusted nets, home minus away; missing where a team's box scores are not stored.

    Ratings for and against (less is better) are means of the last LAST games; `pace_mean` and `rating_mean` are those
    of both teams together, for totals.
    """
    games, first, second = paired_games(history, FIGURES)
    home, away = _factors(first, second), _factors(second, first)
    rated = net_ratings(games, (home - away)[list(NETS)], config.ewma_slow, config.elo.carry)
    frame = rating_differences(entities, rated, list(NETS), config.elo.carry).add_suffix("_net_diff")
    sides = [own[["rating", "pace"]].assign(allowed=other["rating"]) for own, other in ((home, away), (away, home))]
    events = each_side(games, *sides)
    for name in ("rating", "allowed", "pace"):
        events[name] = rolling_before(events, name, LAST)
    mine, theirs = asof_sides(entities, events, ["rating", "allowed", "pace"])
    return frame.assign(
        offensive_rating_diff=mine["rating"] - theirs["rating"],
        defensive_rating_diff=mine["allowed"] - theirs["allowed"],
        pace_mean=(mine["pace"] + theirs["pace"]) / 2,
        rating_mean=(mine["rating"] + mine["allowed"] + theirs["rating"] + theirs["allowed"]) / 4,
    )


VIEW = FeatureView("efficiency", COLUMNS, compute, team_figures=FIGURES)
