"""What is known of a player before a game: his own average and chances, shrunk to his position's, and the opponent's.

Everything looks back through the as-of join: a box counts from the moment it was known, and as it was known then. Past
games weigh less the longer ago they are. A player begins with some games of his position's average, an opponent with
some of the league's: one lucky evening moves neither far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.config.props import PropConfig, PropsConfig
from aipro_ml.features.asof import asof_join, counted
from aipro_ml.features.boxes import PLAYER_BOX, corrected_at, current_boxes

FEATURES = ("own", "trend", "usage", "usage_trend", "opponent", "home", "experience")
"""ln of the shrunk average; ln of recent over usual; the same of usage; ln of what the opponent allows over usual."""

ASKED = ("player_id", "game_id", "team_id", "opponent_id", "position", "is_home", "as_of")
"""Columns of who is asked for: one row a player and game; `opponent_id` is missing where his team is not known."""

POSITION_HALF_LIFE = 2000.0
"""Player games after which one counts half in a position's average: about half a season of the NFL."""

FLOOR = 1e-3
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Past:
    """Every version of every player box (player_id, team_id, game_id, known_at, figures) and what goes with it.

    `games`: index game_id; home_team_id, away_team_id. `positions`: index player_id; "" where nobody says.
    """

    versions: pd.DataFrame
    games: pd.DataFrame
    positions: pd.Series

    def boxes(self, before: pd.Timestamp | None, config: PropsConfig) -> pd.DataFrame:
        """Return one row a box as known before `before` (None: by now), with its opponent and each prop's value."""
        versions = self.versions
        if before is not None:
            versions = versions.loc[versions["known_at"] < before]
        current = current_boxes(versions, PLAYER_BOX, config.figures)
        return with_values(self._placed(current), config)

    def _placed(self, boxes: pd.DataFrame) -> pd.DataFrame:
        """Return the boxes with position, opponent and side; one of a team that is not in the game is left out."""
        sides = self.games[["home_team_id", "away_team_id"]].reindex(boxes["game_id"]).set_axis(boxes.index)
        home, away = (boxes["team_id"] == sides[name] for name in ("home_team_id", "away_team_id"))
        opponent = sides["away_team_id"].where(home, sides["home_team_id"])
        position = self.positions.reindex(boxes["player_id"]).fillna("").array
        placed = boxes.assign(opponent_id=opponent, is_home=home.astype("float64"), position=position)
        return placed.loc[home | away].reset_index(drop=True)


def with_values(boxes: pd.DataFrame, config: PropsConfig) -> pd.DataFrame:
    """Return the boxes with a column for each prop, and `<prop>:usage` for each with a usage; figures fall away."""
    figures = boxes[list(config.figures)].fillna(0.0)
    values = {}
    for prop in config.props:
        values[prop.name] = figures[list(prop.figures)].sum(axis=1)
        if prop.usage:
            values[usage_of(prop)] = figures[list(prop.usage)].sum(axis=1)
    return pd.concat([boxes.drop(columns=list(config.figures)), pd.DataFrame(values, index=boxes.index)], axis=1)


def usage_of(prop: PropConfig) -> str:
    """Return the column of a prop's usage."""
    return f"{prop.name}:usage"


def player_form(asked: pd.DataFrame, past: Past, config: PropsConfig) -> dict[str, pd.DataFrame]:
    """Return each prop's features (FEATURES) of the rows of `asked` (ASKED), on their index.

    A row of somebody without a known game, or whose last is too long ago, is missing. Corrections split time into
    epochs: a row decided before one sees the figures of its time.
    """
    moments = corrected_at(past.versions, PLAYER_BOX)
    stamps = np.array([moment.to_datetime64() for moment in moments], dtype="datetime64[us]")
    epoch = np.searchsorted(stamps, asked["as_of"].to_numpy("datetime64[us]"), side="right")
    parts = []
    for number in np.unique(epoch):
        before = None if number == len(moments) else moments[number]
        parts.append(_form(asked.loc[epoch == number], past.boxes(before, config), config))
    if not parts:
        return {prop.name: pd.DataFrame(columns=list(FEATURES), dtype="float64") for prop in config.props}
    return {prop.name: pd.concat([part[prop.name] for part in parts]).reindex(asked.index) for prop in config.props}


def _form(asked: pd.DataFrame, boxes: pd.DataFrame, config: PropsConfig) -> dict[str, pd.DataFrame]:
    columns = [name for prop in config.props for name in (prop.name, usage_of(prop)) if name in boxes]
    usual = past_means(boxes, asked, ["player_id"], columns, config.half_life)
    recent = past_means(boxes, asked, ["player_id"], columns, config.recent_half_life)
    usual_there = past_means(boxes, asked, ["position"], columns, POSITION_HALF_LIFE)
    allowed = _allowed(boxes, asked, columns, config)
    own, fresh = (
        shrunk(past[columns], past["weight"], usual_there[columns], config.own_weight) for past in (usual, recent)
    )
    age = (asked["as_of"] - usual["last_known"]) / _DAY
    present = age <= config.max_absence_days
    frames = {}
    for prop in config.props:
        told = _features(prop, own, fresh, allowed)
        told = told.assign(home=asked["is_home"], experience=np.log1p(usual["weight"]))
        frames[prop.name] = told.loc[present, list(FEATURES)].reindex(asked.index)
    return frames


def _features(prop: PropConfig, own: pd.DataFrame, fresh: pd.DataFrame, allowed: pd.DataFrame) -> pd.DataFrame:
    usage = usage_of(prop)
    chances, lately = (frame[usage] if usage in frame else frame[prop.name] for frame in (own, fresh))
    return pd.DataFrame(
        {
            "own": logarithm(own[prop.name]),
            "trend": logarithm(fresh[prop.name]) - logarithm(own[prop.name]),
            "usage": logarithm(chances),
            "usage_trend": logarithm(lately) - logarithm(chances),
            "opponent": logarithm(allowed[prop.name]),
        }
    )


def past_means(
    events: pd.DataFrame, asked: pd.DataFrame, by: Sequence[str], columns: Sequence[str], half_life: float
) -> pd.DataFrame:
    """Return of each asked row the decayed means of `columns` over its events known by then.

    Beside them `weight` (how many games they are worth, 0 where there is none) and `last_known`. `events` stand in the
    order they became known; what follows an event changes none of its bits.
    """
    grouped = events.groupby(list(by), sort=False)
    means = grouped[list(columns)].ewm(halflife=half_life).mean().droplevel(list(range(len(by)))).reindex(events.index)
    fade = 0.5 ** (1 / half_life)
    weight = (1 - fade ** counted(events, by)) / (1 - fade)
    told = events[[*by, "known_at"]].join(means).assign(weight=weight, last_known=events["known_at"])
    found = asof_join(asked, told, by, [*columns, "weight", "last_known"])
    return found.assign(weight=found["weight"].fillna(0.0))


def shrunk(means: pd.DataFrame, weight: pd.Series, to: pd.DataFrame, games: float) -> pd.DataFrame:
    """Return `means` drawn to `to` as if `games` more had been played at it; without a game of one's own it is `to`."""
    own = means.fillna(0.0).mul(weight, axis=0)
    return (own + to * games).div(weight + games, axis=0)


def logarithm(values: pd.Series) -> pd.Series:
    """Return ln of averages, which are kept away from 0."""
    return pd.Series(np.log(values.clip(lower=FLOOR)), index=values.index)


def _allowed(boxes: pd.DataFrame, asked: pd.DataFrame, columns: Sequence[str], config: PropsConfig) -> pd.DataFrame:
    """Return what the opponent gave away to the position, over what opponents usually do; 1 where nothing is known."""
    keys = ["opponent_id", "position"]
    grouped = boxes.groupby([*keys, "game_id"], sort=False, as_index=False)
    games = grouped.agg({**dict.fromkeys(columns, "sum"), "known_at": "max"})
    games = games.sort_values(["known_at", "game_id", *keys], kind="stable", ignore_index=True)
    theirs = past_means(games, asked, keys, columns, config.half_life)
    usual = past_means(games, asked, ["position"], columns, POSITION_HALF_LIFE)
    mean = shrunk(theirs[list(columns)], theirs["weight"], usual[list(columns)], config.opponent_weight)
    return (mean / usual[list(columns)].where(usual[list(columns)] > FLOOR)).fillna(1.0)
