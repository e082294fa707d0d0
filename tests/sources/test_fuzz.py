"""Whatever a cell or a byte of any source holds, reading ends in frames and findings or in one DataFileError."""

import importlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aipro_ml.errors import DataFileError
from tests.soak import size
from tests.sources import malformed
from tests.sources.malformed import landed

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("layouts_*.py"))
LAYOUTS = [layout for module in MODULES for layout in importlib.import_module(f"tests.sources.{module}").LAYOUTS]
QUICK = settings(
    max_examples=size(3, 50),
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
CELL = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
    st.integers(-(10**12), 10**12).map(str),
    st.floats().map(str),
    st.from_regex(r"[-+]?[0-9]{1,3}([./:-][0-9]{1,4}){0,2}", fullmatch=True),
)
GAMES = 8


def called(layout):
    return f"{layout.source} {layout.file}"


@pytest.mark.parametrize("layout", LAYOUTS, ids=called)
@QUICK
@given(data=st.data())
def test_any_texts_in_any_cells_leave_the_good_games_whole(layout, data):
    column = data.draw(st.sampled_from(sorted(layout.cells)))
    values = data.draw(st.lists(CELL, min_size=GAMES, max_size=GAMES))
    if layout.kind == "xlsx":
        values = [value for value in values if value.isprintable()]
    _, keys, whole = malformed.good_games(layout, layout.size)
    batch = layout.read(layout.content(malformed.spoilt_rows(layout, column, values)))
    layout.check(batch)
    got = landed(batch, layout.unit)
    for key in keys[GAMES:]:
        # A date or team may make a spoilt game another good one, or put two on one day; each is then told
        assert got.get(key) == whole[key] or any(finding.rule.startswith(REPEATED) for finding in batch.findings), key


REPEATED = ("duplicate", "team_twice", "sides", "unpaired", "no_such_game", "home_is_away")


@pytest.mark.parametrize("layout", LAYOUTS, ids=called)
@QUICK
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.integers(0, 10**6))
def test_any_flipped_byte_or_cut_ends_in_frames_or_one_error(layout, place, byte, cut):
    good = layout.encode(layout.rows(2))
    flipped = bytearray(good)
    flipped[place % len(good)] = byte
    for content in (bytes(flipped), good[: cut % len(good)]):
        try:
            batch = layout.read(layout.wrap(content))
        except DataFileError:
            continue
        layout.check(batch)
