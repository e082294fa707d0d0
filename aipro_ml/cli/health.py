"""`aipro health`: how each component is, against its limits."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import table


def health(
    context: typer.Context,
    last: Annotated[bool, typer.Option("--last", help="As it was kept last, without looking.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what is found as a snapshot.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Look at database, disk, artifacts, MLflow and each sport's quotes; exit code 1 where one is down."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.health import DOWN, last_look, look_now

    chosen, now = settings(context), datetime.now(UTC)
    with opened(chosen) as engine:
        rows = last_look(engine) if last else look_now(engine, chosen, now, keep_it=keep)
    table(rows, title="health", as_json=as_json)
    if any(row["status"] == DOWN for row in rows):
        raise typer.Exit(1)
