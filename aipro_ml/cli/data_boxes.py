"""`aipro data import` of box scores and player props: what players and teams did in stored games."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.cli.refused import raise_refused

if TYPE_CHECKING:
    from aipro_ml.config import Settings
    from aipro_ml.errors import AiproError
    from aipro_ml.jobs.ingest_boxes import BoxReport
    from aipro_ml.jobs.ingest_props import PropReport


def is_source(name: str) -> bool:
    """Return whether `name` is a source of box scores or player props."""
    from aipro_ml.sources.box_registry import BOX_SOURCES
    from aipro_ml.sources.player_props import PROP_SOURCES

    return name in BOX_SOURCES or name in PROP_SOURCES


def bring(settings: "Settings", name: str, places: list[str], *, strict: bool, dry_run: bool, as_json: bool) -> None:
    """Import the box scores or player props at `places` and show what became of them."""
    from aipro_ml.jobs.ingest import ImportOptions
    from aipro_ml.jobs.ingest_boxes import import_boxes
    from aipro_ml.jobs.ingest_props import import_props
    from aipro_ml.sources.box_registry import BOX_SOURCES

    refused: list[AiproError] = []
    with progress("import") as tick:
        options = ImportOptions(
            datetime.now(UTC), strict=strict, dry_run=dry_run, on_step=tick, on_refused=refused.append
        )
        run = import_boxes if name in BOX_SOURCES else import_props
        report: BoxReport | PropReport = run(settings, name, places, options)
    _show(report, dry_run=dry_run, as_json=as_json)
    raise_refused(refused, report.findings, ", the others landed")


def _show(report: "BoxReport | PropReport", *, dry_run: bool, as_json: bool) -> None:
    facts = report.facts()
    if as_json:
        table([facts], title="import", as_json=True)
        return
    shown = [{"what": name.replace("_", " "), "count": value} for name, value in facts.items() if name != "report"]
    table(shown, title="would be imported (dry run)" if dry_run else "imported")
    for finding in report.findings[:10]:
        warn(
            f"{finding.severity}: {finding.file}, line {finding.line}, column {finding.column}: "
            f"{finding.value!r}: {finding.message} [{finding.rule}]"
        )
    if len(report.findings) > 10:
        warn(f"... and {len(report.findings) - 10} more")
    for note in report.notes:
        say(f"note: {note}")
    if report.report is not None:
        say(f"every finding: {report.report}")
