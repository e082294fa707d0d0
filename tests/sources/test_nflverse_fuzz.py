"""Whatever a cell or a byte holds, reading ends in frames and findings or in one DataFileError."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aipro_ml.errors import DataFileError
from aipro_ml.sources import nflverse
from tests.soak import size

FIELDS = (*nflverse.GAME_FIELDS, *nflverse.nflverse_odds.FIELDS)
QUICK = settings(max_examples=size(12, 100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(field=st.sampled_from(FIELDS), cell=st.text(max_size=12))
def test_any_text_in_any_cell_leaves_the_other_game_whole(file_of, field, cell):
    try:
        batch = nflverse.read(file_of(**{field: cell}), name="games.csv")
    except DataFileError:
        assert "\x00" in cell
        return
    assert "2022:regular:1:CLE@CAR" in set(batch.games["game"])
    assert (batch.quotes["price"].abs() >= 100).all()
    assert len(batch.games) == 2 or batch.findings


@QUICK
@given(place=st.integers(0, 800), byte=st.integers(0, 255))
def test_any_flipped_byte_ends_in_frames_or_one_error(file_of, place, byte):
    data = bytearray(file_of())
    data[place % len(data)] = byte
    try:
        batch = nflverse.read(bytes(data), name="games.csv")
    except DataFileError:
        return
    assert batch.rows_read <= 3
    assert len(batch.games) <= 2
