"""At least 200 malformed variants of every source end in findings at their place or in one clear error."""

import importlib
from collections import Counter
from pathlib import Path

import pytest

from aipro_ml.enums import Severity
from tests.sources import malformed, malformed_files

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("layouts_*.py"))
LAYOUTS = [layout for module in MODULES for layout in importlib.import_module(f"tests.sources.{module}").LAYOUTS]
CELLS = [(layout, column) for layout in LAYOUTS for column in layout.cells]
MARKED = [(layout, column) for layout in LAYOUTS for column in layout.marked]
TABLES = [layout for layout in LAYOUTS if layout.kind == "csv"]


def names_of(layout) -> list[str]:
    cells = [f"{column}={value!r}" for column, values in layout.cells.items() for value in values]
    marked = [f"{column}={value!r}" for column, values in layout.marked.items() for value in values]
    rows = [name for name, _, _ in malformed.row_faults(layout)] if layout.kind == "csv" else []
    repeated = ["again"] + (["exchanged"] if layout.swapped else [])
    return [*cells, *marked, *malformed_files.file_faults(layout), *rows, *repeated]


def called(value):
    return value if isinstance(value, str) else f"{value.source} {value.file}"


@pytest.mark.parametrize(("layout", "column"), CELLS, ids=called)
def test_a_spoilt_cell_is_told_at_its_place_and_does_not_land(layout, column):
    malformed.check_cells(layout, column, layout.cells[column], Severity.CRITICAL)


@pytest.mark.parametrize(("layout", "column"), MARKED, ids=called)
def test_a_doubtful_cell_is_told_at_its_place_and_its_game_lands(layout, column):
    malformed.check_cells(layout, column, layout.marked[column], Severity.WARNING)


@pytest.mark.parametrize("layout", LAYOUTS, ids=called)
def test_bytes_that_are_no_such_file_are_refused_with_one_clear_error(layout):
    faults = malformed_files.file_faults(layout)
    wrong = {name: said for name, fault in faults.items() if (said := malformed_files.check_refused(layout, fault))}
    assert not wrong


@pytest.mark.parametrize("layout", TABLES, ids=called)
def test_rows_that_do_not_belong_are_told_at_their_lines(layout):
    assert malformed.check_rows(layout) > 10


@pytest.mark.parametrize("layout", LAYOUTS, ids=called)
def test_a_game_told_twice_lands_once(layout):
    malformed.check_repeated(layout)


def test_every_source_has_200_malformed_variants(capsys):
    counts: Counter[str] = Counter()
    for layout in LAYOUTS:
        names = names_of(layout)
        assert len(names) == len(set(names)), [name for name, count in Counter(names).items() if count > 1]
        counts[layout.source] += len(names)
    with capsys.disabled():
        print("\nmalformed variants:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    assert min(counts.values()) >= malformed.AT_LEAST
