"""A small random league of labelled games for the tests of this room."""

import numpy as np
import pandas as pd

from aipro_ml.enums import Selection
from aipro_ml.features.matrix import FeatureMatrix

THREE_WAY = (Selection.HOME, Selection.DRAW, Selection.AWAY)
FEATURES = ("elo_prob", "form", "rest", "noise", "sparse")


def league(
    *, seasons: int = 4, games: int = 120, seed: int = 7, pushes: bool = False, permuted: bool = False
) -> FeatureMatrix:
    """Games a day apart, results known four hours after the decision; `sparse` is mostly unknown."""
    random = np.random.default_rng(seed)
    n = seasons * games
    season = np.repeat(np.arange(2000, 2000 + seasons), games)
    start = pd.to_datetime(pd.Series(season).astype(str) + "-09-01", utc=True)
    hours = np.tile(np.arange(games) * 24, seasons)
    as_of = (start + pd.to_timedelta(hours, unit="h")).dt.as_unit("us")
    strength = random.normal(size=n)
    p = 1 / (1 + np.exp(-strength))
    y = (random.random(n) < p).astype("float64")
    if permuted:
        y = random.permutation(y)
    if pushes:
        y[random.random(n) < 0.1] = np.nan
    index = pd.Index([f"g{i:05d}" for i in range(n)], name="game_id")
    X = pd.DataFrame(
        {
            "elo_prob": 1 / (1 + np.exp(-(strength + random.normal(scale=0.5, size=n)))),
            "form": strength + random.normal(size=n),
            "rest": random.integers(-3, 4, n).astype("float64"),
            "noise": random.normal(size=n),
            "sparse": np.where(random.random(n) < 0.7, np.nan, random.normal(size=n)),
        },
        index=index,
    )
    as_of.index = index
    meta = pd.DataFrame(
        {
            "season": season,
            "week": (np.tile(np.arange(games), seasons) // 16 + 1).astype("float64"),
            "kickoff": as_of + pd.Timedelta(minutes=1),
            "home_team_id": "h",
            "away_team_id": "a",
            "result_known_at": as_of + pd.Timedelta(hours=4),
            "line": np.nan,
            "market_prob": p,
            "outcome_points": np.where(y > 0, 1.0, -1.0) * np.random.default_rng(seed + 2).integers(1, 11, n),
        },
        index=index,
    )
    return FeatureMatrix(X, as_of, meta, pd.Series(y, index=index, name="y"))


def three_way_league(*, seasons: int = 4, games: int = 120, seed: int = 7, permuted: bool = False) -> FeatureMatrix:
    """The same games with draws: an ordered logit of strength, a market that knows it, and no week numbers."""
    matrix = league(seasons=seasons, games=games, seed=seed)
    random = np.random.default_rng(seed + 1)
    strength = np.log(matrix.meta["market_prob"] / (1 - matrix.meta["market_prob"])).to_numpy("float64")
    home, not_away = 1 / (1 + np.exp(-(strength - 0.2))), 1 / (1 + np.exp(-(strength + 1.0)))
    draw = random.random(len(strength))
    y = np.where(draw < home, 1.0, np.where(draw < not_away, 0.5, 0.0))
    if permuted:
        y = random.permutation(y)
    points = np.where(
        y == 0.5, 0.0, np.where(y > 0, 1.0, -1.0) * np.random.default_rng(seed + 2).integers(1, 4, len(y))
    )
    meta = matrix.meta.assign(week=np.nan, market_prob=home, market_draw=not_away - home, outcome_points=points)
    seen = strength + random.normal(scale=0.5, size=len(strength))
    rated = 1 / (1 + np.exp(-(seen - 0.2)))
    X = matrix.X.assign(elo_prob=rated, elo_draw=1 / (1 + np.exp(-(seen + 1.0))) - rated)
    return FeatureMatrix(X, matrix.as_of, meta, pd.Series(y, index=X.index, name="y"), THREE_WAY)
