"""Freshness: whether what is known of a game's teams is as new as it should be when the game is decided."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.features.asof import asof_positions
from aipro_ml.features.revisions import in_known_order
from aipro_ml.inference.policy import Freshness

_WAITING = (GameStatus.SCHEDULED.value, GameStatus.IN_PROGRESS.value, GameStatus.FINAL.value)
_REACH = pd.Timedelta(days=400)
"""No game older than this is looked at: a night then reads one season of many, and no season is longer."""

_SIDES = ("home_team_id", "away_team_id")


def stale_games(entities: pd.DataFrame, games: pd.DataFrame, duration: pd.Timedelta, limits: Freshness) -> pd.Series:
    """Return (bool, on the index of `entities`) for which games a team's form is not what it should be at as_of.

    Stale is a game of which either team's last game has no result, so long after its usual end (kick-off plus
    `duration`) that it must have been played; and one of which either team's last result within the season is older
    than it may be. `games`: REVISION_COLUMNS; what became known after a row's as_of plays no part.
    """
    reach = entities["as_of"].min() - _REACH
    said = in_known_order(games.loc[(games["kickoff"] > reach) & (games["known_at"] <= entities["as_of"].max())])
    sides = pd.concat(
        [entities[["as_of", "kickoff", "season", side]].rename(columns={side: "team_id"}) for side in _SIDES],
        ignore_index=True,
    )
    last = _last_results(sides, said)
    stale = _too_old(sides, last, limits) | _overdue(sides, last, said, duration, limits)
    count = len(entities)
    return pd.Series(stale[:count] | stale[count:], index=entities.index, name="stale")


def _last_results(sides: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    """Return kick-off and season of each team's latest game with a score told by as_of, missing where there is none."""
    final = said.loc[_has_score(said)].drop_duplicates("game_id")
    told = pd.concat(
        [final[["known_at", "kickoff", "season", side]].rename(columns={side: "team_id"}) for side in _SIDES]
    ).sort_values("known_at", kind="stable", ignore_index=True)
    by_team = told.assign(kickoff=told["kickoff"].astype("int64")).groupby("team_id")
    latest = by_team[["kickoff", "season"]].cummax()
    latest["kickoff"] = pd.to_datetime(latest["kickoff"], unit="us", utc=True)
    return latest.reindex(asof_positions(sides, told, ["team_id"])).reset_index(drop=True)


def _has_score(said: pd.DataFrame) -> pd.Series:
    return (said["status"] == GameStatus.FINAL.value) & said["home_score"].notna() & said["away_score"].notna()


def _too_old(sides: pd.DataFrame, last: pd.DataFrame, limits: Freshness) -> npt.NDArray[np.bool_]:
    if limits.form_max_age_days is None:
        return np.zeros(len(sides), dtype=bool)
    old = sides["as_of"] - last["kickoff"] > pd.Timedelta(days=limits.form_max_age_days)
    return np.asarray(old & (sides["season"] == last["season"]), dtype=bool)


def _overdue(
    sides: pd.DataFrame, last: pd.DataFrame, said: pd.DataFrame, duration: pd.Timedelta, limits: Freshness
) -> npt.NDArray[np.bool_]:
    """Return where a game of the team, earlier than this and later than its last result, should be over and is not."""
    stale = np.zeros(len(sides), dtype=bool)
    if limits.result_delay_hours is None:
        return stale
    spans = _without_result(said, duration + pd.Timedelta(hours=limits.result_delay_hours))
    spans = spans.loc[spans["since"] <= sides["as_of"].max()]
    asked = sides.assign(row=np.arange(len(sides)), after=last["kickoff"]).merge(spans, on="team_id")
    missing = (asked["since"] <= asked["as_of"]) & ~(asked["until"] <= asked["as_of"])
    between = (asked["missed"] < asked["kickoff"]) & ~(asked["after"] >= asked["missed"])
    stale[asked.loc[missing & between, "row"].to_numpy()] = True
    return stale


def _without_result(said: pd.DataFrame, after: pd.Timedelta) -> pd.DataFrame:
    """Return team_id, missed (a kick-off), since and until (NaT: still): when a due result was not there, by team."""
    until = said.groupby("game_id")["known_at"].shift(-1)
    unscored = said["status"].isin(_WAITING) & ~_has_score(said)
    due = said["kickoff"] + after
    since = due.where(due >= said["known_at"], said["known_at"])
    spans = said.assign(missed=said["kickoff"], since=since, until=until).loc[unscored & ~(until <= since)]
    teams = [spans[["missed", "since", "until", side]].rename(columns={side: "team_id"}) for side in _SIDES]
    return pd.concat(teams, ignore_index=True)
