"""An exported ledger proves itself, names what was done to the ledger since, and proves single rows under its root."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference.ledger import GENESIS, FaultKind, chain_hash_of, extend, head_of, is_chained, verify
from aipro_ml.inference.ledger_export import export_lines, proof_of, read_export, verify_against
from aipro_ml.inference.merkle import root_of_path
from aipro_ml.inference.prediction import prediction_hash_of
from tests.inference.test_ledger import BOOKS, FIRST

WRITTEN = datetime(2022, 9, 11, 16, 59, 3, tzinfo=UTC)


def ledger(n, first=0.4):
    predictions = [replace(FIRST, game_id=f"game-{i}", probability=first + i / 1000) for i in range(n)]
    return extend(GENESIS, predictions, "run-1", BOOKS, WRITTEN)


def exported(rows):
    return list(export_lines(rows, "2022-09-11T17:00:00Z"))


def told(rows, export):
    return [(fault.kind, fault.seq, fault.message) for fault in verify_against(rows, export)]


@pytest.mark.parametrize("n", [0, 1, 7])
def test_an_export_is_read_back_and_the_ledger_it_came_from_has_no_fault(n):
    rows = ledger(n)
    export = read_export(exported(rows))
    assert export.head == head_of(rows)
    assert verify_against(rows, export) == []
    assert verify_against(ledger(n + 3), export) == []  # rows after it are growth


def test_a_chain_rewritten_to_its_end_is_named_row_by_row_with_what_each_was():
    rows = ledger(6)
    export = read_export(exported(rows))
    forged = [replace(FIRST, game_id=f"game-{i}", probability=0.4 + i / 1000 + (i == 3) / 10) for i in range(6)]
    other = extend(GENESIS, forged, "run-1", BOOKS, WRITTEN)
    assert verify(other) == []
    ((kind, seq, message),) = told(other, export)
    assert (kind, seq) == (FaultKind.REWRITE, 4)
    assert "probability was 0.403, is 0.503" in message


def test_an_edit_is_told_with_what_the_column_was():
    rows = ledger(4)
    export = read_export(exported(rows))
    rows[1] = rows[1] | {"ev": 0.5, "created_at": datetime(2022, 9, 11, 12, tzinfo=UTC)}
    ((kind, seq, message),) = told(rows, export)
    assert (kind, seq) == (FaultKind.EDIT, 2)
    assert message.endswith("created_at was 2022-09-11T16:59:03Z, is 2022-09-11T12:00:00Z; ev was 0.05, is 0.5")


def test_deletions_swaps_and_cut_tails_keep_their_names():
    rows = ledger(6)
    export = read_export(exported(rows))
    assert [fault[:2] for fault in told([*rows[:2], *rows[3:]], export)] == [(FaultKind.DELETION, 3)]
    assert [fault[:2] for fault in told(rows[:4], export)] == [(FaultKind.TRUNCATION, 5)]


@pytest.mark.parametrize("line", range(5))
@pytest.mark.parametrize("part", ["rows", "head", "merkle_root", "seq", "prediction", "chain", "chain_hash", "gone"])
def test_a_file_that_was_changed_does_not_pass_for_an_export(line, part):
    lines = exported(ledger(4))
    if part == "gone":
        del lines[line]
    else:
        row = json.loads(lines[line])
        if part not in row:
            return
        row[part] = row[part] + 1 if isinstance(row[part], int) else row[part].replace("4", "5", 1) + "0"
        lines[line] = json.dumps(row)
    with pytest.raises(AiproError, match="line"):
        read_export(lines)


@pytest.mark.parametrize("said", ["no json", "[]", '"x"', "[" * 100_000], ids=["text", "list", "word", "deep"])
def test_an_export_whose_hashes_fit_but_that_says_nothing_is_refused(said):
    lines = exported(ledger(1))
    row = json.loads(lines[1])
    digest = hashlib.sha256(said.encode()).hexdigest()
    chain = row["chain"].replace(row["prediction_hash"], digest)
    row |= {"prediction": said, "prediction_hash": digest, "chain": chain}
    row["chain_hash"] = hashlib.sha256(chain.encode()).hexdigest()
    lines[1] = json.dumps(row)
    with pytest.raises(AiproError, match="line 2"):
        read_export(lines)


@pytest.mark.parametrize(
    "text",
    ["", "[" * 100_000, "no json", "[1]", "{}", '{"format": "aipro-ledger-2"}'],
    ids=lambda text: text[:10] or "nothing",
)
def test_what_is_no_export_is_refused(text):
    with pytest.raises(AiproError, match="line 1"):
        read_export([text])


@pytest.mark.parametrize("size", [None, 5, 7])
def test_a_proof_leads_from_the_row_to_the_root_and_no_further(size):
    rows = ledger(7)
    proof = proof_of(rows, rows[4]["prediction_id"][:13], size)
    path = [bytes.fromhex(node) for node in proof["path"]]
    root = root_of_path(bytes.fromhex(proof["chain_hash"]), proof["seq"] - 1, proof["rows"], path)
    assert root.hex() == proof["merkle_root"] == json.loads(exported(rows[:size])[0])["merkle_root"]


def test_a_proof_of_what_is_not_there_is_refused():
    rows = ledger(7)
    with pytest.raises(UsageError, match="0 predictions begin with"):
        proof_of(rows, "zz")
    with pytest.raises(UsageError, match="7 predictions begin with"):
        proof_of(rows, "")
    with pytest.raises(UsageError, match="not among the first 4"):
        proof_of(rows, rows[4]["prediction_id"], 4)


def test_rows_of_before_whose_chain_does_not_cover_the_time_of_writing_still_hold():
    old = extend(GENESIS, [replace(FIRST, game_id=f"game-{i}") for i in range(3)], "run-1", BOOKS)
    stored = [row | {"created_at": WRITTEN} for row in old]
    new = extend(head_of(old), [replace(FIRST, game_id="game-9")], "run-2", BOOKS, WRITTEN)
    assert verify([*stored, *new]) == []
    assert verify_against([*stored, *new], read_export(exported([*stored, *new]))) == []
    assert is_chained(stored[0])
    assert prediction_hash_of(stored[0]) == stored[0]["prediction_hash"]
    assert chain_hash_of(new[0]) == new[0]["chain_hash"]
    later = [*stored, new[0] | {"created_at": datetime(2022, 9, 11, 17, tzinfo=UTC)}]
    assert [fault.kind for fault in verify(later, head_of(new))] == [FaultKind.EDIT]
