"""`aipro doctor`: whether everything holds that must."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Hold every invariant against the live database; exit code 1 where one is broken."""
    from aipro_ml.jobs.doctor import examine

    with progress("doctor") as tick:
        found = examine(settings(context), datetime.now(UTC), tick)
    table([finding.row for finding in found], title="invariants", as_json=as_json)
    broken = sum(not finding.holds for finding in found)
    if not as_json:
        say(f"{len(found)} invariants, {broken} broken")
    if broken:
        raise typer.Exit(1)
