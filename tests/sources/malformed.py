"""Malformed variants of any source, made from good games and a description of its columns, and what each must end in.

A source describes itself as a `Layout`: how one of its games looks as rows, how rows become a file, and for each column
the values that are no good there. From that come hundreds of variants: spoilt cells (`check_cells`, a file of many
games of which each has one spoilt cell), bytes and headers that are refused as a whole (`file_faults`) and rows that
do not belong (`row_faults`). Each has the place it must be reported at, and nothing a bad value says may land.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.checks import shortened
from tests.soak import size
from tests.sources.contract import Content, check_batch

Row = dict[str, Any]
Landed = dict[str, set[tuple[Any, ...]]]
"""What landed of each game: (frame, its cells)."""

AT_LEAST = 200
GOOD_GAMES = 2
FRAMES = ("games", "quotes", "closing", "moves", "team_games", "player_games", "player_seasons", "props")
ALONE = ("closing_price", "minutes", "stats", "over_price", "under_price", "games_played", "team")
"""Columns whose values may be missing while the row lands."""

MILLION = 1_000_000


def csv_of(rows: Sequence[Row]) -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def replaced(row: Row, column: str, value: Any) -> Row:
    """Return the row with another cell."""
    return row | {column: value}


@dataclass(frozen=True)
class Layout:
    """One layout of a source: its games as rows, its rows as a file, and what is no good in each column.

    `cells`: values that lose what they describe, `marked`: values that are reported and stand for something harmless.
    `told_at`: columns a finding may name instead, where two cells do not go together. `unread`: columns that are
    checked and do not land anyway. `unit`: the column that tells what a spoilt cell spoils, where it is not a game.
    `lone`: the file's name in its folder; most damaged files are then read without the good ones beside them.
    """

    source: str
    file: str
    read: Callable[[Content], Any]
    game: Callable[[int], list[Row]]
    cells: Mapping[str, Sequence[Any]]
    required: Sequence[str]
    marked: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    encode: Callable[[Sequence[Row]], bytes] = csv_of
    wrap: Callable[[bytes], Content] = lambda content: content
    lone: str = ""
    spoil: Callable[[Row, str, Any], Row] = replaced
    place: Callable[[int, str], str] = lambda _, column: column
    kind: str = "csv"
    spoilt: int = 0
    first_line: int = 2
    told_at: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    keys: Callable[[Any], list[str]] = lambda batch: list(batch.games.sort_values("line_number")["game"])
    check: Callable[[Any], None] = check_batch
    swapped: Callable[[Row], Row] | None = None
    unit: str = "game"

    def rows(self, count: int) -> list[Row]:
        """Return the rows of the first `count` games."""
        return [row for number in range(count) for row in self.game(number)]

    def content(self, rows: Sequence[Row]) -> Content:
        """Return the file, or folder, of these rows."""
        return self.wrap(self.encode(rows))

    def damaged(self, number: int, content: bytes) -> Content:
        """Return a damaged file, each tenth (in a soak each) with the good files of its folder."""
        beside = not self.lone or number % size(10, 1) == 0
        return self.wrap(content) if beside else {self.lone: content}

    def line(self, game: int, before: Sequence[Any] = ()) -> int:
        """Return the line of the spoilt row of a game; the values `before` it may break lines of their own."""
        broken = "".join(value for value in before if isinstance(value, str)).count("\n") if self.is_table else 0
        return self.first_line + game * len(self.game(0)) + self.spoilt + broken

    @property
    def size(self) -> int:
        """Return how many games a file of spoilt cells has: as many as a column has values, and good ones behind."""
        return max(map(len, (*self.cells.values(), *self.marked.values()))) + GOOD_GAMES

    @property
    def is_table(self) -> bool:
        """Return whether the file is CSV."""
        return self.kind == "csv"


def landed(batch: Any, unit: str = "game") -> Landed:
    """Return what a batch holds of each `unit`, without line numbers; what may be missing by itself stands alone."""
    found: Landed = defaultdict(set)
    for name in FRAMES:
        frame = getattr(batch, name, None)
        if frame is None or unit not in frame:
            continue
        apart = [column for column in ALONE if column in frame]
        told = frame.drop(columns=[column for column in ("line_number", *apart) if column in frame])
        rows = list(zip(*(told[column].astype(str) for column in told), strict=True))
        for game, row in zip(frame[unit], rows, strict=True):
            found[game].add((name, *row))
        for column in apart:
            for game, row, value in zip(frame[unit], rows, frame[column], strict=True):
                values = value.items() if isinstance(value, dict) else [(column, value)]
                found[game] |= {(name, *row, *each) for each in values if not pd.isna(each[1])}
    return found


_GOOD: dict[tuple[int, int], tuple[Any, list[str], Landed]] = {}
"""What good files of a layout (by its identity) and a number of games hold: the same for every column."""


def good_games(layout: Layout, count: int) -> tuple[Any, list[str], Landed]:
    """Return the batch of `count` good games, their keys in order and what landed of each."""
    key = (id(layout), count)
    if key not in _GOOD:
        good = layout.read(layout.content(layout.rows(count)))
        assert not [finding for finding in good.findings if finding.severity is Severity.CRITICAL], good.findings
        _GOOD[key] = (good, layout.keys(good), landed(good, layout.unit))
    return _GOOD[key]


def check_cells(layout: Layout, column: str, values: Sequence[Any], severity: Severity) -> None:
    """Read a file of one game a value, each spoilt in one cell, and good games behind: each is told at its place.

    CRITICAL: nothing of a spoilt game differs from the good file and something is missing. WARNING: the game lands.
    """
    count = layout.size
    good, keys, whole = good_games(layout, count)
    assert len(keys) == count, "each good game lands"
    batch = layout.read(layout.content(spoilt_rows(layout, column, values)))
    layout.check(batch)
    got = landed(batch, layout.unit)
    wrong = []
    for number, value in enumerate(values):
        mine, left = whole[keys[number]], got.get(keys[number], set())
        line = layout.line(number, values[:number])
        said = _complaint(layout, batch, (number, column, value, line), severity)
        if severity is Severity.CRITICAL and not said:
            said = _landing(mine, left, may_be_whole=column in layout.unread)
        if said:
            wrong.append((value if len(str(value)) < 60 else str(value)[:60], said))
    assert not wrong, wrong
    assert set(got) <= set(whole), f"games nobody told: {set(got) - set(whole)}"
    for key in keys[len(values) :]:
        assert got[key] == whole[key], "a good game lands as if the others were good"
    good_lines = range(layout.line(len(values), values) - layout.spoilt, 10**9)
    warned = {(finding.line, finding.rule) for finding in good.findings}
    assert not [f for f in batch.findings if f.line in good_lines and (f.line, f.rule) not in warned]


def spoilt_rows(layout: Layout, column: str, values: Sequence[Any]) -> list[Row]:
    """Return the rows of a file of good games of which the first have one spoilt cell each."""
    games = [layout.game(number) for number in range(layout.size)]
    for game, value in zip(games, values, strict=False):
        game[layout.spoilt] = layout.spoil(game[layout.spoilt], column, value)
    return [row for game in games for row in game]


def _complaint(layout: Layout, batch: Any, cell: tuple[int, str, Any, int], severity: Severity) -> str:
    """Return what is wrong with how a spoilt cell was reported, empty where nothing is."""
    number, column, value, line = cell
    mine = [found for found in batch.findings if found.line == line and found.file.endswith(layout.file)]
    names = [layout.place(number, name) for name in (column, *layout.told_at.get(column, ()))]
    told = [found for found in mine if any(found.column == name or found.column == name.rstrip(".") for name in names)]
    if not told:
        return f"not told at line {line}, {names}: {mine}"
    if not any(found.severity is severity for found in told):
        return f"no {severity} among {told}"
    shown = [found.value for found in told if found.column == names[0]]
    text = value if isinstance(value, str) else None
    if text is not None and shown and shortened(text.strip()) not in shown:
        return f"shows {shown}"
    return ""


def _landing(mine: set[Any], left: set[Any], *, may_be_whole: bool) -> str:
    if not left <= mine:
        return f"lands otherwise than the good file's: {left - mine}"
    return "" if may_be_whole or left < mine else "everything lands although something is critical"


def row_faults(layout: Layout) -> Iterator[tuple[str, list[Any], str]]:
    """Yield what appended rows of a CSV file look like (name, cells) and the rule each breaks."""
    columns = list(layout.rows(1)[0])
    first = [str(cell) for cell in layout.game(0)[layout.spoilt].values()]
    width = len(columns)
    yield "one cell", [first[0]], "row_width"
    yield "a cell too few", first[:-1], "row_width"
    yield "a cell too many", [*first, ""], "row_width"
    yield "half a row", first[: width // 2], "row_width"
    yield "two rows in one", first * 2, "row_width"
    yield "a comma unquoted", [*first[:2], "1", *first[2:]], "row_width"
    yield "a remark", ["# end of file"], "row_width"
    yield "a hundred commas", [""] * 100 + ["x"], "row_width"
    yield "the header again", columns, ""
    yield "a row of words", ["x"] * width, ""
    yield "a row of zeros", ["0"] * width, ""
    yield "a row of minus ones", ["-1"] * width, ""
    yield "a row of NaN", ["NaN"] * width, ""
    yield "a row shifted by one", [*first[1:], first[0]], ""


def check_rows(layout: Layout) -> int:
    """Read good games with every fault of `row_faults` behind them; return how many there are."""
    rows = layout.rows(3)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    faults = list(row_faults(layout))
    writer.writerows(cells for _, cells, _ in faults)
    whole = layout.read(layout.content(rows))
    batch = layout.read(layout.wrap(layout.encode(rows) + out.getvalue().encode()))
    layout.check(batch)
    first = layout.first_line + len(rows)
    by_line = defaultdict(list)
    for finding in batch.findings:
        by_line[finding.line].append(finding)
    for place, (name, _, rule) in enumerate(faults):
        mine = by_line[first + place]
        assert any(found.severity is Severity.CRITICAL and rule in found.rule for found in mine), (name, mine)
    assert landed(batch, layout.unit) == landed(whole, layout.unit), "the good rows land and nothing else"
    return len(faults)


def check_repeated(layout: Layout) -> None:
    """A game told again, as it was or with its sides exchanged, is reported at its second place and lands once."""
    count = 3
    whole = layout.read(layout.content(layout.rows(count)))
    again = {"again": layout.game(0)}
    if layout.swapped is not None:
        again["with its sides exchanged"] = [layout.swapped(row) for row in layout.game(0)]
    for name, game in again.items():
        batch = layout.read(layout.content([*layout.rows(count), *game]))
        layout.check(batch)
        lines = range(layout.first_line + len(layout.rows(count)), 10**6)
        first = layout.line(0) - layout.spoilt
        lines = {*lines, *range(first, first + len(game))} if layout.kind != "json" else {*lines, first}
        told = [f for f in batch.findings if f.severity is Severity.CRITICAL and f.line in lines]
        assert told, (name, batch.findings)
        mine, all_of_it = landed(batch, layout.unit), landed(whole, layout.unit)
        assert set(mine) <= set(all_of_it), name
        for key, rows in all_of_it.items():
            assert mine.get(key, set()) <= rows, name
        others = layout.keys(whole)[1:]
        assert all(mine[key] == all_of_it[key] for key in others), name
