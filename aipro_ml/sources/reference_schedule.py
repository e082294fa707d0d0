"""Schedules with results as the Sports Reference sites list them: one row a game, times Eastern, names twice used."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import GAME_COLUMNS, UTC_TIME, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.dated import Fixtures, League, dated_games
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.read import read_csv, text_of, unpack


@dataclass(frozen=True)
class Clock:
    """How a site writes when a game begins.

    The column, the pattern of its whole text, an example, what completes it (the m of pm), the form of day and time.
    """

    column: str
    pattern: str
    example: str
    added: str
    form: str


@dataclass(frozen=True)
class Layout:
    """One site's schedule.

    League, source and site; how its header begins, and the same with a name of its own for each column; the columns
    read; and its clock.
    """

    league: League
    source: str
    site: str
    header: str
    named: str
    fields: tuple[str, ...]
    clock: Clock


def read_schedule(
    data: bytes,
    layout: Layout,
    fixtures: Callable[[pd.DataFrame, FindingLog], Fixtures],
    *,
    name: str,
    known_from: datetime | None,
) -> SourceBatch:
    """Return the games of the file `data` (plain or gzip); bad rows become findings.

    `fixtures` says what a row means. Raises DataFileError where the file cannot be read at all.
    """
    table = read_csv(_renamed(data, layout, name), name=name, columns=layout.fields)
    rows, league = table.frame, layout.league
    log = FindingLog(name, rows["line_number"], table.findings)
    games = _with_times(dated_games(fixtures(rows, log), league, log), rows, layout, log)
    games = games.loc[~log.rejected.loc[games.index]]
    return SourceBatch(
        sport=league.sport,
        source=layout.source,
        teams=franchises(league.sport).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def _renamed(data: bytes, layout: Layout, name: str) -> bytes:
    """Return the file with a name of its own for each column."""
    text = text_of(unpack(data, name=name), name=name)
    header, _, rest = text.lstrip("\r\n").partition("\n")
    if not header.strip():
        raise DataFileError("the file is empty", file=name)
    if not header.startswith(layout.header):
        said = f"no schedule of {layout.site}: its header begins {layout.header}"
        raise DataFileError(said, file=name, line=1)
    blank = len(text) - len(text.lstrip("\r\n"))
    return (text[:blank] + header.replace(layout.header, layout.named, 1) + "\n" + rest).encode()


def _with_times(games: pd.DataFrame, rows: pd.DataFrame, layout: Layout, log: FindingLog) -> pd.DataFrame:
    """Return the games at the Eastern time the file says; a missing one stays estimated."""
    clock, league = layout.clock, layout.league
    text = rows[clock.column].loc[games.index]
    there = text.str.fullmatch(clock.pattern).fillna(False).astype(bool)
    said = rows["Date"].loc[games.index] + " " + text.where(there) + clock.added
    wall = pd.to_datetime(said, format=clock.form, errors="coerce").astype("datetime64[us]")
    kickoff = wall.dt.tz_localize(league.zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC").astype(UTC_TIME)
    wrong = text.notna() & kickoff.isna()
    log.reject(wrong, text, "game_time", f"no Eastern time of that day like {clock.example}")
    missing = f"no time: {league.usual_kickoff} Eastern is assumed"
    log.flag(text.isna(), text, "time_missing", missing, Severity.WARNING)
    return games.assign(kickoff=kickoff.fillna(games["kickoff"]), kickoff_estimated=kickoff.isna())
