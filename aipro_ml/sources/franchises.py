"""Franchises and stadiums that no source describes fully: reviewed files under `configs/teams` and `configs/venues`."""

import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from difflib import get_close_matches
from functools import cache, cached_property
from typing import TypeVar

import pandas as pd
from pydantic import ValidationError

from aipro_ml import resources
from aipro_ml.config import Config
from aipro_ml.errors import UsageError
from aipro_ml.sources.base import TEAM_COLUMNS, UTC_TIME, VENUE_COLUMNS, conform

LAST_SEASON = 9999


class Alias(Config):
    """A code the franchise had in the seasons `first` to `last`."""

    code: str
    first: int
    last: int
    name: str


class Alignment(Config):
    """Where a franchise stood in the seasons `first` to `last`."""

    conference: str
    division: str
    first: int
    last: int


class Franchise(Config):
    """A team under today's code; `spellings` are further names sources give it, in any season.

    `earlier`: the seasons in which it did not stand where it does today.
    """

    name: str
    city: str
    conference: str
    division: str
    earlier: tuple[Alignment, ...] = ()
    aliases: tuple[Alias, ...] = ()
    spellings: tuple[str, ...] = ()


class Home(Config):
    """Whose home ground a stadium is in the seasons `first` to `last`."""

    team: str
    first: int = 0
    last: int = 9999


class Surface(Config):
    """What a stadium was played on before the day `until`."""

    surface_type: str
    until: date


class Venue(Config):
    """A stadium; `is_dome` means a fixed roof, `timezone` is an IANA name, coordinates are degrees.

    `earlier`: the surfaces before today's, the oldest first.
    """

    name: str
    city: str
    state: str | None = None
    country: str
    surface_type: str
    earlier: tuple[Surface, ...] = ()
    is_dome: bool
    timezone: str
    latitude: float
    longitude: float
    home_of: tuple[Home, ...] = ()


class Franchises(Config):
    """All franchises of a sport, by today's code; from the season `aligned_since` on it is known where they stood."""

    teams: dict[str, Franchise]
    aligned_since: int | None = None

    def resolve(self, code: str, season: int) -> str | None:
        """Return the franchise that `code` names in `season`, or None; today's codes hold in every season."""
        if code in self.teams:
            return code
        return next(
            (today for today, alias in self._aliases.get(code, ()) if alias.first <= season <= alias.last), None
        )

    def find(self, text: str, season: int) -> str | None:
        """Return the one franchise that a name, spelling or code names in `season`, or None.

        Letter case, accents, spaces and punctuation do not matter. A name borne in those very seasons (an alias)
        goes before today's names; what two franchises share names neither.
        """
        wanted = folded(text)
        then = {today for today, first, last in self._names_then.get(wanted, ()) if first <= season <= last}
        found = then or self._names_now.get(wanted, set())
        return next(iter(found)) if len(found) == 1 else None

    def resolve_all(self, codes: pd.Series, seasons: pd.Series) -> pd.Series:
        """Return the franchise of each (code, season) as string, NA where either is unknown."""
        return _each(self.resolve, codes, seasons)

    def find_all(self, names: pd.Series, seasons: pd.Series) -> pd.Series:
        """Return the franchise of each (name, season) as string, NA where `find` knows none."""
        return _each(self.find, names, seasons)

    def nearest(self, code: str) -> tuple[str, ...]:
        """Return up to three of today's codes that an unknown `code` may mean, likeliest first."""
        wanted = code.strip().upper()
        exact = [today for today, _ in self._aliases.get(wanted, ())]
        spellings = [*exact, *get_close_matches(wanted, self._spellings, n=6, cutoff=0.5)]
        return tuple(dict.fromkeys(self._spellings.get(found, found) for found in spellings))[:3]

    def frame(self) -> pd.DataFrame:
        """Return one row a franchise (TEAM_COLUMNS)."""
        rows = [
            {"team": code, "abbreviation": code, **team.model_dump(exclude={"earlier", "aliases", "spellings"})}
            for code, team in self.teams.items()
        ]
        return conform(pd.DataFrame(rows), TEAM_COLUMNS)

    def alignments(self) -> pd.DataFrame:
        """Return team, conference, division, first, last (seasons): what is dated of where the franchises stood."""
        rows = [
            {"team": code, "conference": span.conference, "division": span.division, "first": first, "last": last}
            for code, team in self.teams.items()
            for span, first, last in _spans(team, self.aligned_since)
        ]
        return pd.DataFrame(rows, columns=["team", "conference", "division", "first", "last"])

    @cached_property
    def _aliases(self) -> dict[str, list[tuple[str, Alias]]]:
        found: dict[str, list[tuple[str, Alias]]] = {}
        for today, team in self.teams.items():
            for alias in team.aliases:
                found.setdefault(alias.code, []).append((today, alias))
        return found

    @cached_property
    def _spellings(self) -> dict[str, str]:
        spelt = {
            name.upper(): today
            for today, team in self.teams.items()
            for name in (*team.spellings, today, team.name, team.city)
        }
        return spelt | {code: owners[0][0] for code, owners in self._aliases.items()}

    @cached_property
    def _names_now(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for today, team in self.teams.items():
            for name in (today, team.name, *team.spellings):
                found.setdefault(folded(name), set()).add(today)
        return found

    @cached_property
    def _names_then(self) -> dict[str, list[tuple[str, int, int]]]:
        found: dict[str, list[tuple[str, int, int]]] = {}
        for today, team in self.teams.items():
            for alias in team.aliases:
                for name in (alias.code, alias.name):
                    found.setdefault(folded(name), []).append((today, alias.first, alias.last))
        return found


class Venues(Config):
    """All stadiums known of a sport, by their canonical identity; their roofs and surfaces hold `dated_since` a day."""

    venues: dict[str, Venue]
    dated_since: date | None = None

    def frame(self) -> pd.DataFrame:
        """Return one row a stadium (VENUE_COLUMNS)."""
        rows = [
            {"venue": code, **venue.model_dump(exclude={"home_of", "earlier"})} for code, venue in self.venues.items()
        ]
        return conform(pd.DataFrame(rows), VENUE_COLUMNS)

    def grounds(self) -> pd.DataFrame:
        """Return venue, is_dome, surface_type and since (UTC midnight): what is dated of roofs and surfaces."""
        rows = []
        for code, venue in self.venues.items() if self.dated_since else ():
            surfaces = [one.surface_type for one in venue.earlier] + [venue.surface_type]
            starts = [self.dated_since, *(one.until for one in venue.earlier)]
            rows += [(code, venue.is_dome, *each) for each in zip(surfaces, starts, strict=True)]
        table = pd.DataFrame(rows, columns=["venue", "is_dome", "surface_type", "since"])
        return table.assign(since=pd.to_datetime(table["since"], utc=True).astype(UTC_TIME))

    def home(self, team: str, season: int) -> str | None:
        """Return the stadium configured as the home of `team` in `season`, or None."""
        homes = self._homes.get(team, ())
        return next((code for code, home in homes if home.first <= season <= home.last), None)

    @cached_property
    def _homes(self) -> dict[str, list[tuple[str, Home]]]:
        found: dict[str, list[tuple[str, Home]]] = {}
        for code, venue in self.venues.items():
            for home in venue.home_of:
                found.setdefault(home.team, []).append((code, home))
        return found


def _spans(team: Franchise, since: int | None) -> Iterator[tuple[Alignment | Franchise, int, int]]:
    """Yield the dated alignments of a franchise with their first and last seasons."""
    if since is None:
        return
    yield from ((span, max(span.first, since), span.last) for span in team.earlier)
    yield team, max([since, *(span.last + 1 for span in team.earlier)]), LAST_SEASON


def folded(text: str) -> str:
    """Return what is left of a name without letter case, accents, spaces and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in plain if char.isalnum())


def _each(know: Callable[[str, int], str | None], names: pd.Series, seasons: pd.Series) -> pd.Series:
    pairs = pd.Series(list(zip(names.fillna(""), seasons.fillna(0), strict=True)), index=names.index, dtype=object)
    known = {pair: know(pair[0], int(pair[1])) for pair in pairs.unique()}
    return pairs.map(known).astype("string")


M = TypeVar("M", bound=Config)


def _shipped(kind: type[M], folder: str, sport: str) -> M:
    path = resources.configs_dir() / folder / f"{sport.lower()}.yaml"
    try:
        return kind.model_validate(resources.load_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}, key {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@cache
def franchises(sport: str) -> Franchises:
    """Return the franchises of `sport` (its code, any letter case)."""
    return _shipped(Franchises, "teams", sport)


@cache
def venues(sport: str) -> Venues:
    """Return the stadiums of `sport` (its code, any letter case)."""
    return _shipped(Venues, "venues", sport)
