"""`aipro data`: import sources, and look at what they got wrong."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli import data_boxes
from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.cli.refused import raise_refused, suspicions
from aipro_ml.errors import AiproError

if TYPE_CHECKING:
    from aipro_ml.jobs.ingest import ImportReport
    from aipro_ml.sources.base import Finding

app = typer.Typer(help="Import games and odds; see what was refused.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Import nothing of a file if any row of it is bad.")]
Force = Annotated[bool, typer.Option("--force", help="Take what is left of a file marked as suspect.")]
Places = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH_OR_URL...]", help="Its files, folders or addresses.")
]
SportCode = Annotated[str | None, typer.Option("--sport", help="Sport code, where the source does not say it.")]
Season = Annotated[int | None, typer.Option(help="First year of the season, where neither file nor name says it.")]
MappingFile = Annotated[str | None, typer.Option("--mapping", help="YAML file that says what a table's columns mean.")]


@app.command("import")
def import_(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source; see `aipro data sources`. `synthetic`: an invented league.")],
    places: Places = None,
    sport: SportCode = None,
    season: Season = None,
    mapping: MappingFile = None,
    seasons: Annotated[int, typer.Option(min=1, max=50, help="synthetic: how many seasons.")] = 8,
    books: Annotated[int, typer.Option(min=1, max=20, help="synthetic: how many bookmakers.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="synthetic: the same seed gives the same league.")] = 1,
    strict: Strict = False,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import games, odds, results or box scores of a source; the same content twice writes nothing."""
    from aipro_ml.jobs.importing import League, Request, import_source, import_synthetic
    from aipro_ml.jobs.ingest import ImportOptions

    if data_boxes.is_source(source):
        data_boxes.bring(settings(context), source, places or [], strict=strict, dry_run=dry_run, as_json=as_json)
        return
    reports: list[ImportReport] = []
    refused: list[AiproError] = []
    with progress("import") as tick:
        options = ImportOptions(
            datetime.now(UTC), strict=strict, dry_run=dry_run, force=force, on_step=tick, on_refused=refused.append
        )
        if source == "synthetic":
            league = League(sport or "NFL", seasons, books, seed)
            reports = [import_synthetic(settings(context), league, options)]
        else:
            request = Request(source, tuple(places or ()), sport, season, mapping)
            try:
                import_source(settings(context), request, options, reports.append)
            except BaseException:  # an interruption too: say what landed before it
                if reports:
                    _show(reports, dry_run=dry_run, as_json=as_json)
                raise
    if reports:
        _show(reports, dry_run=dry_run, as_json=as_json)
    _end(reports, refused)


def _end(reports: "list[ImportReport]", refused: list[AiproError]) -> None:
    """Raise AiproError where a file was refused as a whole: it could not be read, or deserves no trust."""
    taken = [report for report in reports if not report.suspect]
    distrusted = [said for report in reports if report.suspect for said in suspicions(report.findings)]
    errors = [AiproError(f"{said}: nothing stored; --force takes what is left") for said in distrusted]
    findings = (finding for report in reports for finding in report.findings)
    raise_refused([*refused, *errors], findings, ", the others landed" if taken else "")


@app.command("sources")
def sources(as_json: AsJson = False) -> None:
    """List the sources, what they read, and what can be done with them."""
    from aipro_ml.jobs.validating import list_sources

    table(list_sources(), title="sources", as_json=as_json)


@app.command("validate")
def validate(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source; see `aipro data sources`.")],
    places: Annotated[list[str], typer.Argument(metavar="PATH_OR_URL...", help="Its file, files or folder.")],
    sport: SportCode = None,
    season: Season = None,
    mapping: MappingFile = None,
    as_json: AsJson = False,
) -> None:
    """Read a source without storing it; show what it holds and every finding by file, line, column and rule."""
    from aipro_ml.jobs.importing import Request
    from aipro_ml.jobs.validating import validate as read_source

    refused: list[AiproError] = []
    request = Request(source, tuple(places), sport, season, mapping)
    counts, findings = read_source(request, settings(context), refused.append)
    if len(counts) == 1 and not as_json:
        table([{"what": name, "value": value} for name, value in counts[0].items()], title="validated (nothing stored)")
    elif counts:
        table(counts, title="validated (nothing stored)", as_json=as_json)
    _tell(findings)
    for said in suspicions(findings):
        warn(f"{said}: an import stores nothing of it")
    raise_refused(refused, findings, ", the others are told above" if counts else "")


@app.command("map")
def map_(
    place: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="A table of any kind: CSV or .xlsx.")],
) -> None:
    """Propose a mapping file (YAML) for a table; `?` stands where only its owner knows."""
    from aipro_ml.jobs.mapping import propose_mapping

    say(propose_mapping(place))


@app.command("fetch")
def fetch(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    markets: Annotated[str, typer.Option(help="h2h, spreads, totals; comma between.")] = "h2h,spreads,totals",
    regions: Annotated[str, typer.Option(help="us, us2, uk, eu, au; comma between.")] = "us",
    at: Annotated[list[str] | None, typer.Option(help="UTC time of a historical snapshot; may be repeated.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would cost; fetch nothing.")] = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch odds from The Odds API (AIPRO_ODDS_API_KEY) and import them; refused where the quota does not cover it."""
    from aipro_ml.jobs.ingest import ImportOptions
    from aipro_ml.jobs.odds_feed import FeedRequest, fetch_odds, plan_of

    request = FeedRequest(sport, _words(markets), _words(regions), tuple(at or ()))
    before = plan_of(settings(context), request)
    warn(f"plan: {before.requests} requests of {sport}, cost {before.cost}; left {_count(before.remaining)}")
    if plan:
        return
    with progress("fetch") as tick:
        options = ImportOptions(datetime.now(UTC), strict=strict, dry_run=dry_run, on_step=tick)
        reports, left = fetch_odds(settings(context), request, before, options)
    _show(reports, dry_run=dry_run, as_json=as_json)
    warn(f"requests left: {_count(left)}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _count(value: int | None) -> str:
    return "unknown" if value is None else str(value)


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


def _show(reports: "list[ImportReport]", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        named = [{"file": report.file, **report.facts()} if len(reports) > 1 else report.facts() for report in reports]
        table(named, title="import", as_json=True)
        return
    title = "would be imported (dry run)" if dry_run else "imported"
    if len(reports) == 1:
        facts = reports[0].facts()
        shown = [{"what": name.replace("_", " "), "count": value} for name, value in facts.items() if name != "report"]
        table(shown, title=title)
    else:
        table([_line(report) for report in reports], title=title)
    _tell(tuple(finding for report in reports for finding in report.findings))
    kept = [report.report for report in reports if report.report is not None]
    if kept:
        say(f"every finding: {kept[0]}" if len(kept) == 1 else f"every finding: {len(kept)} files in {kept[0].parent}")


def _line(report: "ImportReport") -> dict[str, object]:
    """Return one file's row of the table of many."""
    return {
        "file": report.file,
        "games": report.games_read,
        "new": report.games_inserted,
        "matched": report.games_matched,
        "updated": report.games_updated,
        "quotes": report.quotes + report.quotes_corrected,
        "closing": report.closing_lines,
        "rejected": report.rejected,
        "warnings": report.warnings,
        "rows written": report.rows_written,
    }


def _tell(findings: "tuple[Finding, ...]") -> None:
    """Show the first ten findings on standard error."""
    for finding in findings[:10]:
        warn(
            f"{finding.severity}: {finding.file}, line {finding.line}, column {finding.column}: "
            f"{finding.value!r}: {finding.message} [{finding.rule}]"
        )
    if len(findings) > 10:
        warn(f"... and {len(findings) - 10} more")
