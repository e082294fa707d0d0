"""What every importer derives from its games: their canonical identity and the days of their seasons."""

import pandas as pd

from aipro_ml.sources.base import SEASON_COLUMNS, conform


def game_key(games: pd.DataFrame) -> pd.Series:
    """Return what a game is whenever and wherever it is played: `2022:regular:1:LV@LAC`."""
    slot = games["season"].astype("string") + ":" + games["season_type"] + ":" + games["week"].astype("string")
    return slot + ":" + games["away"] + "@" + games["home"]


def season_frame(games: pd.DataFrame) -> pd.DataFrame:
    """Return one row a season (SEASON_COLUMNS): the UTC days of its first and last kick-off."""
    kickoffs = games.groupby("season")["kickoff"]
    days = pd.DataFrame({"start_date": kickoffs.min(), "end_date": kickoffs.max()})
    days = days.apply(lambda column: column.dt.floor("D")).reset_index()
    return conform(days.assign(name=days["season"].astype("string")), SEASON_COLUMNS)
