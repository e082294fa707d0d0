"""What every importer derives from its games: their canonical identity and the days of their seasons."""

from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.sources.base import SEASON_COLUMNS, conform


def game_key(games: pd.DataFrame) -> pd.Series:
    """Return what a game is whenever and wherever it is played: `2022:regular:1:LV@LAC`."""
    slot = games["season"].astype("string") + ":" + games["season_type"] + ":" + games["week"].astype("string")
    return slot + ":" + games["away"] + "@" + games["home"]


def dated_game_key(games: pd.DataFrame, zone: ZoneInfo) -> pd.Series:
    """Return what a game is where no week places it: `2014:2014-08-16:CRY@ARS:1`.

    The day is that of the kick-off in the sport's `zone`; the last number tells doubleheaders apart.
    """
    day = games["kickoff"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d").astype("string")
    pair = games["away"] + "@" + games["home"]
    return games["season"].astype("string") + ":" + day + ":" + pair + ":" + games["game_number"].astype("string")


def season_frame(games: pd.DataFrame) -> pd.DataFrame:
    """Return one row a season (SEASON_COLUMNS): the UTC days of its first and last kick-off."""
    kickoffs = games.groupby("season")["kickoff"]
    days = pd.DataFrame({"start_date": kickoffs.min(), "end_date": kickoffs.max()})
    days = days.apply(lambda column: column.dt.floor("D")).reset_index()
    return conform(days.assign(name=days["season"].astype("string")), SEASON_COLUMNS)


def crowded(games: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Return which games have a team with another game on the same `day` (any text)."""
    played = pd.concat([day + " " + games[side] for side in ("home", "away")])
    twice = played.duplicated(keep=False).groupby(level=0).any()
    return twice.reindex(games.index, fill_value=False).astype(bool)


def busy(games: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Return which games have a team that an earlier, accepted game of the same `day` (any text) has.

    A game told again with its sides exchanged is one of these.
    """
    found = pd.Series(False, index=games.index)
    taken: set[str] = set()
    for label in games.index[crowded(games, day)]:
        mine = {f"{day.loc[label]} {games.loc[label, side]}" for side in ("home", "away")}
        found.loc[label] = bool(mine & taken)
        taken |= set() if found.loc[label] else mine
    return found
