"""Whatever is done to a chained ledger afterwards is found and called by its name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.enums import BetType, Selection, Tier
from aipro_ml.inference.ledger import (
    GENESIS,
    GENESIS_HASH,
    FaultKind,
    Head,
    chain_hash_of,
    extend,
    head_of,
    verify,
)
from aipro_ml.inference.prediction import HASHED_COLUMNS, Prediction, prediction_hash_of

BOOKS = {"Pinnacle": "book-1"}
FIRST = Prediction(
    game_id="game-0",
    model_id="model-1",
    bet_type=BetType.MONEYLINE,
    predicted_side=Selection.HOME,
    probability=0.6,
    edge=0.02,
    kelly_fraction=0.01,
    signal_tier=Tier.C,
    line_at_prediction=None,
    odds_at_prediction=-120,
    as_of=datetime(2022, 9, 11, 16, 59, tzinfo=UTC),
    book="Pinnacle",
    ev=0.05,
    push_probability=0.0,
    fair_probability=0.58,
    model_probability=0.62,
    calibrated_probability=0.61,
)


def ledger(n):
    predictions = [
        replace(FIRST, game_id=f"game-{i}", probability=0.4 + i / 1000, as_of=FIRST.as_of + timedelta(days=i))
        for i in range(n)
    ]
    return extend(GENESIS, predictions, "run-1", BOOKS)


def kinds(faults):
    return {fault.kind for fault in faults}


def rehashed(row):
    row = row | {"prediction_hash": prediction_hash_of(row)}
    return row | {"chain_hash": chain_hash_of(row)}


def foreign(seq, prev_hash):
    return extend(Head(seq - 1, prev_hash), [replace(FIRST, game_id="forged")], "run-x", BOOKS)[0]


def test_an_untouched_ledger_has_no_fault():
    rows = ledger(6)
    assert verify(rows) == []
    assert verify(rows, head_of(rows)) == []


def test_an_empty_ledger_has_no_fault_and_the_genesis_head():
    assert verify([]) == []
    assert verify([], GENESIS) == []
    assert head_of([]) == GENESIS


def test_the_chain_starts_at_sixty_four_zeros_and_goes_on_from_any_head():
    rows = ledger(3)
    assert rows[0]["prev_hash"] == GENESIS_HASH == "0" * 64
    more = extend(head_of(rows), [replace(FIRST, game_id="late")], "run-2", BOOKS)
    assert more[0]["seq"] == 4
    assert verify([*rows, *more], head_of(rows)) == []


def test_rows_hold_the_book_by_its_identifier():
    assert ledger(1)[0]["sportsbook_id"] == "book-1"
    assert "book" not in ledger(1)[0]


def test_every_hash_is_recomputed_equal_from_its_row():
    for row in ledger(5):
        assert prediction_hash_of(row) == row["prediction_hash"]


COLUMNS = sorted({*ledger(1)[0]} - {"seq", "created_at"})


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("index", [0, 2, 4])
def test_an_edit_of_any_column_is_found_at_its_row(column, index):
    rows = ledger(5)
    value = rows[index][column]
    changed = {str: f"{value}x", int: -500, float: 0.123}.get(type(value), 0.5)
    if isinstance(value, datetime):
        changed = value + timedelta(seconds=1)
    elif column == "line_at_prediction":
        changed = 0.0
    elif value is None:
        changed = 0.25
    rows[index] = rows[index] | {column: changed}
    faults = verify(rows, head_of(ledger(5)))
    assert {(fault.kind, fault.seq) for fault in faults} >= {(FaultKind.EDIT, index + 1)}
    assert kinds(faults) == {FaultKind.EDIT}


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 9), data=st.data(), column=st.sampled_from([*HASHED_COLUMNS, "ev", "run_id"]))
def test_an_edit_with_freshly_made_hashes_is_found(n, data, column):
    rows = ledger(n)
    head = head_of(rows)
    i = data.draw(st.integers(0, n - 2))
    changed = rows[i][column] + timedelta(1) if column == "as_of" else 0.777
    if column in {"ev", "probability", "edge", "kelly_fraction", "line_at_prediction", "as_of"}:
        rows[i] = rehashed(rows[i] | {column: changed})
    else:
        rows[i] = rehashed(rows[i] | {column: "7"} if column != "odds_at_prediction" else {**rows[i], column: 7})
    assert [(f.kind, f.seq) for f in verify(rows, head)] == [(FaultKind.EDIT, i + 1)]
    assert verify(rows)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 9), data=st.data(), renumbered=st.booleans())
def test_a_deletion_is_found(n, data, renumbered):
    rows = ledger(n)
    head = head_of(rows)
    i = data.draw(st.integers(0, n - 2))
    del rows[i]
    if renumbered:
        rows = [row | {"seq": k + 1} for k, row in enumerate(rows)]
    assert [(f.kind, f.seq) for f in verify(rows)] == [(FaultKind.DELETION, i + 1)]
    assert [(f.kind, f.seq) for f in verify(rows, head)] == [(FaultKind.DELETION, i + 1)]


@settings(max_examples=80, deadline=None)
@given(n=st.integers(2, 9), data=st.data(), how=st.sampled_from(["order", "number", "content"]))
def test_a_swap_is_found_at_both_rows(n, data, how):
    rows = ledger(n)
    head = head_of(rows)
    i, j = sorted(data.draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=2, unique=True)))
    one, other = rows[i], rows[j]
    if how == "content":
        place = ("seq", "prev_hash", "chain_hash")
        rows[i] = other | {name: one[name] for name in place}
        rows[j] = one | {name: other[name] for name in place}
    else:
        rows[i], rows[j] = other, one
    if how == "number":
        rows[i], rows[j] = rows[i] | {"seq": i + 1}, rows[j] | {"seq": j + 1}
    for known in (None, head):
        assert [(f.kind, f.seq) for f in verify(rows, known)] == [
            (FaultKind.SWAP, i + 1),
            (FaultKind.SWAP, j + 1),
        ]


@settings(max_examples=80, deadline=None)
@given(n=st.integers(1, 9), data=st.data(), linked=st.booleans(), renumbered=st.booleans())
def test_an_insertion_is_found(n, data, linked, renumbered):
    rows = ledger(n)
    head = head_of(rows)
    i = data.draw(st.integers(0, n - 1))
    prev = (rows[i - 1]["chain_hash"] if i else GENESIS_HASH) if linked else "f" * 64
    rows.insert(i, foreign(i + 1, prev) if linked else foreign(i + 1, prev) | {"chain_hash": "e" * 64})
    if renumbered:
        rows = [row | {"seq": k + 1} for k, row in enumerate(rows)]
    faults = verify(rows, head)
    assert [(f.kind, f.seq) for f in faults] == [(FaultKind.INSERTION, i + 1)]
    assert verify(rows)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 9), data=st.data())
def test_a_cut_tail_is_found_with_the_head(n, data):
    rows = ledger(n)
    kept = data.draw(st.integers(0, n - 1))
    assert [(f.kind, f.seq) for f in verify(rows[:kept], head_of(rows))] == [(FaultKind.TRUNCATION, kept + 1)]
    assert verify(rows[:kept]) == []  # a shorter ledger is a ledger: only a head kept elsewhere shows it


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 9), data=st.data())
def test_a_chain_rewritten_to_its_end_is_found_with_the_head(n, data):
    rows = ledger(n)
    i = data.draw(st.integers(0, n - 1))
    forged = extend(head_of(rows[:i]), [replace(FIRST, game_id=f"other-{k}") for k in range(n - i)], "run-1", BOOKS)
    assert kinds(verify([*rows[:i], *forged], head_of(rows))) == {FaultKind.REWRITE}


def test_two_different_tampers_are_both_named():
    rows = ledger(8)
    head = head_of(rows)
    rows[1] = rows[1] | {"probability": 0.9}
    faults = verify([*rows[:4], *rows[5:7]], head)
    assert [(f.kind, f.seq) for f in faults] == [
        (FaultKind.EDIT, 2),
        (FaultKind.DELETION, 5),
        (FaultKind.TRUNCATION, 8),
    ]
