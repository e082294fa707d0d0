"""Scoring: offence and defence adjusted for opponents, as exponentially weighted points above the league's."""

import numpy as np
import numpy.typing as npt
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
_STRENGTHS = ("offence_slow", "defence_slow", "offence_fast", "defence_fast")
FloatArray = npt.NDArray[np.float64]
LEAGUE_RATE = 0.005
"""The league's points and home edge move slowly: about a season's weight for the NFL's last 200 games."""


def _league(results: pd.DataFrame) -> pd.DataFrame:
    """Return events league, known_at and the league's points a side and home edge after each game."""
    points = edge = 0.0
    after = []
    games = zip(*(results[name].tolist() for name in ("home_score", "away_score", "neutral_site")), strict=True)
    for number, (scored, conceded, neutral) in enumerate(games, start=1):
        slow = max(1 / number, LEAGUE_RATE)
        points += slow * ((scored + conceded) / 2 - points)
        if not neutral:
            edge += slow * ((scored - conceded) - edge)
        after.append((points, edge))
    level = np.array(after, dtype=np.float64).reshape(-1, 2)
    known = results[["known_at"]].reset_index(drop=True)
    return known.assign(league="", points=level[:, 0], edge=level[:, 1])


def _strengths(results: pd.DataFrame, league: pd.DataFrame, rate: float, carry: float) -> FloatArray:
    """Return offence and defence of the home and of the away team after each game, shape (n, 4).

    Each moves from the average by `rate` a game, and is pulled back to it at each boundary between seasons. A
    defence's figure is what it concedes above the league's average: smaller is better.
    """
    codes, names = pd.factorize(results[["home_team_id", "away_team_id"]].to_numpy(dtype=object).ravel())
    seasons = results["season"].tolist()
    first = min(seasons, default=0)
    shares = [carry**boundaries for boundaries in range(max(seasons, default=0) - first + 1)]
    offence, defence, earned = [0.0] * len(names), [0.0] * len(names), [first] * len(names)
    half = (league["edge"] / 2).mask(results["neutral_site"].to_numpy(bool), 0.0)
    facts = (results["home_score"], results["away_score"], league["points"], half)
    after = []
    for home, away, season, scored, conceded, points, edge in zip(
        codes[::2].tolist(), codes[1::2].tolist(), seasons, *(values.tolist() for values in facts), strict=True
    ):
        share_home, share_away = shares[max(season - earned[home], 0)], shares[max(season - earned[away], 0)]
        attack_home, defend_home = offence[home] * share_home, defence[home] * share_home
        attack_away, defend_away = offence[away] * share_away, defence[away] * share_away
        above_home = scored - (points + edge + attack_home + defend_away)
        above_away = conceded - (points - edge + attack_away + defend_home)
        offence[home] = attack_home = attack_home + rate * above_home
        defence[home] = defend_home = defend_home + rate * above_away
        offence[away] = attack_away = attack_away + rate * above_away
        defence[away] = defend_away = defend_away + rate * above_home
        earned[home] = earned[away] = season
        after.append((attack_home, defend_home, attack_away, defend_away))
    return np.array(after, dtype=np.float64).reshape(-1, 4)


def _events(results: pd.DataFrame, league: pd.DataFrame, config: SportConfig) -> pd.DataFrame:
    """Return two events a result (home first): team_id, season, known_at, offence and defence at either rate."""
    teams = results[["home_team_id", "away_team_id"]].to_numpy(dtype=object).ravel()
    twice = results[["season", "known_at"]].take(np.repeat(np.arange(len(results)), 2)).reset_index(drop=True)
    strengths: dict[str, FloatArray] = {}
    for name, rate in (("slow", config.ewma_slow), ("fast", config.ewma_fast)):
        values = _strengths(results, league, rate, config.elo.carry).reshape(-1, 2)
        strengths |= {f"offence_{name}": values[:, 0], f"defence_{name}": values[:, 1]}
    return twice.assign(team_id=teams, **strengths)


def _at_season(side: pd.DataFrame, season: pd.Series, carry: float) -> pd.DataFrame:
    """Return offences and defences pulled to the average once a season boundary since the last game."""
    boundaries = (season - side["season"]).clip(lower=0).fillna(0).astype("int64").to_numpy()
    shares = np.array([carry**n for n in range(int(boundaries.max(initial=0)) + 1)])
    return side[list(_STRENGTHS)].mul(shares[boundaries], axis=0).fillna(0.0)


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS in points; a new team is average, and before the league's first game all is missing."""
    results = history.results()
    league = _league(results)
    found = asof_sides(entities, _events(results, league, config), ["season", *_STRENGTHS])
    home, away = (_at_season(side, entities["season"], config.elo.carry) for side in found)
    level = asof_join(entities[["as_of"]].assign(league=""), league, ["league"], ["points", "edge"])
    edge = level["edge"].mask(entities["neutral_site"], 0.0)
    frame = {}
    for name in ("slow", "fast"):
        at_home = home[f"offence_{name}"] + away[f"defence_{name}"]
        at_away = away[f"offence_{name}"] + home[f"defence_{name}"]
        frame[f"expected_margin_{name}"] = at_home - at_away + edge
        frame[f"expected_total_{name}"] = 2 * level["points"] + at_home + at_away
    strength = {f"{name}_diff": home[f"{name}_slow"] - away[f"{name}_slow"] for name in ("offence", "defence")}
    return pd.DataFrame({**frame, **strength}, index=entities.index)


VIEW = FeatureView("scoring", COLUMNS, compute)
