"""Goal rates of a low-scoring sport: attack and defence that follow every result (after Dixon and Coles, 1997).

Goals of a side are Poisson with mean exp(level + attack − defence ± edge / 2); after each result every part moves
along the gradient of its log-likelihood, which weighs old games down as their time-decayed refit would, in one pass.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.asof import asof_join, asof_sides

FloatArray = npt.NDArray[np.float64]

RATE = 0.02
"""Step of a team's attack and defence on the log scale, a goal of surprise; log loss is flat from .015 to .03."""

LEAGUE_RATE = 0.001
CARRY = 0.9
"""What is left of attack and defence over a summer."""

NEWCOMER = -0.2
"""Attack and defence of a team new to a league that has played before: promoted sides are weaker."""

FIRST_LEVEL, FIRST_EDGE = math.log(1.35), 0.3
"""Where the league's log goals a side and its log home edge begin."""

RHO = -0.06
"""Dependence of low scores: a negative one makes 0:0 and 1:1 likelier than two independent Poissons."""

MOST_GOALS = 15
MOST_RATE = 8.0

GAME = ("home_team_id", "away_team_id", "season", "home_score", "away_score", "overtime", "neutral_site")


@dataclass
class _Rates:
    """Running state: the league's level and edge; attack, defence and last season of each team."""

    level: float = FIRST_LEVEL
    edge: float = FIRST_EDGE
    first_season: int | None = None
    teams: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def of(self, team: str, season: int) -> tuple[float, float]:
        """Return (attack, defence) of a team in `season`."""
        if team not in self.teams:
            start = NEWCOMER if self.first_season is not None and season > self.first_season else 0.0
            return start, start
        attack, defence, earned = self.teams[team]
        share = CARRY ** max(season - earned, 0)
        return attack * share, defence * share

    def play(self, game: tuple[str, str, int, float, float, bool, bool]) -> tuple[float, ...]:
        """Move the state by one game; return attack and defence of home and away, level and edge after it."""
        home, away, season, scored, conceded, overtime, neutral = game
        if overtime:  # what decides it is no goal of the regular time
            scored = conceded = min(scored, conceded)
        self.first_season = season if self.first_season is None else self.first_season
        (attack_h, defend_h), (attack_a, defend_a) = self.of(home, season), self.of(away, season)
        half = 0.0 if neutral else self.edge / 2
        more_home = scored - _mean(self.level + half + attack_h - defend_a)
        more_away = conceded - _mean(self.level - half + attack_a - defend_h)
        self.level += LEAGUE_RATE * (more_home + more_away)
        if not neutral:
            self.edge += LEAGUE_RATE * (more_home - more_away)
        after_home = (attack_h + RATE * more_home, defend_h - RATE * more_away)
        after_away = (attack_a + RATE * more_away, defend_a - RATE * more_home)
        self.teams[home] = (*after_home, season)
        self.teams[away] = (*after_away, season)
        return (*after_home, *after_away, self.level, self.edge)


def _mean(log_rate: float) -> float:
    return min(math.exp(log_rate), MOST_RATE)


def goal_rates(entities: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return `home` and `away`: expected goals of each side in regular time, as known at as_of.

    Missing before the league's first result. `results`: as `History.results` gives them.
    """
    teams, league = _events(results)
    home, away = asof_sides(entities, teams, ["season", "attack", "defence"])
    state = asof_join(entities[["as_of"]].assign(league=""), league, ["league"], ["level", "edge", "first_season"])
    home, away = (_at_season(side, entities["season"], state["first_season"]) for side in (home, away))
    half = (state["edge"] / 2).mask(entities["neutral_site"], 0.0)
    logs = {
        "home": state["level"] + half + home["attack"] - away["defence"],
        "away": state["level"] - half + away["attack"] - home["defence"],
    }
    # exp of single numbers: NumPy's vector exp may differ in the last bit with a row's place
    rates = {side: [_mean(one) for one in log.tolist()] for side, log in logs.items()}
    return pd.DataFrame(rates, index=entities.index, dtype="float64")


def _events(results: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (team events: attack, defence after each game; league events: level, edge, first season)."""
    rates = _Rates()
    games = zip(*(results[name].tolist() for name in GAME), strict=True)
    after = np.array([rates.play(game) for game in games], dtype=np.float64).reshape(-1, 6)
    facts = results[["season", "known_at"]].reset_index(drop=True)
    both = pd.concat(
        [
            facts.assign(team_id=results[f"{side}_team_id"], attack=after[:, at], defence=after[:, at + 1])
            for side, at in (("home", 0), ("away", 2))
        ]
    ).sort_index(kind="stable", ignore_index=True)
    first = np.nan if rates.first_season is None else float(rates.first_season)
    return both, facts.assign(league="", level=after[:, 4], edge=after[:, 5], first_season=first)


def _at_season(side: pd.DataFrame, season: pd.Series, first_season: pd.Series) -> pd.DataFrame:
    """Return attack and defence pulled to the average over summers; a newcomer's where there is none."""
    boundaries = (season - side["season"]).clip(lower=0).fillna(0).astype("int64").to_numpy()
    shares = np.array([CARRY**n for n in range(int(boundaries.max(initial=0)) + 1)])
    start = pd.Series(np.where(season > first_season, NEWCOMER, 0.0), index=season.index)
    strength = side[["attack", "defence"]].mul(shares[boundaries], axis=0)
    return strength.apply(lambda column: column.fillna(start))


def outcome_chances(home: FloatArray, away: FloatArray, line: float) -> dict[str, FloatArray]:
    """Return the chances `home`, `draw`, `away` and `over` (more goals than `line`) at these means, each (n,).

    Dixon and Coles's correction of low scores with RHO. Additions and products only, score by score: a row's
    bits do not depend on the rows beside it.
    """
    own, other = _masses(home), _masses(away)
    fixed = {
        (0, 0): 1 - home * away * RHO,
        (0, 1): 1 + home * RHO,
        (1, 0): 1 + away * RHO,
        (1, 1): np.full_like(home, 1 - RHO),
    }
    found = {name: np.zeros(len(home)) for name in ("home", "draw", "away", "over", "all")}
    for scored in range(MOST_GOALS + 1):
        for conceded in range(MOST_GOALS + 1):
            chance = own[scored] * other[conceded]
            if (scored, conceded) in fixed:
                chance = chance * fixed[scored, conceded]
            outcome = "draw" if scored == conceded else "home" if scored > conceded else "away"
            found[outcome] += chance
            found["all"] += chance
            if scored + conceded > line:
                found["over"] += chance
    return {name: found[name] / found["all"] for name in ("home", "draw", "away", "over")}


def _masses(mean: FloatArray) -> list[FloatArray]:
    """Return P(0), P(1), … MOST_GOALS of Poisson means (n,)."""
    mass = np.array([math.exp(-one) for one in mean.tolist()])
    masses = [mass]
    for goals in range(1, MOST_GOALS + 1):
        mass = mass * mean / goals
        masses.append(mass)
    return masses
