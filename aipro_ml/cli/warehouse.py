"""`aipro warehouse`: dimensions and facts for reports."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.cli.values import parse_moment

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


@app.command("query")
def query(
    context: typer.Context,
    question: Annotated[str | None, typer.Argument(help="Its name; without one, the questions there are.")] = None,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
    since: Annotated[str | None, typer.Option(help="UTC time: only games that kick off from then on.")] = None,
    until: Annotated[str | None, typer.Option(help="UTC time: only games that kick off before it.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the answer to this CSV file.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write it to this Parquet file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Answer a ready question: money and closing line value by tier, sport, book, month …; calibration by bin."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.warehouse_questions import Asked, ask, list_questions, write_answer

    if question is None:
        table(list_questions(), title="questions", as_json=as_json)
        return
    asked = Asked(sport, parse_moment(since), parse_moment(until))
    with opened(settings(context)) as engine:
        answer = ask(engine, question, asked)
    if answer.behind:
        warn(f"the warehouse is behind the grades of {', '.join(answer.behind)}: run `aipro warehouse refresh`")
    if csv is not None:
        write_answer(answer, csv, "csv")
        say(f"{len(answer.table)} rows to {csv}")
    if parquet is not None:
        write_answer(answer, parquet, "parquet")
        say(f"{len(answer.table)} rows to {parquet}")
    if csv is None and parquet is None:
        rows = [{str(name): value for name, value in row.items()} for row in answer.table.to_dict("records")]
        table(rows, title=question, as_json=as_json)
