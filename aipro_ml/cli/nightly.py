"""`aipro nightly`: the whole night, or what is left of it."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table, warn
from aipro_ml.cli.values import parse_moment

if TYPE_CHECKING:
    from aipro_ml.jobs.nightly import StepReport


def nightly(
    context: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option(help="UTC time of the night's decision, or now; default: the latest slot of the schedule."),
    ] = None,
    sport: Annotated[list[str] | None, typer.Option(help="Only this sport; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Import, derive, build, predict, grade, measure, refresh, check, alert; again, it finishes what is left."""
    from aipro_ml.jobs.nightly import NightRequest, run_night
    from aipro_ml.jobs.schedule import night_at

    chosen = settings(context)
    now = datetime.now(UTC)
    moment = None if as_of in (None, "now") else parse_moment(as_of)
    moment = moment or night_at(chosen, now, begin_now=as_of == "now")
    request = NightRequest(moment, lambda: datetime.now(UTC), tuple(sport or ()), _wait, _tell)
    report = run_night(chosen, request)
    if report.busy:
        say("another process is running a night: nothing to do here")
        return
    table([step.row for step in report.steps], title=f"night of {moment:%Y-%m-%d %H:%M} UTC", as_json=as_json)
    if not as_json:
        say(f"{len(report.steps)} steps, {report.written} rows written, {len(report.failures)} failed")
    if report.failures:
        raise typer.Exit(max(step.exit_code for step in report.failures))


def _wait(moment: datetime) -> None:
    """Sleep until the moment has come."""
    warn(f"imported; the night decides at {moment:%H:%M:%S} UTC, waiting for it")
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 30))


def _tell(step: "StepReport") -> None:
    warn(f"{step.step} {step.sport}: {step.state}, {step.says}")
