"""Random tampers of a stored ledger, as its owner could make them: every one is found and rightly named."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
import sqlalchemy as sa

from aipro_ml.db.models.warehouse import FactPrediction
from aipro_ml.db.repositories.predictions import ledger_rows
from aipro_ml.enums import BetType, Selection
from aipro_ml.inference.ledger import GENESIS, FaultKind, Head, chain_hash_of, extend, head_of, verify
from aipro_ml.inference.ledger_export import export_lines, read_export, verify_against
from aipro_ml.inference.prediction import prediction_hash_of
from tests.fixtures_platform import NOW, Platform
from tests.inference.test_ledger import FIRST
from tests.soak import size

Row = dict[str, Any]
Named = set[tuple[FaultKind, int]]
OTHER = {"bet_type": ("spread", "total"), "predicted_side": ("home", "away"), "signal_tier": ("A", "B")}
FORGED = replace(FIRST, game_id=str(uuid4()), model_id=str(uuid4()), book=None, bet_type=BetType.MONEYLINE)
COLUMNS = [column.name for column in FactPrediction.__table__.columns]
UNHASHED = ("id", "prev_hash", "chain_hash", "seq", "prediction_hash")


def other(column: str, value: Any, rng: np.random.Generator) -> Any:
    """Another value the column can hold."""
    if column in OTHER:
        return OTHER[column][value == OTHER[column][0]]
    if column.endswith(("_hash", "_version")):
        return rng.bytes(32).hex()
    if column.endswith("id"):
        return UUID(bytes=rng.bytes(16))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=int(rng.integers(1, 10**9)) * 10**3)
    return number(column, value or 0.0, rng)


def number(column: str, value: float, rng: np.random.Generator) -> float:
    if column in {"odds_at_prediction", "seq"}:
        return int(rng.integers(10_000, 20_000))
    more = value + float(rng.integers(1, 900)) / 1000
    return more if column in {"edge", "ev", "line_at_prediction"} else round(more, 6) % 1.0


def rehashed(row: Row) -> Row:
    row = row | {"prediction_hash": prediction_hash_of(row)}
    return row | {"chain_hash": chain_hash_of(row)}


def foreign(seq: int, prev_hash: str) -> Row:
    (row,) = extend(Head(seq - 1, prev_hash), [replace(FORGED, probability=0.3 + seq / 1000)], str(uuid4()), {}, NOW)
    return row


def edit(rows: list[Row], rng: np.random.Generator, column: str | None = None) -> Named:
    i = int(rng.integers(0, len(rows)))
    column = column or str(rng.choice(COLUMNS))
    rows[i] = rows[i] | {column: other(column, rows[i][column], rng)}
    rows.sort(key=lambda row: row["seq"])  # as the table is read
    return {(FaultKind.EDIT, i + 1)}


def edit_and_hash_anew(rows: list[Row], rng: np.random.Generator) -> Named:
    i = int(rng.integers(0, len(rows) - 1))
    column = str(rng.choice([name for name in COLUMNS if name not in UNHASHED]))
    rows[i] = rehashed(rows[i] | {column: other(column, rows[i][column], rng)})
    return {(FaultKind.EDIT, i + 1)}


def delete(rows: list[Row], rng: np.random.Generator) -> Named:
    i = int(rng.integers(0, len(rows) - 1))
    del rows[i]
    maybe_renumber(rows, rng)
    return {(FaultKind.DELETION, i + 1)}


def swap(rows: list[Row], rng: np.random.Generator) -> Named:
    i, j = sorted(int(n) for n in rng.choice(len(rows), 2, replace=False))
    one, two = rows[i], rows[j]
    if rng.random() < 0.5:
        place = ("seq", "prev_hash", "chain_hash")
        rows[i], rows[j] = two | {name: one[name] for name in place}, one | {name: two[name] for name in place}
    else:
        rows[i], rows[j] = two | {"seq": i + 1}, one | {"seq": j + 1}
    return {(FaultKind.SWAP, i + 1), (FaultKind.SWAP, j + 1)}


def insert(rows: list[Row], rng: np.random.Generator) -> Named:
    i = int(rng.integers(0, len(rows)))
    rows.insert(i, foreign(i + 1, rows[i]["prev_hash"] if rng.random() < 0.5 else rng.bytes(32).hex()))
    for n, row in enumerate(rows):
        rows[n] = row | {"seq": n + 1}
    return {(FaultKind.INSERTION, i + 1)}


def truncate(rows: list[Row], rng: np.random.Generator) -> Named:
    kept = int(rng.integers(0, len(rows)))
    del rows[kept:]
    return {(FaultKind.TRUNCATION, kept + 1)}


def rewrite(rows: list[Row], rng: np.random.Generator) -> Named:
    """Forge a row and hash every one after it anew: a ledger without a fault, but not the one that was exported."""
    i, last = int(rng.integers(0, len(rows))), len(rows)
    column = str(rng.choice([name for name in COLUMNS if name not in UNHASHED]))
    rows[i] = rows[i] | {column: other(column, rows[i][column], rng)}
    for n in range(i, last):
        rows[n] = rehashed(rows[n] | {"prev_hash": rows[n - 1]["chain_hash"] if n else GENESIS.chain_hash})
    return {(FaultKind.REWRITE, i + 1)}


def maybe_renumber(rows: list[Row], rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        for n, row in enumerate(rows):
            rows[n] = row | {"seq": n + 1}


TAMPERS = (edit, edit_and_hash_anew, delete, swap, insert, truncate, rewrite)
SEEN_BY_A_HEAD_ALONE = (truncate, rewrite)


def check(tamper: Any, rows: list[Row], expected: Named, kept: tuple[Head, Any]) -> None:
    """Hold the tampered rows against nothing, a head and an export: what is found is what was done."""
    head, export = kept
    with_head = {(fault.kind, fault.seq) for fault in verify(rows, head)}
    with_file = {(fault.kind, fault.seq) for fault in verify_against(rows, export)}
    assert with_file == expected
    if tamper is rewrite:
        assert with_head == {(FaultKind.REWRITE, head.seq)}
        assert verify(rows) == []
    elif tamper is truncate:
        assert with_head == expected
        assert verify(rows) == []
    else:
        assert with_head == expected
        assert {(fault.kind, fault.seq) for fault in verify(rows)} == expected


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


@pytest.fixture
def untouched(published: Platform) -> list[Row]:
    with published.engine.connect() as connection:
        return ledger_rows(connection)


def kept_of(rows: list[Row]) -> tuple[Head, Any]:
    return head_of(rows), read_export(export_lines(rows, "2025-12-24T12:00:00Z"))


def test_an_edit_of_each_column_is_found_at_its_row(untouched: list[Row], rng: np.random.Generator) -> None:
    kept = kept_of(untouched)
    for column in COLUMNS:
        rows = list(untouched)
        check(edit, rows, edit(rows, rng, column), kept)


def test_random_tampers_are_found_and_rightly_named(untouched: list[Row], rng: np.random.Generator) -> None:
    kept = kept_of(untouched)
    for n in range(size(84, 840)):
        tamper, rows = TAMPERS[n % len(TAMPERS)], list(untouched)
        check(tamper, rows, tamper(rows, rng), kept)


def test_random_tampers_of_the_stored_table_are_found_and_rightly_named(
    published: Platform, untouched: list[Row], rng: np.random.Generator
) -> None:
    """The owner disables triggers, drops keys and writes what he likes; the ledger is read as the command reads it."""
    kept, owner, table = kept_of(untouched), published.owner(), FactPrediction.__table__
    keys = "SELECT conname FROM pg_constraint WHERE conrelid = 'fact_predictions'::regclass AND contype IN ('u', 'f')"
    for n in range(size(21, 161)):
        tamper, rows = TAMPERS[n % len(TAMPERS)], list(untouched)
        expected = tamper(rows, rng)
        with owner.connect() as connection:
            connection.execute(sa.text("ALTER TABLE fact_predictions DISABLE TRIGGER USER"))
            for name in connection.scalars(sa.text(keys)).all():
                connection.execute(sa.text(f'ALTER TABLE fact_predictions DROP CONSTRAINT "{name}"'))
            connection.execute(table.delete())
            if rows:
                connection.execute(table.insert(), [typed(row) for row in rows])
            stored = ledger_rows(connection)
            connection.rollback()
        check(tamper, stored, expected, kept)
    owner.dispose()


def typed(row: Row) -> Row:
    """The row as the table's columns take it."""
    return {
        name: UUID(value) if name.endswith("id") and isinstance(value, str) else value for name, value in row.items()
    }


def test_the_owner_s_tampers_are_of_rows_that_are_there(untouched: list[Row]) -> None:
    assert len(untouched) == 90
    assert Selection.HOME.value in OTHER["predicted_side"]
