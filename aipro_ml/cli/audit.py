"""`aipro audit`: who did what."""

import json
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import table
from aipro_ml.cli.values import parse_moment

app = typer.Typer(help="The audit log: who did what, and when.", no_args_is_help=True)


@app.command("list")
def list_command(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Acts of this user, by e-mail address, and on the account.")] = None,
    action: Annotated[str | None, typer.Option(help="How the action begins, such as login or bank.")] = None,
    since: Annotated[str | None, typer.Option(help="From this UTC time on.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """List acts, the newest first."""
    from aipro_ml.jobs.audit import list_acts
    from aipro_ml.jobs.database import opened

    moment = parse_moment(since)
    with opened(settings(context)) as engine:
        rows = list_acts(engine, user, action, moment, limit)
    if not as_json:
        rows = [{**row, "resource_id": row["resource_id"][:12], "details": _short(row["details"])} for row in rows]
    table(rows, title="acts", as_json=as_json)


def _short(details: object) -> str:
    text = json.dumps(details, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
