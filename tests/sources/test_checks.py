"""The vectorised checks against plain Python, cell by cell."""

import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.sources import checks

CELLS = st.lists(
    st.one_of(
        st.none(),
        st.text(max_size=8),
        st.integers(-3000, 3000).map(str),
        st.floats(-300, 300).map(lambda value: f"{value:.2f}"),
        st.sampled_from(["", "nan", "inf", "-0", "+110", "110.0", "1e3", "0x1F", "1_000", "٣", " 5", "99.75", "."]),
    ),
    min_size=1,
    max_size=6,
)


def number(cell: str | None) -> float | None:
    if cell is None or not re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{1,6})?", cell):
        return None
    return float(cell)


def told(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


@given(CELLS)
def test_numbers_agree_with_reading_each_cell(cells):
    assert told(checks.numbers(pd.Series(cells, dtype="string"))) == [number(cell) for cell in cells]


@given(CELLS)
def test_prices_are_whole_and_at_least_a_hundred(cells):
    expected = [
        value if value is not None and value == int(value) and 100 <= abs(value) <= checks.MAX_PRICE else None
        for value in map(number, cells)
    ]
    assert told(checks.prices(pd.Series(cells, dtype="string"))) == expected


@given(CELLS, st.integers(-60, 0), st.integers(0, 120))
def test_lines_are_quarters_within_their_range(cells, low, high):
    expected = [
        value if value is not None and (value * 4).is_integer() and low <= value <= high else None
        for value in map(number, cells)
    ]
    assert told(checks.lines(pd.Series(cells, dtype="string"), low, high)) == expected


@given(CELLS)
def test_a_cell_is_missing_read_or_malformed(cells):
    text = pd.Series(cells, dtype="string")
    value = checks.prices(text)
    states = text.isna().astype(int) + value.notna().astype(int) + checks.malformed(text, value).astype(int)
    assert set(states) == {1}


def test_overround_is_what_both_sides_imply_beyond_one():
    home = pd.Series([-110, 134, pd.NA], dtype="Int64")
    away = pd.Series([-110, -124, 100], dtype="Int64")
    margin = checks.overround(home, away)
    assert margin[0] == pytest.approx(2 * 110 / 210 - 1)
    assert margin[1] == pytest.approx(-0.019, abs=0.0005)
    assert math.isnan(margin[2])


def test_a_log_names_rows_by_their_label_and_sorts_by_line():
    lines = pd.Series([2, 3, 4], index=[10, 20, 30])
    log = checks.FindingLog("f.csv", lines)
    cells = pd.Series(["a", "b", None], index=lines.index, name="col", dtype="string")
    log.flag(pd.Series([False, pd.NA, True], index=lines.index, dtype="boolean"), cells, "r", "m")
    log.reject(pd.Series([True], index=[10]), cells, "r", lambda value: f"saw {value}")
    assert [(f.line, f.value, f.message) for f in log.findings] == [(2, "a", "saw a"), (4, "", "m")]
    assert log.rejected.to_dict() == {10: True, 20: False, 30: False}


def test_decimal_odds_become_the_nearest_american_price():
    cells = ["1.91", "2", "2.125", "1.001", "1001", "1.0", "0", "-99", "NaN", "1e3", "evens", None]
    found = checks.decimal_prices(pd.Series(cells, dtype="string"))
    assert list(found[:5]) == [-110, 100, 112, -100_000, 100_000]
    assert found[5:].isna().all()
    assert found.dtype == "Int64"
