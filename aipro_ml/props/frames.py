"""The two frames of player props: what models learn from, and the lines that are asked about."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.config.props import PropConfig, PropsConfig
from aipro_ml.features.boxes import PLAYER_BOX
from aipro_ml.props.form import FEATURES, Past, player_form
from aipro_ml.props.market import MARKET
from aipro_ml.props.matching import PAIR
from aipro_ml.props.model import usable

LEARNING_COLUMNS = ("game_id", "player_id", "prop", *FEATURES, "position", "value", "decided_at", "label_known_at")
NO_BOX, DID_NOT_PLAY, PLAYED, PENDING = "no_box", "did_not_play", "played", "pending"
"""How a line can be settled. `no_box`: his team's box scores of the game are not stored, or he has one elsewhere."""


@dataclass(frozen=True)
class Asked:
    """The lines that are asked about, with features, and how many others there were.

    `unmatched`: nobody's box scores are behind them; `without_form`: no recent ones; `untold`: so low, or of somebody
    with so few chances, that a missing box score does not say whether he played.
    """

    lines: pd.DataFrame
    unmatched: int
    without_form: int
    untold: int


def learning_rows(past: Past, decided: pd.Series, config: PropsConfig) -> pd.DataFrame:
    """Return one row a player, game and prop that can be learned from (LEARNING_COLUMNS).

    `decided`: index game_id, when a game was decided. A row labelled by a corrected box enters from the correction on.
    """
    boxes = past.boxes(None, config)
    boxes = boxes.assign(as_of=boxes["game_id"].map(decided))
    boxes = boxes.loc[boxes["as_of"].notna()].reset_index(drop=True)
    last = past.versions.groupby(PLAYER_BOX)["known_at"].max()
    known = last.reindex(pd.MultiIndex.from_frame(boxes[PLAYER_BOX])).array
    forms = player_form(boxes, past, config)
    parts = []
    for prop in config.props:
        told = forms[prop.name].assign(
            prop=prop.name,
            value=boxes[prop.name],
            decided_at=boxes["as_of"],
            label_known_at=known,
            **{name: boxes[name] for name in ("game_id", "player_id", "position")},
        )
        parts.append(told.loc[usable(prop, forms[prop.name], boxes["position"]), list(LEARNING_COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def line_rows(wanted: pd.DataFrame, matched: pd.DataFrame, past: Past, config: PropsConfig) -> Asked:
    """Return the lines of known players with their features.

    `wanted`: MARKET, line, fair, as_of and more, of props that are configured; `matched`: MATCH_COLUMNS. Result: the
    columns of `wanted`, FEATURES, box_id, team_id, position and decided_at.
    """
    pairs = matched.set_index(PAIR)[["box_id", "team_id"]]
    lines = wanted.join(pairs, on=PAIR)
    lost = lines["box_id"].isna()
    lines = lines.loc[~lost].reset_index(drop=True)
    lines = lines.assign(position=past.positions.reindex(lines["box_id"]).fillna("").array, decided_at=lines["as_of"])
    asked = _asked(lines, past)
    forms = player_form(asked, past, config)
    told = [_usable(lines.loc[lines["prop"] == prop.name], prop, forms[prop.name]) for prop in config.props]
    found = pd.concat(told, ignore_index=True)
    clear = _told_apart(found, config)
    return Asked(found.loc[clear].reset_index(drop=True), int(lost.sum()), len(lines) - len(found), int((~clear).sum()))


def _usable(lines: pd.DataFrame, prop: PropConfig, form: pd.DataFrame) -> pd.DataFrame:
    """Return the prop's lines with their features, where it may speak of them."""
    keys = pd.MultiIndex.from_frame(lines[["game_id", "box_id"]])
    both = pd.concat([lines, form.reindex(keys).set_axis(lines.index)], axis=1)
    return both.loc[usable(prop, both, both["position"])]


def _told_apart(lines: pd.DataFrame, config: PropsConfig) -> pd.Series:
    """Return which lines are of somebody who surely has a box score where he played; NaN is a line yet to be named."""
    least_line = lines["prop"].map({prop.name: prop.least_line for prop in config.props})
    least_usage = lines["prop"].map({prop.name: prop.least_usage for prop in config.props})
    return ~(lines["line"] < least_line) & (np.exp(lines["usage"]) >= least_usage)


def _asked(lines: pd.DataFrame, past: Past) -> pd.DataFrame:
    """Return ASKED of each player and game, under the index (game_id, box_id); who changed teams has no opponent."""
    one = lines.drop_duplicates(["game_id", "box_id"]).set_index(["game_id", "box_id"], drop=False)
    sides = past.games[["home_team_id", "away_team_id"]].reindex(one["game_id"]).set_axis(one.index)
    home, away = (one["team_id"] == sides[name] for name in ("home_team_id", "away_team_id"))
    opponent = sides["away_team_id"].where(home, sides["home_team_id"].where(away))
    return pd.DataFrame(
        {
            "player_id": one["box_id"],
            "game_id": one["game_id"],
            "team_id": one["team_id"],
            "opponent_id": opponent,
            "position": one["position"],
            "is_home": np.where(home, 1.0, np.where(away, 0.0, 0.5)),
            "as_of": one["as_of"],
        },
        index=one.index,
    )


def outcomes(lines: pd.DataFrame, past: Past, config: PropsConfig) -> pd.DataFrame:
    """Return actual (the figure, NaN where it is not known), state and label_known_at of each line, by its index.

    `past.games` has season, week and is_final beside the teams. No box score says that somebody did not play: it is
    taken from others of his team at the prop's positions having one. A bet on him is void.
    """
    boxes = past.boxes(None, config)
    last = past.versions.groupby(PLAYER_BOX)["known_at"].max().rename("label_known_at").reset_index()
    busy = _busy(boxes, past.games)
    parts = [pd.DataFrame(columns=["actual", "label_known_at", "state"])]
    for prop in config.props:
        mine = lines.loc[lines["prop"] == prop.name, [*PAIR, "box_id", "team_id"]]
        told = boxes[[*PLAYER_BOX, prop.name]].merge(last, on=PLAYER_BOX)
        told = told.rename(columns={"player_id": "box_id", prop.name: "actual"})
        found = mine.merge(told, on=["game_id", "box_id"], how="left").set_axis(mine.index)
        others = boxes.loc[boxes["position"].isin(prop.positions)] if prop.positions else boxes
        absent = _pairs(found, "team_id").isin(_pairs(others, "team_id")) & ~_pairs(found, "box_id").isin(busy)
        final = past.games["is_final"].reindex(found["game_id"]).fillna(False).to_numpy("bool")
        known = found["actual"].notna()
        state = np.where(known, PLAYED, np.where(~final, PENDING, np.where(absent, DID_NOT_PLAY, NO_BOX)))
        parts.append(found[["actual", "label_known_at"]].assign(state=state))
    every = pd.concat(parts[1:] or parts).reindex(lines.index)
    return every.assign(state=every["state"].fillna(NO_BOX), actual=every["actual"].astype("float64"))


def _pairs(rows: pd.DataFrame, name: str) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["game_id", name]])


def _busy(boxes: pd.DataFrame, games: pd.DataFrame) -> pd.MultiIndex:
    """Return every other game of the week of a player's game: he is credited with a figure elsewhere."""
    weeks = games.loc[games["week"].notna(), ["season", "week"]].reset_index(names="game_id")
    his = boxes[["game_id", "player_id"]].merge(weeks, on="game_id")[["player_id", "season", "week"]]
    there = his.merge(weeks, on=["season", "week"])
    return pd.MultiIndex.from_frame(there[["game_id", "player_id"]].drop_duplicates())


def with_outcomes(lines: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Return lines with actual, state, label_known_at and y: 1 over, 0 under, NaN pushed or not known."""
    lines = lines.assign(**{name: told[name] for name in told})
    y = (lines["actual"] > lines["line"]).astype("float64")
    return lines.assign(y=y.where(lines["actual"].notna() & (lines["actual"] != lines["line"])))


def own_lines(past: Past, decided: pd.Series, squad: pd.DataFrame, config: PropsConfig) -> pd.DataFrame:
    """Return a line of our own for each player of the games and prop he has enough of: where nobody offers one.

    It is the half above the whole part of his own average: what anybody without a model would ask about.
    """
    every = pd.concat([squad.assign(prop=prop.name, least=prop.least) for prop in config.props], ignore_index=True)
    told = every[[*MARKET, "least"]].assign(line=np.nan, fair=np.nan, as_of=every["game_id"].map(decided))
    asked = line_rows(told, squad, past, config).lines
    own = np.exp(asked["own"])
    lines = asked.assign(line=np.floor(own) + 0.5).loc[own >= asked["least"]]
    return lines[[*MARKET, "line", "fair", "as_of"]].reset_index(drop=True)
