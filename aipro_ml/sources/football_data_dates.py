"""The days and times of football-data.co.uk: day-first dates, the UK clock, and dates a spreadsheet mangled."""

import re
from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.base import UTC_TIME
from aipro_ml.sources.checks import FindingLog

UK = ZoneInfo("Europe/London")
FORMS = {r"\d\d?/\d\d?/\d\d": "%d/%m/%y", r"\d\d?/\d\d?/(?:19|20)\d\d": "%d/%m/%Y"}
MANGLED = re.compile(r"(?:19|20)(\d\d)/(\d\d?)/(\d\d?)", re.ASCII)
"""14/08/04 opened by a spreadsheet as a year, month and day, and written back as 2014/8/4."""

SEASON_STARTS_MONTH = 8
"""July still belongs to the season before: 2019/20 ended on 26 July."""

CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d"
COLLECTED_AT = pd.Timedelta(hours=15)
"""Prices are collected on Friday (weekend) and Tuesday (midweek) afternoons, UK clock."""

DAYS_SINCE_COLLECTED = (3, 0, 1, 2, 0, 1, 2)
"""Days back from Monday … Sunday to the last Tuesday or Friday."""

DAYS_BETWEEN = {1: 4, 4: 3}
"""Days from a Tuesday (1) or Friday (4) back to the collection before it."""


def season_in(name: str) -> int | None:
    """Return the first year of the season that a file's path names (`E0_0405.csv.gz`, `0405/E0.csv`), or None."""
    for first, second in re.findall(r"(?<![0-9])(\d\d)(\d\d)(?![0-9])", name, flags=re.ASCII):
        if (int(first) + 1) % 100 == int(second):
            return int(first) + (1900 if int(first) >= 70 else 2000)
    return None


def days(text: pd.Series, log: FindingLog) -> pd.Series:
    """Return the day of each date, NaT (and the row rejected) where it is none."""
    plain = text.fillna("").map(_unmangled).astype("string")
    day = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    for pattern, form in FORMS.items():
        fits = plain.where(plain.str.fullmatch(pattern, flags=re.ASCII).fillna(False).astype(bool))
        day = day.fillna(pd.to_datetime(fits, format=form, errors="coerce").astype("datetime64[us]"))
    log.reject(day.isna(), text, "game_date", "no date like 14/08/2004 (day first)")
    mangled = plain.ne(text).fillna(False).astype(bool) & day.notna()
    first = mangled & ~mangled.duplicated()
    said = f"a spreadsheet mangled {int(mangled.sum())} dates of this file: 2014/8/4 is read as 14/08/04"
    log.flag(first, text, "mangled_date", said, Severity.WARNING)
    return day


def _unmangled(text: str) -> str:
    found = MANGLED.fullmatch(text)
    return f"{found[1]}/{found[2]}/{found[3].zfill(2)}" if found else text


def seasons_of(day: pd.Series) -> pd.Series:
    """Return the first year of the season each day lies in, as Int64."""
    return (day - pd.DateOffset(months=SEASON_STARTS_MONTH - 1)).dt.year.astype("Int64")


def kickoffs(
    day: pd.Series, clock: pd.Series, usual: tuple[ZoneInfo, str, str], log: FindingLog
) -> tuple[pd.Series, pd.Series]:
    """Return kick-offs in UTC and which are estimated.

    `clock` is the UK clock for every country; where it is missing, `usual` says the league's own zone and its
    usual time from Monday to Friday and at the weekend.
    """
    zone, weekday_time, weekend_time = usual
    known = _at(day, clock, UK)
    estimated = clock.isna()
    guess = pd.Series(weekday_time, index=day.index, dtype="string").mask(day.dt.dayofweek >= 5, weekend_time)
    kickoff = known.where(~estimated, _at(day, guess, zone))
    timeless = day.notna() & kickoff.isna()
    log.reject(timeless, clock, "game_time", "no UK time of that day like 15:00")
    return kickoff, estimated


def _at(day: pd.Series, clock: pd.Series, zone: ZoneInfo) -> pd.Series:
    good = clock.where(clock.str.fullmatch(CLOCK, flags=re.ASCII).fillna(False).astype(bool))
    wall = day + pd.to_timedelta(good.astype(object) + ":00", errors="coerce").astype("timedelta64[us]")
    # A time the clocks skip or show twice is no kick-off
    return wall.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC").astype(UTC_TIME)


def collected(kickoff: pd.Series, latest: pd.Series) -> pd.Series:
    """Return when prices before a kick-off were collected: the last Tuesday or Friday 15:00 UK before `latest`."""
    local = kickoff.dt.tz_convert(UK).dt.tz_localize(None).dt.normalize()
    back = local.dt.dayofweek.map(dict(enumerate(DAYS_SINCE_COLLECTED)))
    day = local - pd.to_timedelta(back, unit="D")
    early = _collection(day)
    before = _collection(day - pd.to_timedelta(day.dt.dayofweek.map(DAYS_BETWEEN), unit="D"))
    return early.where(early < latest, before)


def _collection(day: pd.Series) -> pd.Series:
    return (day + COLLECTED_AT).dt.tz_localize(UK).dt.tz_convert("UTC").astype(UTC_TIME)
