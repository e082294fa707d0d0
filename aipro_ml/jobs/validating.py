"""Validation: read a source without storing it, and say what it holds and what is wrong with it."""

from collections import Counter
from pathlib import Path
from typing import Any

from aipro_ml.errors import UsageError
from aipro_ml.jobs.fetch import fetch
from aipro_ml.sources.base import Finding, SourceBatch
from aipro_ml.sources.registry import SOURCES, source


def list_sources() -> list[dict[str, Any]]:
    """Return every source, what it reads, and whether it can be imported or only validated so far."""
    return [
        {"source": one.name, "reads": one.reads, "use": "import, validate" if one.imported else "validate"}
        for one in SOURCES.values()
    ]


def validate(name: str, places: list[str], sport: str | None) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return the counts and findings of the files (or folders of files) at `places`, read as the source `name`."""
    chosen = source(name)
    if chosen.needs_sport and sport is None:
        raise UsageError(f"{name} does not say its sport: give --sport")
    batch = chosen.read(_files(places), sport or "")
    return _counts(batch), batch.findings


def _files(places: list[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for place in places:
        path = Path(place).expanduser()
        names = [str(each) for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [place]
        found.update(fetch(each) for each in names)
    return found


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
