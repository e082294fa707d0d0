"""Derived identifiers: the bulk ways give what the plain one gives."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aipro_ml.identity import derive_id, derive_ids, derive_raw_ids, name_head


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=20))
def test_every_bulk_way_gives_the_identifiers_of_the_plain_one(rows: list[tuple[str, str, str]]) -> None:
    plain = [derive_id("odds", *row) for row in rows]
    raw = derive_raw_ids([name_head("odds", *row[:2]) for row in rows], [row[2].encode() for row in rows])
    assert [UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16)] == plain
    assert derive_ids("odds", *(zip(*rows, strict=True) if rows else ([], [], []))) == plain
