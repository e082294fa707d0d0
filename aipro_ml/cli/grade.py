"""`aipro grade`: how predictions ended."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.cli.values import parse_moment

if TYPE_CHECKING:
    from aipro_ml.jobs.grade import GradeReport

app = typer.Typer(help="Grade predictions on the line and price they took.", no_args_is_help=True)

SportCode = Annotated[str, typer.Option(help="Sport code.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("run")
def run(context: typer.Context, sport: SportCode, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Grade every prediction whose game is final; a correction regrades and keeps the old grade."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.grade import grade_sport

    with opened(settings(context)) as engine:
        report = grade_sport(engine, sport, datetime.now(UTC), dry_run=dry_run)
    _print_counts(report, "dry run" if dry_run else "grades", as_json=as_json)


@app.command("pending")
def pending_command(
    context: typer.Context,
    sport: SportCode,
    limit: Annotated[int, typer.Option(min=1, help="Show the first so many, by kick-off.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the predictions without a grade: pending, void or ungradeable, and why."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.regrade import pending

    with opened(settings(context)) as engine:
        found = pending(engine, sport, datetime.now(UTC))
    table(found.rows[:limit], title=f"{sport}: without a grade", as_json=as_json)
    if as_json:
        return
    if len(found.rows) > limit:
        say(f"{len(found.rows) - limit} more: --limit {len(found.rows)} shows all")
    _print_sum(found.report)


@app.command("regrade")
def regrade_command(
    context: typer.Context,
    sport: SportCode,
    game: Annotated[
        str | None, typer.Option(help="Beginning of a game's id, or day and teams as in '2022-09-11 BAL@NYJ'.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="UTC time: games that kick off from then on.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Grade a game, or the games since a time, again; show every grade that was replaced, before and after."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.regrade import regrade

    with opened(settings(context)) as engine:
        found = regrade(engine, sport, datetime.now(UTC), (game, parse_moment(since)), dry_run=dry_run)
    table(found.history, title=f"{sport}: grades replaced", as_json=as_json)
    if not as_json:
        _print_counts(found.report, "dry run" if dry_run else "grades of these games", as_json=False)


def _print_counts(report: "GradeReport", title: str, *, as_json: bool) -> None:
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
    table([facts], title=title, as_json=as_json)
    if not as_json:
        _print_sum(report)


def _print_sum(report: "GradeReport") -> None:
    """Print that every prediction stands somewhere; the job that counted them has refused anything else."""
    say(f"graded + pending + void + ungradeable = {report.accounting.total}")
