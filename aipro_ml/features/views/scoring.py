"""Scoring: offence and defence adjusted for opponents, as exponentially weighted points above the league's."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.features.asof import asof_join, asof_sides
from aipro_ml.features.history import History
from aipro_ml.features.view import FeatureView

COLUMNS = (
    "expected_margin_slow",
    "expected_total_slow",
    "expected_margin_fast",
    "expected_total_fast",
    "offence_diff",
    "defence_diff",
)
LEAGUE_RATE = 0.005
"""The league's points and home edge move slowly: about a season's weight for the NFL's last 200 games."""


@dataclass
class _League:
    """Running state: points a side and the home edge of the league; offence, defence, season of each team."""

    rate: float
    carry: float
    games: int = 0
    points: float = 0.0
    edge: float = 0.0
    teams: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def of(self, team: str, season: int) -> tuple[float, float]:
        """Return (offence, defence) of a team in `season`, pulled to the average at each boundary."""
        offence, defence, earned = self.teams.get(team, (0.0, 0.0, season))
        share = self.carry ** max(season - earned, 0)
        return offence * share, defence * share

    def play(self, game: tuple[str, str, int, float, float, bool]) -> tuple[float, ...]:
        """Move the state by one game; return offence and defence of home and away, points and edge after it."""
        home, away, season, scored, conceded, neutral = game
        self.games += 1
        slow = max(1 / self.games, LEAGUE_RATE)
        self.points += slow * ((scored + conceded) / 2 - self.points)
        if not neutral:
            self.edge += slow * ((scored - conceded) - self.edge)
        half = 0.0 if neutral else self.edge / 2
        (attack_h, defend_h), (attack_a, defend_a) = self.of(home, season), self.of(away, season)
        above_home = scored - (self.points + half + attack_h + defend_a)
        above_away = conceded - (self.points - half + attack_a + defend_h)
        after_home = (attack_h + self.rate * above_home, defend_h + self.rate * above_away)
        after_away = (attack_a + self.rate * above_away, defend_a + self.rate * above_home)
        self.teams[home] = (*after_home, season)
        self.teams[away] = (*after_away, season)
        return (*after_home, *after_away, self.points, self.edge)


def _events(results: pd.DataFrame, rate: float, carry: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (team events: offence, defence after each game; league events: points, edge after each game).

    A defence's figure is what it concedes above the league's average: smaller is better.
    """
    league = _League(rate, carry)
    names = ["home_team_id", "away_team_id", "season", "home_score", "away_score", "neutral_site"]
    games = zip(*(results[name].tolist() for name in names), strict=True)
    after = np.array([league.play(game) for game in games], dtype=np.float64).reshape(-1, 6)
    facts = results[["season", "known_at"]].reset_index(drop=True)
    both = pd.concat(
        [
            facts.assign(team_id=results[f"{side}_team_id"], offence=after[:, at], defence=after[:, at + 1])
            for side, at in (("home", 0), ("away", 2))
        ]
    ).sort_index(kind="stable", ignore_index=True)
    return both, facts.assign(league="", points=after[:, 4], edge=after[:, 5])


def _expected(
    entities: pd.DataFrame, results: pd.DataFrame, rate: float, carry: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (expected margin and total; offence and defence differences) at this rate."""
    teams, league = _events(results, rate, carry)
    home, away = asof_sides(entities, teams, ["season", "offence", "defence"])
    level = asof_join(entities[["as_of"]].assign(league=""), league, ["league"], ["points", "edge"])
    home, away = (_at_season(side, entities["season"], carry) for side in (home, away))
    edge = level["edge"].mask(entities["neutral_site"], 0.0)
    at_home = home["offence"] + away["defence"]
    at_away = away["offence"] + home["defence"]
    expected = pd.DataFrame({"margin": at_home - at_away + edge, "total": 2 * level["points"] + at_home + at_away})
    strength = pd.DataFrame(
        {"offence": home["offence"] - away["offence"], "defence": home["defence"] - away["defence"]}
    )
    return expected, strength


def _at_season(side: pd.DataFrame, season: pd.Series, carry: float) -> pd.DataFrame:
    """Return offence and defence pulled to the average once a season boundary since the last game."""
    boundaries = (season - side["season"]).clip(lower=0).fillna(0).astype("int64").to_numpy()
    shares = np.array([carry**n for n in range(int(boundaries.max(initial=0)) + 1)])
    return side[["offence", "defence"]].mul(shares[boundaries], axis=0).fillna(0.0)


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS in points; a new team is average, and before the league's first game all is missing."""
    results = history.results()
    slow, strength = _expected(entities, results, config.ewma_slow, config.elo.carry)
    fast, _ = _expected(entities, results, config.ewma_fast, config.elo.carry)
    return pd.DataFrame(
        {
            "expected_margin_slow": slow["margin"],
            "expected_total_slow": slow["total"],
            "expected_margin_fast": fast["margin"],
            "expected_total_fast": fast["total"],
            "offence_diff": strength["offence"],
            "defence_diff": strength["defence"],
        },
        index=entities.index,
    )


VIEW = FeatureView("scoring", COLUMNS, compute)
