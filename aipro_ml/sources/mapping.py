"""A mapping file: what the columns of any table mean (YAML), so that `sources/mapped.py` can read it."""

from collections.abc import Iterator
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from aipro_ml.config import Config
from aipro_ml.enums import BetType, Selection
from aipro_ml.errors import UsageError

UNKNOWN = "?"
"""What a proposal writes where only the owner of the file knows; a mapping with it is refused."""

SIDES = {
    BetType.MONEYLINE: (Selection.HOME, Selection.AWAY, Selection.DRAW),
    BetType.SPREAD: (Selection.HOME, Selection.AWAY),
    BetType.TOTAL: (Selection.OVER, Selection.UNDER),
}
HOURS = ("%H", "%I")

Sign = Literal["home_handicap", "home_favoured_by", "unsigned"]
"""home_handicap: -3.5 gives 3.5 points away (a US book's home line). home_favoured_by: 3.5 does (nflverse).
unsigned: 3.5 whoever is the favourite, who stands in a column of his own."""


class Moment(Config):
    """A column of dates or times and its strptime format, e.g. `%d/%m/%Y`."""

    column: str
    format: str
    timezone: str | None = Field(default=None, description="IANA zone; by default that of the mapping")

    @field_validator("format")
    @classmethod
    def _no_offset(cls, value: str) -> str:
        if "%z" in value or "%Z" in value:
            raise ValueError("formats have no zone: write Z as a letter and say timezone: UTC")
        return value


class Market(Config):
    """The columns of one market: a price for each side and, in spreads and totals, the line."""

    market: BetType
    book: str | None = Field(default=None, max_length=100, description="Bookmaker, where no column says it")
    seen: Literal["open", "close", "recorded"] = "close"
    prices: dict[Selection, str] = Field(default_factory=dict)
    line: str | None = None
    fixed_line: float | None = None
    sign: Sign | None = None
    favourite: str | None = Field(default=None, description="Column that says home or away")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wrong = [side.value for side in self.prices if side not in SIDES[self.market]]
        if wrong:
            raise ValueError(f"a {self.market} market has no side {', '.join(wrong)}")
        lines = (self.line is not None) + (self.fixed_line is not None)
        if lines != (self.market is not BetType.MONEYLINE):
            raise ValueError("spreads and totals need line (a column) or fixed_line, moneylines neither")
        if (self.market is BetType.SPREAD) != (self.sign is not None):
            raise ValueError("spreads, and only they, need sign: home_handicap, home_favoured_by or unsigned")
        if (self.sign == "unsigned") != (self.favourite is not None):
            raise ValueError("an unsigned spread, and only that, needs favourite (a column)")
        if not self.prices and self.seen != "close":
            raise ValueError("a line without prices is only kept at the close")
        if not self.prices and self.market is BetType.MONEYLINE:
            raise ValueError("a moneyline needs prices")
        return self

    @property
    def columns(self) -> Iterator[str]:
        """Yield the columns the market reads."""
        yield from self.prices.values()
        yield from (column for column in (self.line, self.favourite) if column is not None)


class Mapping(Config):
    """What one table means: one row a game, or a game's row repeated for each book or time."""

    sport: str = Field(max_length=10)
    source: str = Field(max_length=100)
    timezone: str = Field(description="IANA zone of dates and times")
    sport_timezone: str | None = Field(default=None, description="Zone whose days name games; by default timezone")
    date: Moment
    time: Moment | None = None
    usual_time: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    season: str | None = Field(default=None, description="Column of the season's year")
    season_starts_month: int | None = Field(default=None, ge=1, le=12)
    week: str | None = None
    home: str
    away: str
    home_score: str | None = None
    away_score: str | None = None
    neutral_site: str | None = Field(default=None, description="Column of 1 (neutral) and 0")
    book_column: str | None = None
    recorded_at: Moment | None = None
    odds: Literal["american", "decimal"]
    opening_hours: float = Field(default=144.0, gt=0, description="How long before kick-off opening prices were seen")
    markets: tuple[Market, ...]

    @field_validator("timezone", "sport_timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"no IANA time zone: {value!r}") from error
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not any(year in self.date.format for year in ("%Y", "%y")):
            raise ValueError("the date's format has no year (%Y or %y)")
        timed = self.time is not None or any(hour in self.date.format for hour in HOURS)
        if not timed and self.usual_time is None:
            raise ValueError("without a time, usual_time (such as 13:00) says when games start")
        if (self.season is None) == (self.season_starts_month is None):
            raise ValueError("either season (a column) or season_starts_month is needed")
        if (self.home_score is None) != (self.away_score is None):
            raise ValueError("home_score and away_score go together")
        if any(market.seen == "recorded" for market in self.markets) and self.recorded_at is None:
            raise ValueError("markets that are seen when recorded need recorded_at")
        if any(market.book is None for market in self.markets) and self.book_column is None:
            raise ValueError("each market needs its book, or the mapping a book_column")
        return self

    @property
    def repeats_games(self) -> bool:
        """Return whether one game may have several rows (books or times)."""
        return self.book_column is not None or self.recorded_at is not None

    @property
    def columns(self) -> list[str]:
        """Return every column the mapping reads, each once."""
        plain = (self.home, self.away, self.home_score, self.away_score, self.season, self.week, self.neutral_site)
        moments = (moment.column for moment in (self.date, self.time, self.recorded_at) if moment is not None)
        named = (column for column in (*plain, self.book_column) if column is not None)
        return list(dict.fromkeys([*moments, *named, *(c for market in self.markets for c in market.columns)]))


def load_mapping(content: bytes | str, *, name: str) -> Mapping:
    """Return the mapping in YAML `content`; raise UsageError naming the key that is wrong or still a `?`."""
    try:
        told = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(told, dict):
        raise UsageError(f"{name}: expected a mapping at the top, found {type(told).__name__}")
    return mapping_of(told, name=name)


def mapping_of(told: dict[str, Any], *, name: str) -> Mapping:
    """Return the mapping that plain values describe; raise UsageError as `load_mapping` does."""
    for key, value in _leaves(told, ""):
        if isinstance(value, str) and value.startswith(UNKNOWN):
            raise UsageError(f"{name}, key {key}: still to be filled in ({value})")
    try:
        return Mapping.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "(whole)"
        raise UsageError(f"{name}, key {place}: {first['msg']}") from error


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{key}.{place}")
    else:
        yield key, value
