"""Values of options that Typer has no type for."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from aipro_ml.errors import UsageError
from aipro_ml.times import parse_utc

if TYPE_CHECKING:
    from aipro_ml.jobs.executor import ExecutorChoice

_YEARS = (1800, 2199)
_LONGEST = 120
"""Characters of a wrong value that its message repeats."""


class Where(StrEnum):
    """Where work is done."""

    LOCAL = "local"
    RAY = "ray"


def executor_choice(where: Where, ray_address: str | None, workers: int | None = None) -> "ExecutorChoice":
    """Return the executor the options name; UsageError for a cluster's address without a cluster."""
    from aipro_ml.jobs.executor import ExecutorChoice

    if ray_address is not None and where is not Where.RAY:
        raise UsageError("--ray-address goes with --executor ray")
    return ExecutorChoice(where.value, workers, ray_address)


def parse_day(text: str | None) -> date | None:
    """Return the calendar day, None for None; UsageError where it is none."""
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError as error:
        raise UsageError(f"{_short(text)} is no day: write it as YYYY-MM-DD") from error
    _refuse_year(text, day)
    return day


def parse_moment(text: str | None) -> datetime | None:
    """Return the UTC time, None for None; UsageError where it is none or has no time zone."""
    if text is None:
        return None
    try:
        moment = parse_utc(text)
    except ValueError as error:
        raise UsageError(
            f"{_short(text)} is no UTC time: write it as 2022-09-11T16:59:00Z ({str(error)[:_LONGEST]})"
        ) from error
    _refuse_year(text, moment)
    return moment


def _refuse_year(text: str, day: date) -> None:
    """Refuse years no game was or will be in: nanoseconds since 1970, as frames count, end in 1677 and 2262."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise UsageError(f"{_short(text)}: give a year from {_YEARS[0]} to {_YEARS[1]}")


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
