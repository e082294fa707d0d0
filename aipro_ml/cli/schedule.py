"""`aipro schedule`: what runs by the clock."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table, warn
from aipro_ml.cli.values import parse_moment

if TYPE_CHECKING:
    from aipro_ml.jobs.schedule import TaskReport

app = typer.Typer(help="Scheduled tasks: list, run what is due, switch on and off.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
Name = Annotated[str, typer.Argument(help="A task's name, such as nightly or retrain:NFL.")]


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List every task, when it is due next, when it ran last and how that ended."""
    from aipro_ml.jobs.schedule import list_tasks

    table(list_tasks(settings(context), datetime.now(UTC)), title="scheduled tasks", as_json=as_json)


@app.command("run-due")
def run_due_command(
    context: typer.Context,
    now: Annotated[str | None, typer.Option(help="UTC time instead of the clock's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run each task that is due, once however often it was missed; call it every minute."""
    from aipro_ml.jobs.schedule import DueRequest, run_due
    from aipro_ml.jobs.schedule_acts import ACTS

    moment = parse_moment(now)
    clock = (lambda: datetime.now(UTC)) if moment is None else (lambda: moment)
    reports = run_due(settings(context), DueRequest(clock, ACTS, _wait, _tell))
    if reports or as_json:
        table([report.row for report in reports], title="tasks that were due", as_json=as_json)
    else:
        say("nothing is due")
    if any(report.state == "failed" for report in reports):
        raise typer.Exit(1)


@app.command("enable")
def enable(context: typer.Context, task: Name) -> None:
    """Switch a task on; what it missed is not made up."""
    from aipro_ml.jobs.schedule import switch_task

    found = switch_task(settings(context), task, datetime.now(UTC), on=True)
    say(f"{task} is on, due next at {found.next_run:%Y-%m-%d %H:%M} UTC")


@app.command("disable")
def disable(context: typer.Context, task: Name) -> None:
    """Switch a task off."""
    from aipro_ml.jobs.schedule import switch_task

    switch_task(settings(context), task, datetime.now(UTC), on=False)
    say(f"{task} is off")


@app.command("add")
def add(
    context: typer.Context,
    task: Name,
    cron: Annotated[
        str, typer.Argument(help='When: "minute hour day month weekday", before it CRON_TZ=ZONE if need be.')
    ],
) -> None:
    """Add a task of one sport, in that sport's time zone, or change its time."""
    from aipro_ml.jobs.schedule import add_task

    found = add_task(settings(context), task, cron, datetime.now(UTC))
    say(f"{task} is due next at {found.next_run:%Y-%m-%d %H:%M} UTC")


@app.command("remove")
def remove(context: typer.Context, task: Name) -> None:
    """Remove a task that was added."""
    from aipro_ml.jobs.schedule import remove_task

    remove_task(settings(context), task)
    say(f"{task} is removed")


def _wait(moment: datetime) -> None:
    """Sleep until the moment has come."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 30))


def _tell(report: "TaskReport") -> None:
    warn(f"{report.name}: {report.state}, {report.says}")
