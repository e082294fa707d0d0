"""The days of past seasons, for sources that tell neither year, season nor part of the season: `configs/seasons`."""

from datetime import date
from functools import cache

import pandas as pd
from pydantic import ValidationError

from aipro_ml import resources
from aipro_ml.config import Config
from aipro_ml.enums import SeasonType
from aipro_ml.errors import UsageError


class Span(Config):
    """First day of a season, of its play-offs and its last day, in the sport's zone."""

    first: date
    postseason: date
    last: date


class SeasonCalendar(Config):
    """The seasons of a sport by the year they begin."""

    seasons: dict[int, Span]

    def season_of(self, days: pd.Series) -> pd.Series:
        """Return the season each day lies in as Int64, NA where it lies in none."""
        found = pd.Series(pd.NA, index=days.index, dtype="Int64")
        for season, span in self.seasons.items():
            found = found.mask(days.between(pd.Timestamp(span.first), pd.Timestamp(span.last)), season)
        return found

    def season_types(self, days: pd.Series, seasons: pd.Series) -> pd.Series:
        """Return the part of its season each day lies in, as string."""
        began = seasons.map({season: pd.Timestamp(span.postseason) for season, span in self.seasons.items()})
        late = days >= pd.to_datetime(began)
        kinds = late.map({True: SeasonType.POSTSEASON.value, False: SeasonType.REGULAR.value})
        return kinds.astype("string")

    def dated(self, month_days: pd.Series, season: int) -> pd.Series:
        """Return the days that whole numbers like 1030 (30 October) mean in `season`; NaT where they mean none.

        The year turns at the season's first day of the year: 1011 of the season from 2019-10-22 is in 2020.
        """
        if season not in self.seasons:
            return pd.Series(pd.NaT, index=month_days.index, dtype="datetime64[us]")
        first = self.seasons[season].first
        later = (month_days < first.month * 100 + first.day).fillna(False).astype("int64")
        text = (season + later).astype("string") + month_days.astype("string").str.zfill(4)
        return pd.to_datetime(text, format="%Y%m%d", errors="coerce").astype("datetime64[us]")


@cache
def season_calendar(sport: str) -> SeasonCalendar:
    """Return the past seasons of `sport` (its code, any letter case)."""
    path = resources.configs_dir() / "seasons" / f"{sport.lower()}.yaml"
    try:
        return SeasonCalendar.model_validate(resources.load_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}, key {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
