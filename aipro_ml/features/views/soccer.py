"""Soccer: pi-ratings (Constantinou and Fenton, 2013), how often teams draw, and who was just promoted."""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_join, asof_sides, ewm_before
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = ("pi_home", "pi_away", "pi_margin", "draw_rate_mean", "league_draw_rate", "promoted_home", "promoted_away")
LEARNING, CATCH_UP = 0.035, 0.7
"""The paper's λ and γ: how far a result moves the rating of its ground, and of that how much the other's."""

SCALE, BASE = 3.0, 10.0
USUAL_DRAWS = 0.26
LEAGUE_RATE = 0.002


@dataclass
class _PiRatings:
    """Each team's rating at home and away, in the paper's scale; 0 is the average team."""

    teams: dict[str, tuple[float, float]] = field(default_factory=dict)

    def play(self, game: tuple[str, str, float, float]) -> tuple[float, ...]:
        """Move both teams by one result; return (home, away) ratings of the home and of the away team."""
        home, away, scored, conceded = game
        (at_home, on_road), (away_home, away_road) = (self.teams.get(name, (0.0, 0.0)) for name in (home, away))
        surprise = (scored - conceded) - (expected_margin(at_home) - expected_margin(away_road))
        step = LEARNING * math.copysign(SCALE * math.log10(1 + abs(surprise)), surprise)
        self.teams[home] = (at_home + step, on_road + CATCH_UP * step)
        self.teams[away] = (away_home - CATCH_UP * step, away_road - step)
        return (*self.teams[home], *self.teams[away])


def expected_margin(rating: float) -> float:
    """Return the goals by which a team of this rating beats the average team on that ground."""
    return math.copysign(BASE ** (abs(rating) / SCALE) - 1, rating)


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; pi-ratings begin at 0, rates at the usual ones.

    `pi_home`: the home team's rating at home, `pi_away`: the visitors' on the road, `pi_margin`: the goals
    they make expected. `promoted_*`: 1 for a team the league had not the season before, missing in its first.
    """
    results, games = history.results(), history.team_games()
    home, away = asof_sides(entities, _pi_events(results), ["at_home", "on_road"])
    own, other = home["at_home"].fillna(0.0), away["on_road"].fillna(0.0)
    draws, league = _draw_rates(entities, games, config)
    return pd.DataFrame(
        {
            "pi_home": own,
            "pi_away": other,
            "pi_margin": [expected_margin(a) - expected_margin(b) for a, b in zip(own, other, strict=True)],
            "draw_rate_mean": draws,
            "league_draw_rate": league,
            **{f"promoted_{side}": _promoted(entities, games, side) for side in ("home", "away")},
        },
        index=entities.index,
    )


def _pi_events(results: pd.DataFrame) -> pd.DataFrame:
    """Return two events a result (home first): team_id, known_at and its two ratings after the game."""
    ratings = _PiRatings()
    names = ["home_team_id", "away_team_id", "home_score", "away_score"]
    games = zip(*(results[name].tolist() for name in names), strict=True)
    after = np.array([ratings.play(game) for game in games], dtype=np.float64).reshape(-1, 2)
    teams = results[["home_team_id", "away_team_id"]].to_numpy(dtype=object).ravel()
    twice = results[["known_at"]].loc[results.index.repeat(2)].reset_index(drop=True)
    return twice.assign(team_id=teams, at_home=after[:, 0], on_road=after[:, 1])


def _draw_rates(entities: pd.DataFrame, games: pd.DataFrame, config: SportConfig) -> tuple[pd.Series, pd.Series]:
    """Return (mean of both teams' weighted share of draws, the league's)."""
    games = games.assign(drawn=(games["margin"] == 0).astype("float64"), league="")
    games["rate"] = ewm_before(games, "drawn", config.ewma_slow, USUAL_DRAWS)
    games["league_rate"] = ewm_before(games, "drawn", LEAGUE_RATE, USUAL_DRAWS, ["league"])
    home, away = asof_sides(entities, games, ["rate"])
    left = entities[["as_of"]].assign(league="")
    league = asof_join(left, games, ["league"], ["league_rate"])["league_rate"].fillna(USUAL_DRAWS)
    return (home["rate"].fillna(USUAL_DRAWS) + away["rate"].fillna(USUAL_DRAWS)) / 2, league


def _promoted(entities: pd.DataFrame, games: pd.DataFrame, side: str) -> pd.Series:
    left = entities[["as_of"]].assign(team_id=entities[f"{side}_team_id"], season=entities["season"] - 1)
    there = asof_join(left, games, ["team_id", "season"], ["game_id"])["game_id"].notna()
    played = asof_join(left, games, ["season"], ["game_id"])["game_id"].notna()
    return (~there).astype("float64").where(played)


VIEW = FeatureView("soccer", COLUMNS, compute)
