"""What both teams did in each game, side by side, and ratings of it that know the opponents."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.features.asof import asof_sides
from aipro_ml.features.history import History

FloatArray = npt.NDArray[np.float64]
_SIDES = ("home", "away")
EDGE_RATE = 0.005
"""The home edge of a figure moves slowly: about the weight of the league's last 200 games."""


def paired_games(history: History, figures: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return (games, home, away) of every finished game with a box of both teams, in the order they became known.

    `games` has game_id, season, home_team_id, away_team_id, neutral_site and known_at, when the result and both boxes
    were; `home` and `away` have the figures of each side on the same index.
    """
    boxes = history.team_boxes(figures)
    results = history.results()[["game_id", "season", "home_team_id", "away_team_id", "neutral_site", "known_at"]]
    both = results
    for side in ("home", "away"):
        names = {"team_id": f"{side}_team_id", "known_at": f"{side}_known_at"}
        names |= {figure: f"{side}:{figure}" for figure in figures}
        both = both.merge(boxes.rename(columns=names), on=["game_id", f"{side}_team_id"], how="inner")
    both["known_at"] = both[["known_at", "home_known_at", "away_known_at"]].max(axis=1)
    both = both.sort_values(["known_at", "game_id"], kind="stable", ignore_index=True)
    home, away = (both[[f"{side}:{figure}" for figure in figures]].set_axis(list(figures), axis=1) for side in _SIDES)
    return both[[*results.columns]], home, away


def each_side(games: pd.DataFrame, home: pd.DataFrame, away: pd.DataFrame) -> pd.DataFrame:
    """Return two events a game, home first: team_id, season, known_at and the columns of its side."""
    sides = [
        games[["game_id", "season", "known_at"]].assign(team_id=games[f"{side}_team_id"]).join(values)
        for side, values in (("home", home), ("away", away))
    ]
    return pd.concat(sides).sort_index(kind="stable", ignore_index=True)


def net_ratings(games: pd.DataFrame, net: pd.DataFrame, rate: float, carry: float) -> pd.DataFrame:
    """Return events team_id, season, known_at and each column of `net` (home minus away) as a rating after each game.

    A rating moves by `rate` times what the game's figure was above the expected, the ratings' difference and the home
    edge, for one team up and for the other down; it is pulled to 0, the average, by `carry` a season. A missing figure
    moves nothing. Both teams' events stand together, home first.
    """
    values = net.to_numpy("float64")
    after_home, after_away = np.empty_like(values), np.empty_like(values)
    state: dict[str, tuple[FloatArray, int]] = {}
    edge, zero = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    sides = zip(
        games["home_team_id"].tolist(),
        games["away_team_id"].tolist(),
        games["season"].tolist(),
        games["neutral_site"].tolist(),
        strict=True,
    )
    for row, (home, away, season, neutral) in enumerate(sides):
        (mine, earned), (theirs, earned_there) = state.get(home, (zero, season)), state.get(away, (zero, season))
        mine = mine * carry ** max(season - earned, 0)
        theirs = theirs * carry ** max(season - earned_there, 0)
        above = values[row] - (mine - theirs)
        if not neutral:
            above = above - edge
            edge = edge + max(1 / (row + 1), EDGE_RATE) * np.nan_to_num(above)
        step = rate * np.nan_to_num(above)
        after_home[row], after_away[row] = mine + step, theirs - step
        state[home], state[away] = (after_home[row], season), (after_away[row], season)
    names = list(net.columns)
    rated = (pd.DataFrame(after, columns=names, index=games.index) for after in (after_home, after_away))
    return each_side(games, *rated)


def rating_differences(
    entities: pd.DataFrame, events: pd.DataFrame, columns: Sequence[str], carry: float
) -> pd.DataFrame:
    """Return home minus away of rated `columns` as known at as_of, pulled once a season boundary since the last game.

    Missing where a team has no rated game.
    """
    sides = []
    for side in asof_sides(entities, events, ["season", *columns]):
        boundaries = (entities["season"] - side["season"]).clip(lower=0).fillna(0).astype("int64").to_numpy()
        shares = np.array([carry**n for n in range(int(boundaries.max(initial=0)) + 1)])
        sides.append(side[list(columns)].mul(shares[boundaries], axis=0))
    return sides[0] - sides[1]


def ratio(top: pd.Series, bottom: pd.Series) -> pd.Series:
    """Return top over bottom, NaN where the bottom is not above 0."""
    return top / bottom.where(bottom > 0)
