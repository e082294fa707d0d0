"""`aipro warehouse`: dimensions and facts for reports."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say

app = typer.Typer(help="The warehouse: tables for reports, derived from the others.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Derive the tables for reports from the others."""


@app.command("refresh")
def refresh_command(
    context: typer.Context,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Empty the tables and derive everything anew.")] = False,
) -> None:
    """Bring dimensions and graded bets to what the other tables say; only what changed is written."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.warehouse import refresh

    with opened(settings(context)) as engine, progress("warehouse") as tick:
        count = refresh(engine, datetime.now(UTC), rebuild=rebuild, on_step=tick)
    say(f"{count.written} rows written: {count.says}")
