"""`aipro grade`: how predictions ended."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table

app = typer.Typer(help="Grade predictions on the line and price they took.", no_args_is_help=True)


@app.command("run")
def run(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Grade every prediction whose game is final; a correction regrades and keeps the old grade."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.grade import grade_sport

    with opened(settings(context)) as engine:
        report = grade_sport(engine, sport, datetime.now(UTC), dry_run=dry_run)
    count = report.accounting
    facts = {
        "predictions": count.total,
        "graded": count.graded,
        "pending": count.pending,
        "void": count.void,
        "ungradeable": count.ungradeable,
        "written": report.inserted,
        "regraded": report.regraded,
    }
    table([facts], title="dry run" if dry_run else "grades", as_json=as_json)
    if not as_json:
        say(f"graded + pending + void + ungradeable = {count.total}")
