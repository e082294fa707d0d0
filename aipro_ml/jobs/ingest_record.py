"""What an import leaves behind beside its rows: checks by rule and a list of every finding."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from aipro_ml.sources.base import Finding

MOST_KEPT = 100
"""Findings of a rule kept in the database; the file has all of them."""


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
    place = folder / f"import-{source}-{digest[:12]}.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[field.name for field in fields(Finding)])
        writer.writeheader()
        writer.writerows(as_row(finding) for finding in findings)
    return place
