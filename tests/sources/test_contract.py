"""Every registered reading of every source keeps the contract."""

import dataclasses
import importlib
from pathlib import Path

import pandas as pd
import pytest

from tests.sources import contract

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("readings_*.py"))
READINGS = [reading for module in MODULES for reading in importlib.import_module(f"tests.sources.{module}").READINGS]
FILES = [reading for reading in READINGS if isinstance(reading.content, bytes) and reading.is_text]
FAULTS = sorted(contract.byte_faults(b"some content"))


def test_every_reading_has_a_name_of_its_own():
    names = [reading.name for reading in READINGS]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
def test_a_source_keeps_the_contract(reading):
    contract.check_source(reading)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("reading", FILES, ids=lambda reading: reading.name)
def test_damaged_bytes_are_one_clear_error(reading, fault):
    outcome = contract.outcome_of(reading, contract.byte_faults(reading.content)[fault])
    assert isinstance(outcome, contract.DataFileError)
    assert str(outcome).startswith(outcome.file)


@pytest.mark.parametrize(
    ("frame", "column", "value"),
    [
        ("games", "home", "NOBODY"), ("games", "game", "same"), ("games", "status", "done"),
        ("games", "kickoff_estimated", None), ("games", "home_score", None), ("games", "season", 1900),
        ("quotes", "price", 99), ("quotes", "selection", "both"), ("quotes", "line", 1.3), ("quotes", "book", "x"),
        ("quotes", "game", "none"), ("closing", "closed_at", pd.Timestamp("2099-01-01", tz="UTC")),
        ("teams", "team", "same"),
    ],
)  # fmt: skip
def test_the_contract_notices_what_breaks_it(frame, column, value):
    batch = READINGS[0].read(READINGS[0].content)
    whole = getattr(batch, frame)
    broken = whole.assign(**{column: pd.Series(value, index=whole.index, dtype=whole[column].dtype)})
    with pytest.raises(AssertionError):
        contract.check_batch(dataclasses.replace(batch, **{frame: broken}))


def test_the_contract_notices_a_missing_column():
    batch = READINGS[0].read(READINGS[0].content)
    with pytest.raises(AssertionError):
        contract.check_batch(dataclasses.replace(batch, games=batch.games.drop(columns="week")))
