"""How commands speak: Rich tables for people, one JSON object a row for programs, progress on standard error."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 170
"""Columns of a table that is not written to a terminal: a pipe has no width of its own."""

console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
errors = Console(stderr=True)


class Ticker(Protocol):
    """Advances a progress bar: done of total."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` steps are finished."""
        ...


def say(text: str) -> None:
    """Print one line for a person, without interpreting brackets in it."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print one line on standard error."""
    errors.print(text, markup=False, highlight=False, soft_wrap=True)


def table(rows: Sequence[Mapping[str, object]], *, title: str, as_json: bool = False) -> None:
    """Print rows as a table, or as one JSON object a line."""
    if as_json:
        for row in rows:
            print(json.dumps(_finite(row), default=_plain, allow_nan=False))  # noqa: T201 - programs read exactly this
        return
    if not rows:
        say(f"{title}: nothing")
        return
    shown = Table(title=title, title_justify="left", header_style="bold")
    for name, sample in rows[0].items():
        right = isinstance(sample, int | float) and not isinstance(sample, bool)
        shown.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(value) for value in row.values()))
    console.print(shown)


@contextmanager
def progress(label: str) -> Iterator[Ticker]:
    """Show a progress bar on standard error while the block runs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def tick(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tick


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "NaT":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(value)


def _finite(value: object) -> object:
    """Return `value` with None for NaN and infinity, which JSON has not; inside mappings and lists too."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value.item() if hasattr(value, "item") else str(value)
