"""Values of options that Typer has no type for."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from aipro_ml.errors import UsageError
from aipro_ml.times import parse_utc

if TYPE_CHECKING:
    from aipro_ml.jobs.executor import ExecutorChoice


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
