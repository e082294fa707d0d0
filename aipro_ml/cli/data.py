"""`aipro data`: import sources, and look at what they got wrong."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn

if TYPE_CHECKING:
    from aipro_ml.jobs.ingest import ImportReport
    from aipro_ml.sources.base import Finding

app = typer.Typer(help="Import games and odds; see what was refused.", no_args_is_help=True)
import_app = typer.Typer(help="Import one source; the same content twice writes nothing.", no_args_is_help=True)
app.add_typer(import_app, name="import")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Import nothing if any row is bad.")]


@import_app.command("nflverse")
def nflverse(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="nflverse games.csv, plain or .gz.")],
    strict: Strict = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import NFL games and closing lines in nflverse's layout."""
    from aipro_ml.jobs.importing import import_nflverse
    from aipro_ml.jobs.ingest import ImportOptions

    with progress("import") as tick:
        options = ImportOptions(datetime.now(UTC), strict=strict, dry_run=dry_run, on_step=tick)
        report = import_nflverse(settings(context), place, options)
    _show(report, dry_run=dry_run, as_json=as_json)


@import_app.command("synthetic")
def synthetic(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="The sport to imitate; data lands under SIM-<sport>.")] = "NFL",
    seasons: Annotated[int, typer.Option(min=1, max=50)] = 8,
    books: Annotated[int, typer.Option(min=1, max=20)] = 5,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import a simulated league: drifting strengths, several books, opening to closing prices."""
    from aipro_ml.jobs.importing import League, import_synthetic
    from aipro_ml.jobs.ingest import ImportOptions

    with progress("import") as tick:
        options = ImportOptions(datetime.now(UTC), dry_run=dry_run, on_step=tick)
        report = import_synthetic(settings(context), League(sport, seasons, books, seed), options)
    _show(report, dry_run=dry_run, as_json=as_json)


@app.command("sources")
def sources(as_json: AsJson = False) -> None:
    """List the sources, what they read, and what can be done with them."""
    from aipro_ml.jobs.validating import list_sources

    table(list_sources(), title="sources", as_json=as_json)


@app.command("validate")
def validate(
    source: Annotated[str, typer.Argument(help="A source; see `aipro data sources`.")],
    places: Annotated[list[str], typer.Argument(metavar="PATH_OR_URL...", help="Its file, files or folder.")],
    sport: Annotated[str | None, typer.Option(help="Sport code, where the source does not say it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a source without storing it; show what it holds and every finding by file, line, column and rule."""
    from aipro_ml.jobs.validating import validate as read_source

    counts, findings = read_source(source, places, sport)
    if as_json:
        table([counts], title="validated", as_json=True)
    else:
        table([{"what": name, "value": value} for name, value in counts.items()], title="validated (nothing stored)")
    _tell(findings)


@app.command("games")
def games(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    season: Annotated[int | None, typer.Option(help="Default: the latest.")] = None,
    week: Annotated[int | None, typer.Option()] = None,
    as_json: AsJson = False,
) -> None:
    """List the games of a season."""
    from aipro_ml.jobs.listings import list_games

    table(list_games(settings(context), sport, season, week), title=f"{sport} games", as_json=as_json)


@app.command("quality")
def quality(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1)] = 30,
    as_json: AsJson = False,
) -> None:
    """Show the latest data-quality checks."""
    from aipro_ml.jobs.importing import recent_checks

    table(recent_checks(settings(context), limit), title="data-quality checks", as_json=as_json)


def _show(report: "ImportReport", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        table([report.facts()], title="import", as_json=True)
        return
    facts = report.facts()
    shown = [{"what": name.replace("_", " "), "count": value} for name, value in facts.items() if name != "report"]
    table(shown, title="would be imported (dry run)" if dry_run else "imported")
    _tell(report.findings)
    if report.report is not None:
        say(f"every finding: {report.report}")


def _tell(findings: "tuple[Finding, ...]") -> None:
    """Show the first ten findings on standard error."""
    for finding in findings[:10]:
        warn(
            f"{finding.severity}: {finding.file}, line {finding.line}, column {finding.column}: "
            f"{finding.value!r}: {finding.message} [{finding.rule}]"
        )
    if len(findings) > 10:
        warn(f"... and {len(findings) - 10} more")
