"""`aipro perf`: performance of models by day and in sum."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table

app = typer.Typer(help="Performance of published predictions.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("daily")
def daily(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    backfilled: Annotated[bool, typer.Option("--backfilled", help="Count back-filled predictions too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write `model_performance` per model and day; print the summary by bet type and tier."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.performance import update_performance

    with opened(settings(context)) as engine:
        report = update_performance(engine, sport, datetime.now(UTC), backfilled=backfilled, dry_run=dry_run)
    rows = [{str(k): v for k, v in row.items()} for row in report.summary.to_dict("records")]
    table(rows, title=f"{sport}: by bet type and tier", as_json=as_json)
    if not as_json:
        say(f"model_performance: {report.inserted} days written, {report.updated} updated")


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    limit: Annotated[int, typer.Option(min=1)] = 30,
    as_json: AsJson = False,
) -> None:
    """List the latest stored days."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.performance import list_days

    with opened(settings(context)) as engine:
        rows = list_days(engine, sport, limit)
    table(rows, title=f"{sport}: model performance by day", as_json=as_json)
