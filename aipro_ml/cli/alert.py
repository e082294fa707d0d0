"""`aipro alert`: what a person should look at, and who did."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table

app = typer.Typer(help="Alerts: list and acknowledge them, send those still waiting.", no_args_is_help=True)


@app.command("list")
def list_command(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="The acknowledged ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """List the alerts nobody acknowledged yet, newest first."""
    from aipro_ml.jobs.alerts import list_alerts
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        rows = list_alerts(engine, limit, acknowledged=every)
    table(rows, title="alerts", as_json=as_json)


@app.command("ack")
def ack(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help="An alert's id, or how it begins.")],
    by: Annotated[str, typer.Option("--by", help="Who: the e-mail address or id of a user.")],
) -> None:
    """Acknowledge an alert; the same again is a new one."""
    from aipro_ml.jobs.alerts import acknowledge
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        done = acknowledge(engine, alert, by, datetime.now(UTC))
    say(f"acknowledged by {by}: {done.message}")


@app.command("send")
def send(context: typer.Context) -> None:
    """Send what has not gone out yet by webhook and e-mail (AIPRO_ALERT_WEBHOOK, AIPRO_ALERT_EMAIL_TO, admins)."""
    from aipro_ml.errors import AiproError
    from aipro_ml.jobs.alerts import channels as channels_of
    from aipro_ml.jobs.alerts import send_open
    from aipro_ml.jobs.database import opened

    chosen = settings(context)
    with opened(chosen) as engine:
        channels = ", ".join(channels_of(engine, chosen))
        failed = send_open(engine, chosen, datetime.now(UTC))
    if failed:
        raise AiproError(f"not sent: {'; '.join(failed)}; they stay open and are sent the next time")
    say(f"every open alert was sent by {channels}" if channels else "no channel is configured")
