"""Values of options that Typer has no type for."""

from datetime import date, datetime

from aipro_ml.errors import UsageError
from aipro_ml.times import parse_utc


def parse_day(text: str | None) -> date | None:
    """Return the calendar day, None for None; UsageError where it is none."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError as error:
        raise UsageError(f"{text!r} is no day: write it as YYYY-MM-DD") from error


def parse_moment(text: str | None) -> datetime | None:
    """Return the UTC time, None for None; UsageError where it is none or has no time zone."""
    if text is None:
        return None
    try:
        return parse_utc(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no UTC time: write it as 2022-09-11T16:59:00Z ({error})") from error
