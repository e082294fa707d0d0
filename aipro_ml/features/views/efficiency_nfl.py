"""Efficiency in the NFL: what offences and defences do with a play, from the teams' box scores."""

import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_sides, rolling_before
from aipro_ml.features.box_form import each_side, net_ratings, paired_games, rating_differences, ratio
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

FIGURES = (
    "attempts", "sacks_suffered", "sack_yards_lost", "carries", "passing_yards", "rushing_yards", "passing_epa",
    "rushing_epa", "passing_first_downs", "rushing_first_downs", "passing_interceptions", "sack_fumbles_lost",
    "rushing_fumbles_lost", "receiving_fumbles_lost",
)  # fmt: skip
NETS = ("epa", "pass_epa", "rush_epa", "yards_per_play", "first_down", "sack_rate", "turnover")
COLUMNS = (*(f"{name}_net_diff" for name in NETS), "epa_offence_diff", "epa_defence_diff", "plays_mean")
LAST = 10
"""Games of the rolling means: about a half season and more."""


def _per_play(box: pd.DataFrame) -> pd.DataFrame:
    """Return what an offence did: EPA, yards and first downs a play, sacks a dropback, turnovers, plays."""
    dropbacks = box["attempts"] + box["sacks_suffered"]
    plays = dropbacks + box["carries"]
    fumbles = box["sack_fumbles_lost"] + box["rushing_fumbles_lost"] + box["receiving_fumbles_lost"]
    return pd.DataFrame(
        {
            "epa": ratio(box["passing_epa"] + box["rushing_epa"], plays),
            "pass_epa": ratio(box["passing_epa"], dropbacks),
            "rush_epa": ratio(box["rushing_epa"], box["carries"]),
            "yards_per_play": ratio(box["passing_yards"] + box["sack_yards_lost"] + box["rushing_yards"], plays),
            "first_down": ratio(box["passing_first_downs"] + box["rushing_first_downs"], plays),
            "sack_rate": ratio(box["sacks_suffered"], dropbacks),
            "turnover": box["passing_interceptions"] + fumbles,
            "plays": plays,
        }
    )


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS: opponent-adjusted nets, home minus away; missing where a team's box scores are not stored.

    `epa_offence_diff` and `epa_defence_diff` (allowed: less is better) are means of the last LAST games, `plays_mean`
    the plays a side of both teams.
    """
    games, *boxes = paired_games(history, FIGURES)
    home, away = (_per_play(box) for box in boxes)
    nets = (home - away)[list(NETS)]
    rated = net_ratings(games, nets, config.ewma_slow, config.elo.carry)
    frame = rating_differences(entities, rated, list(NETS), config.elo.carry).add_suffix("_net_diff")
    sides = [own[["epa", "plays"]].assign(allowed=other["epa"]) for own, other in ((home, away), (away, home))]
    events = each_side(games, *sides)
    for name in ("epa", "allowed", "plays"):
        events[name] = rolling_before(events, name, LAST)
    home_last, away_last = asof_sides(entities, events, ["epa", "allowed", "plays"])
    return frame.assign(
        epa_offence_diff=home_last["epa"] - away_last["epa"],
        epa_defence_diff=home_last["allowed"] - away_last["allowed"],
        plays_mean=(home_last["plays"] + away_last["plays"]) / 2,
    )


VIEW = FeatureView("efficiency", COLUMNS, compute, team_figures=FIGURES)
