"""Sources with two rows a game, the visitor's and the home team's: findings tell the row their cell stands in."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from aipro_ml.sources.base import Finding

VISITOR = "@visitor"
"""Ends the column name of a visitor's cell until `placed` has told its row."""

Place = tuple[str, int]
"""File and line."""


def visitors(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the visitors' cells with their columns marked as theirs."""
    return cells.add_suffix(VISITOR)


def placed(findings: Sequence[Finding], home: Sequence[Place], away: Sequence[Place]) -> tuple[Finding, ...]:
    """Return findings whose `line` is a pair's position with the file and line of the cell's own row."""
    found = []
    for finding in findings:
        column = finding.column.removesuffix(VISITOR)
        file, line = (home if column == finding.column else away)[finding.line]
        found.append(replace(finding, file=file, line=line, column=column))
    return tuple(sorted(found, key=lambda finding: (finding.file, finding.line)))
