"""Tables in Markdown, as docs/numbers.md shows them."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows (same keys in the same order) as a Markdown table; floats are given ready as text."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def signed(value: float, digits: int = 4) -> str:
    """Return a difference with its sign."""
    return f"{value:+.{digits}f}"


def between(low: float, high: float, digits: int = 4) -> str:
    """Return an interval."""
    return f"{low:+.{digits}f} to {high:+.{digits}f}"
