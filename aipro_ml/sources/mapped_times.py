"""Times of a mapped table: wall clocks of any format and zone to UTC."""

import pandas as pd

from aipro_ml.sources.base import UTC_TIME
from aipro_ml.sources.checks import FindingLog
from aipro_ml.sources.mapping import HOURS, Mapping, Moment

FIRST_YEAR, LAST_YEAR = 1900, 2100


def moments(text: pd.Series, moment: Moment, zone: str) -> pd.Series:
    """Return the UTC time of each cell, NaT where it is none, or one that the clocks skip or show twice."""
    plain = text.where(text.str.fullmatch(r"[ -~]{1,60}").fillna(False).astype(bool))
    wall = pd.to_datetime(plain, format=moment.format, errors="coerce")
    wall = wall.where(wall.dt.year.between(FIRST_YEAR, LAST_YEAR)).astype("datetime64[us]")
    local = wall.dt.tz_localize(moment.timezone or zone, ambiguous="NaT", nonexistent="NaT")
    return local.dt.tz_convert("UTC").astype(UTC_TIME)


def kickoffs(rows: pd.DataFrame, mapping: Mapping, log: FindingLog) -> tuple[pd.Series, pd.Series]:
    """Return kick-offs in UTC and which are estimated from the day alone."""
    day, form = rows[mapping.date.column], mapping.date.format
    noon = moments(day + " 12:00", Moment(column="", format=f"{form} %H:%M"), mapping.timezone)
    if any(hour in form for hour in HOURS):
        noon = moments(day, mapping.date, mapping.timezone)
        log.reject(noon.isna(), day, "game_date", f"no time of the format {form}")
        return noon, pd.Series(False, index=rows.index)
    log.reject(noon.isna(), day, "game_date", f"no date of the format {form}")
    usual = Moment(column="", format=f"{form} %H:%M", timezone=mapping.date.timezone)
    guess = moments(day + " " + (mapping.usual_time or "12:00"), usual, mapping.timezone)
    if mapping.time is None:
        return guess, pd.Series(True, index=rows.index)
    clock = rows[mapping.time.column]
    timed = Moment(column="", format=f"{form} {mapping.time.format}", timezone=mapping.time.timezone)
    known = moments(day + " " + clock, timed, mapping.timezone)
    estimated = clock.isna() & (mapping.usual_time is not None)
    said = f"no time of that day of the format {mapping.time.format}"
    log.reject(noon.notna() & known.isna() & ~estimated, clock, "game_time", said)
    return known.where(~estimated, guess), estimated
