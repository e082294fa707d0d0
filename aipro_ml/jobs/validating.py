"""Validation: read a source without storing it, and say what it holds and what is wrong with it."""

from collections import Counter
from typing import Any

from aipro_ml.config import Settings
from aipro_ml.errors import UsageError
from aipro_ml.jobs.importing import Request, read_source
from aipro_ml.jobs.ingest_boxes import validate_boxes
from aipro_ml.jobs.ingest_props import validate_props
from aipro_ml.jobs.places import Refuse, raise_it
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.sources.box_registry import BOX_SOURCES, BoxSource
from aipro_ml.sources.player_props import PROP_SOURCES, PropSource
from aipro_ml.sources.registry import SOURCES


def list_sources() -> list[dict[str, Any]]:
    """Return every source, what it reads, what it must be told and how it takes files."""
    options = {"sport": "--sport", "mapping": "--mapping", "schedule": "stored games"}
    games = [
        {
            "source": one.name,
            "reads": one.reads,
            "needs": ", ".join(options[need] for need in one.needs) or "-",
            "files": "one folder or tar" if one.folder else "any number",
        }
        for one in SOURCES.values()
    ]
    stored: list[BoxSource | PropSource] = [*BOX_SOURCES.values(), *PROP_SOURCES.values()]
    boxes = [{"source": one.name, "reads": one.reads, "needs": "stored games", "files": "any number"} for one in stored]
    return [*games, *boxes]


def validate(
    request: Request, settings: Settings | None = None, on_refused: Refuse = raise_it
) -> tuple[list[dict[str, Any]], tuple[Finding, ...]]:
    """Return the counts of each file (or folder of files) of the request, read as its source, and all findings.

    A file that cannot be read goes to `on_refused`, and the others follow where that returns.
    """
    name = request.source
    if name in BOX_SOURCES or name in PROP_SOURCES:
        if settings is None:
            raise UsageError(f"{name} needs the stored games")
        read = validate_boxes if name in BOX_SOURCES else validate_props
        player_counts, player_findings = read(settings, name, list(request.places), on_refused)
        return [player_counts], player_findings
    counts: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for label, batch in read_source(settings, request, on_refused):
        counts.append({"file": label, **_counts(batch)})
        findings += batch.findings
    return counts, tuple(findings)


def _counts(batch: SourceBatch) -> dict[str, Any]:
    rules = Counter(f"{finding.rule} ({finding.severity})" for finding in batch.findings)
    return {
        "source": batch.source,
        "sport": batch.sport,
        "rows read": batch.rows_read,
        "games": len(batch.games),
        "quotes": len(batch.quotes),
        "closing lines": len(batch.closing),
        "books": len(batch.books),
        "findings": ", ".join(f"{count} {rule}" for rule, count in sorted(rules.items())) or "none",
    }
