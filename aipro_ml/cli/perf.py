"""`aipro perf`: performance of models by day and in sum."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.cli.values import parse_moment

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(help="Performance of published predictions.", no_args_is_help=True)

SportCode = Annotated[str, typer.Option(help="Sport code.")]
Backfilled = Annotated[bool, typer.Option("--backfilled", help="Count back-filled predictions too, apart.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]

_NARROW = ["hit_rate", "hit_low", "hit_high", "weeks"]
"""Left out of the table by tier: the report shows them."""


@app.command("daily")
def daily(
    context: typer.Context,
    sport: SportCode,
    backfilled: Backfilled = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write `model_performance` per model and day; print the summary by bet type and tier."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.performance import update_performance

    with opened(settings(context)) as engine:
        report = update_performance(engine, sport, datetime.now(UTC), backfilled=backfilled, dry_run=dry_run)
    shown = report.summary if as_json else report.summary.drop(columns=_NARROW, errors="ignore")
    table(_rows(shown), title=f"{sport}: by bet type and tier", as_json=as_json)
    if not as_json:
        say(f"model_performance: {report.inserted} days written, {report.updated} updated")


@app.command("report")
def report_command(
    context: typer.Context,
    sport: SportCode,
    html: Annotated[Path | None, typer.Option(help="Write the report with plots as this HTML file.")] = None,
    backfilled: Backfilled = False,
    since: Annotated[str | None, typer.Option(help="UTC time: only games that kick off from then on.")] = None,
    until: Annotated[str | None, typer.Option(help="UTC time: only games that kick off before it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what predictions were worth: by bet type, over trailing windows, and what is expected of open ones."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.performance_report import ReportRequest, report_performance

    request = ReportRequest(sport, datetime.now(UTC), backfilled, parse_moment(since), parse_moment(until))
    with opened(settings(context)) as engine:
        found = report_performance(engine, request, html)
    table(_rows(found.totals), title=f"{sport}: by bet type", as_json=as_json)
    table(_rows(found.windows), title=f"{sport}: trailing windows", as_json=as_json)
    table(_rows(found.open_days), title=f"{sport}: expected before results are in", as_json=as_json)
    if found.page is not None and not as_json:
        say(f"report: {found.page}")


@app.command("list")
def list_command(
    context: typer.Context,
    sport: SportCode,
    limit: Annotated[int, typer.Option(min=1)] = 30,
    as_json: AsJson = False,
) -> None:
    """List the latest stored days."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.performance import list_days

    with opened(settings(context)) as engine:
        rows = list_days(engine, sport, limit)
    table(rows, title=f"{sport}: model performance by day", as_json=as_json)


def _rows(frame: "pd.DataFrame") -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
