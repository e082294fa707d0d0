"""What an import leaves behind beside its rows: what it read, checks by rule and a list of every finding."""

import csv
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from aipro_ml.config import Settings
from aipro_ml.enums import Severity
from aipro_ml.errors import AiproError
from aipro_ml.sources.base import Finding

log = logging.getLogger(__name__)

MOST_KEPT = 100
"""Findings of a rule kept in the database; the file has all of them."""


class Report(Protocol):
    """What every report of an import tells: its source, what it found, and how many rows it wrote."""

    @property
    def source(self) -> str:
        """Return the name of the source."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return everything found."""
        ...

    @property
    def rows_written(self) -> int:
        """Return the rows inserted or updated in all tables."""
        ...


def left_behind(
    settings: Settings, report: Report, files: Iterable[bytes], digest: str, *, dry_run: bool
) -> dict[str, Any]:
    """Keep what was read and write the list of findings, once the rows are stored; return what the report adds.

    That is `rejected`, `warnings` and, where there is a list, its place `report`. A dry run leaves nothing.
    """
    critical = critical_count(report.findings)
    added: dict[str, Any] = {"rejected": critical, "warnings": len(report.findings) - critical}
    if dry_run:
        return added
    for content in files:
        keep_raw(settings.raw_dir, content)
    if report.findings:
        added["report"] = write_findings(settings.reports_dir, report.source, report.findings, digest)
    log.info("imported", extra={"source": report.source, "rows_written": report.rows_written})
    return added


def refuse_if_strict(findings: Sequence[Finding], *, strict: bool) -> None:
    """Raise AiproError that tells the first critical finding, where there is one and the import is strict."""
    refused = [finding for finding in findings if finding.severity is Severity.CRITICAL]
    if strict and refused:
        first = refused[0]
        raise AiproError(
            f"{len(refused)} bad rows and --strict: nothing was imported; the first: {first.file}, line {first.line}, "
            f"column {first.column}: {first.value!r} {first.message}"
        )


def critical_count(findings: Sequence[Finding]) -> int:
    """Return how many of the findings kept what they describe from landing."""
    return sum(finding.severity is Severity.CRITICAL for finding in findings)


def keep_raw(folder: Path, content: bytes) -> None:
    """Keep what was read in `folder`, named by its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / hashlib.sha256(content).hexdigest()
    if not place.exists():
        part = place.with_name(f"{place.name}.{uuid4().hex}.part")  # two may import one file at once
        part.write_bytes(content)
        part.replace(place)


def digest_of(files: Sequence[bytes]) -> str:
    """Return the SHA-256 of several contents together, whatever their names and order."""
    each = sorted(hashlib.sha256(content).digest() for content in files)
    return hashlib.sha256(b"".join(each)).hexdigest()


def finding_checks(findings: Sequence[Finding], rows_read: int) -> list[dict[str, Any]]:
    """Return one check a broken rule (see `quality.save_checks`); without findings one passed check."""
    counts = Counter(finding.rule for finding in findings)
    if not counts:
        return [{"rule": "import", "failed": 0, "details": {"rows_read": rows_read}}]
    shown: dict[str, list[dict[str, object]]] = {rule: [] for rule in counts}
    for finding in findings:
        if len(shown[finding.rule]) < MOST_KEPT:
            shown[finding.rule].append(as_row(finding))
    return [
        {"rule": rule, "failed": count, "details": {"rows_read": rows_read, "findings": shown[rule]}}
        for rule, count in sorted(counts.items())
    ]


def as_row(finding: Finding) -> dict[str, object]:
    """Return a finding's fields by name."""
    return {field.name: getattr(finding, field.name) for field in fields(finding)}


def write_findings(folder: Path, source: str, findings: Sequence[Finding], digest: str) -> Path:
    """Write every finding as a CSV file named after the source and its content; return its place."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source)
    place = folder / f"import-{name}-{digest[:12]}.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[field.name for field in fields(Finding)])
        writer.writeheader()
        writer.writerows({name: _inert(cell) for name, cell in as_row(finding).items()} for finding in findings)
    return place


def _inert(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    text = str(cell)
    formula = text[:1] in {"=", "+", "-", "@"} and not re.fullmatch(r"[+-]?[\d.]+", text)
    return f"'{text}" if formula else cell
