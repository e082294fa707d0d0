"""How commands speak: Rich tables for people, one JSON object a row for programs, progress on standard error."""

import json
import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aipro_ml.errors import printable

PIPE_WIDTH = 170
"""Columns of a table that is not written to a terminal: a pipe has no width of its own."""

LONG_WORD = 40
"""Characters of a word (a hash, a path) that may be folded; shorter words stay whole."""

TELL_EVERY = 10.0
"""Seconds between two lines of progress where no bar can be drawn."""

console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
errors = Console(stderr=True)


class Ticker(Protocol):
    """Advances a progress bar: done of total."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` steps are finished."""
        ...


def say(text: str) -> None:
    """Print one line for a person, without interpreting brackets in it."""
    console.print(printable(text, "\n\t"), markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print one line on standard error."""
    errors.print(printable(text, "\n\t"), markup=False, highlight=False, soft_wrap=True)


def table(rows: Sequence[Mapping[str, object]], *, title: str, as_json: bool = False) -> None:
    """Print rows as a table, or as one JSON object a line."""
    if as_json:
        for row in rows:
            print(json.dumps(_finite(row), default=_plain, allow_nan=False))  # noqa: T201 - programs read exactly this
        return
    if not rows:
        say(f"{title}: nothing")
        return
    columns = [_column(rows, name) for name in rows[0]]
    framed = 1 + sum(each.least() + 3 for each in columns) <= console.width
    for number, part in enumerate([columns] if framed else _parts(columns, console.width)):
        say(title if number == 0 else f"{title}, further columns")
        console.print(_drawn(part, narrow=not framed))


@dataclass(frozen=True)
class _Column:
    """One column of a table: its name, its cells as text, and whether they are numbers."""

    name: str
    cells: tuple[str, ...]
    is_number: bool

    def least(self, *, narrow: bool = False) -> int:
        """Return the columns of terminal that break no word of it; `narrow` breaks its name after underscores."""
        texts = (self.head(narrow=narrow), *self.cells)
        return max((cell_len(word[:LONG_WORD]) for text in texts for word in text.split()), default=1)

    def head(self, *, narrow: bool) -> str:
        """Return the name as it is written over the column."""
        return self.name.replace("_", "_\n") if narrow else self.name


def _column(rows: Sequence[Mapping[str, object]], name: str) -> _Column:
    sample = rows[0][name]
    is_number = isinstance(sample, int | float | Decimal) and not isinstance(sample, bool)
    return _Column(printable(name), tuple(printable(_cell(row.get(name))) for row in rows), is_number)


def _parts(columns: list[_Column], width: int) -> list[list[_Column]]:
    """Return the columns in tables that fit `width` without a broken word, each beginning with the first column."""
    parts: list[list[_Column]] = [[columns[0]]]
    room = left = width - columns[0].least(narrow=True)
    for column in columns[1:]:
        needs = 1 + column.least(narrow=True)
        if needs > left and len(parts[-1]) > 1:
            parts.append([columns[0]])
            left = room
        parts[-1].append(column)
        left -= needs
    return parts


def _drawn(columns: list[_Column], *, narrow: bool) -> Table:
    """Return the table; `narrow` without frames, so that more columns fit."""
    shown = Table(header_style="bold")
    if narrow:
        shown = Table(header_style="bold", box=SIMPLE_HEAD, show_edge=False, padding=0)
    for each in columns:
        shown.add_column(
            Text(each.head(narrow=narrow)),
            justify="right" if each.is_number else "left",
            overflow="fold",
            min_width=each.least(narrow=narrow),
        )
    for row in zip(*(each.cells for each in columns), strict=True):
        shown.add_row(*map(Text, row))  # as text: a bracket in a file's name is no markup
    return shown


@contextmanager
def progress(label: str) -> Iterator[Ticker]:
    """Show progress on standard error while the block runs: a bar, or now and then a line where it is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        told = _Told(label)

        def tick(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            told.at = f"{done} of {total}"

        with nullcontext() if errors.is_terminal else told:
            yield tick


class _Told:
    """Says on standard error every TELL_EVERY seconds how far the work is, from a thread: a step may take long."""

    def __init__(self, label: str) -> None:
        self.at = "begun"
        self._label, self._over = label, threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _tell(self) -> None:
        began = time.monotonic()
        while not self._over.wait(TELL_EVERY):
            warn(f"{self._label}: {self.at}, {time.monotonic() - began:.0f} s")


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
