"""Elo ratings recomputed from the results in the order they became known (methods §10)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import EloConfig
from aipro_ml.features.asof import asof_sides, lagged
from aipro_ml.features.history import History

FloatArray = npt.NDArray[np.float64]
SCALE = 400.0
TREND_GAMES = 5

MARGIN_MULTIPLIERS: dict[str, Callable[[float, float], float]] = {
    # (|margin|, Elo lead of the winner, home advantage included; 0 for a tie) -> factor on K
    # FiveThirtyEight's published code divides by 1, not by 2.2, where nobody won
    "nfl": lambda points, lead: math.log(max(points, 1.0) + 1) * 2.2 / (0.001 * lead + 2.2 if points else 1.0),
    "nba": lambda points, lead: (points + 3) ** 0.8 / (7.5 + 0.006 * lead),
    "nhl": lambda points, lead: (0.6686 * math.log(max(points, 1.0)) + 0.8048) * 2.05 / (0.001 * lead + 2.05),
    "mlb": lambda points, lead: math.log(points + 1) / 1.1,  # noqa: ARG005 (one signature for all)
    "soccer": lambda points, lead: math.sqrt(max(points, 1.0)),  # noqa: ARG005
    "none": lambda points, lead: 1.0,  # noqa: ARG005
}


def win_probability(lead: float) -> float:
    """Return P(win) at an Elo lead of `lead` points, home advantage included."""
    return 1 / (1 + 10 ** (-lead / SCALE))


def three_way(expected: float, draw: float) -> tuple[float, float]:
    """Return P(win), P(draw) of a side whose Elo expects `expected` (a win 1, a draw ½) (Davidson, 1970).

    `draw` is Davidson's weight of a draw. The strength is solved for so that win + draw / 2 is what Elo expects.
    """
    tilt = draw * (expected - 0.5)
    root = (tilt + math.sqrt(tilt * tilt + 4 * expected * (1 - expected))) / (2 * (1 - expected))
    level = draw * root / (root * root + 1 + draw * root)
    return expected - level / 2, level


def rating_change(config: EloConfig, lead: float, margin: float) -> float:
    """Return what the home team gains and the away team loses.

    `lead`: home minus away Elo with home advantage; `margin`: home minus away points.
    """
    outcome = 0.5 if margin == 0 else float(margin > 0)
    points = abs(margin) if config.margin_cap is None else min(abs(margin), config.margin_cap)
    winner_lead = 0.0 if margin == 0 else math.copysign(1.0, margin) * lead
    factor = MARGIN_MULTIPLIERS[config.margin_multiplier](points, winner_lead)
    return config.k * factor * (outcome - win_probability(lead))


def carried(config: EloConfig, rating: float, seasons: int) -> float:
    """Return `rating` after `seasons` season boundaries, each pulling it toward the mean once."""
    return config.mean + config.carry**seasons * (rating - config.mean)


@dataclass
class Ratings:
    """The running ratings: the last of each team and the season it was earned in."""

    config: EloConfig
    last: dict[str, tuple[float, int]] = field(default_factory=dict)

    def of(self, team: str, season: int) -> float:
        """Return the team's rating in `season`: the initial one of a new team, else carried over."""
        if team not in self.last:
            return self.config.initial
        rating, earned = self.last[team]
        return carried(self.config, rating, max(season - earned, 0))


def elo_events(results: pd.DataFrame, config: EloConfig) -> pd.DataFrame:
    """Return two events a result (home first), in its order: the team's rating after the game.

    Columns team_id, game_id, season, known_at, rating, rating_before, opponent_rating_before. A plain loop
    over lists: results must be ordered by (known_at, game_id), as `History.results` gives them.
    """
    ratings = Ratings(config)
    rows: list[tuple[float, float, float]] = []
    columns = ["home_team_id", "away_team_id", "season", "home_score", "away_score", "neutral_site"]
    for home, away, season, scored, conceded, neutral in zip(
        *(results[name].tolist() for name in columns), strict=True
    ):
        before_home, before_away = ratings.of(home, season), ratings.of(away, season)
        lead = before_home - before_away + (0.0 if neutral else config.home_advantage)
        change = rating_change(config, lead, scored - conceded)
        ratings.last[home] = (before_home + change, season)
        ratings.last[away] = (before_away - change, season)
        rows.append((before_home + change, before_home, before_away))
        rows.append((before_away - change, before_away, before_home))
    return _event_frame(results, rows)


def _event_frame(results: pd.DataFrame, rows: list[tuple[float, float, float]]) -> pd.DataFrame:
    twice = results[["game_id", "season", "known_at"]].loc[results.index.repeat(2)].reset_index(drop=True)
    teams = results[["home_team_id", "away_team_id"]].to_numpy(dtype=object).ravel()
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return twice.assign(
        team_id=teams,
        rating=values[:, 0],
        rating_before=values[:, 1],
        opponent_rating_before=values[:, 2],
    )


def known_elo(history: History, config: EloConfig) -> pd.DataFrame:
    """Return the `elo_events` of a History's results, computed once for all views that need them."""
    return history.once(("elo", config), lambda: elo_events(history.results(), config))


def current_ratings(
    entities: pd.DataFrame, events: pd.DataFrame, config: EloConfig
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (home, away), each `elo` and `elo_trend5` as known at as_of, on the index of `entities`.

    `events` are the `elo_events` of the results. A season's regression is applied when read: once for each
    boundary between the season of the last rating and the game's. The trend is the change over the team's last
    five games.
    """
    past = lagged(events, "rating", TREND_GAMES).fillna(config.initial)
    events = events.assign(trend=events["rating"] - past)
    home, away = (
        pd.DataFrame(
            {
                "elo": _at_season(side, entities["season"], config),
                "elo_trend5": side["trend"].fillna(0.0).to_numpy(),
            },
            index=entities.index,
        )
        for side in asof_sides(entities, events, ["rating", "season", "trend"])
    )
    return home, away


def _at_season(side: pd.DataFrame, season: pd.Series, config: EloConfig) -> FloatArray:
    boundaries = (season - side["season"]).clip(lower=0).fillna(0).astype("int64").to_numpy()
    # a table instead of a power: the same bits for a row whatever rows stand beside it
    shares = np.array([config.carry**n for n in range(int(boundaries.max(initial=0)) + 1)])
    rating = config.mean + shares[boundaries] * (side["rating"].to_numpy("float64") - config.mean)
    return np.where(np.isnan(rating), config.initial, rating)
