"""A cursor goes back unchanged or is refused."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.api.rest.cursors import CursorError, cursor_of, key, moment, place_of, whole

ASKED = {"sport": "NFL", "tier": ["A"]}


@given(st.integers(0, 2**63 - 1), st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_place_is_what_it_was(seq, when, one):
    cursor = cursor_of([seq, when, one], ASKED)
    assert place_of(cursor, ASKED, (whole, moment, key)) == (seq, when, one)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=120))
def test_made_up_text_is_refused(text):
    with pytest.raises(CursorError):
        place_of(text, ASKED, (whole,))


@given(st.integers(0, 2**40), st.data())
def test_every_spoiled_letter_is_found(seq, data):
    cursor = cursor_of([seq], ASKED)
    at = data.draw(st.integers(0, len(cursor) - 2))  # the last letter has bits that mean nothing
    other = data.draw(st.sampled_from("ABCdef012-_").filter(lambda letter: letter != cursor[at]))
    with pytest.raises(CursorError):
        place_of(cursor[:at] + other + cursor[at + 1 :], ASKED, (whole,))


def test_a_cursor_of_another_question_or_kind_is_refused():
    cursor = cursor_of([datetime(2030, 1, 1, tzinfo=UTC), uuid4()], ASKED)
    for question, parts in (({**ASKED, "tier": []}, (moment, key)), (ASKED, (whole, key)), (ASKED, (moment,))):
        with pytest.raises(CursorError):
            place_of(cursor, question, parts)
    with pytest.raises(CursorError):
        place_of(cursor_of([2**63], ASKED), ASKED, (whole,))
