"""The same rows from many at once: each is stored once, and nobody hears of the others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from aipro_ml.db.repositories import feature_store
from aipro_ml.identity import derive_id
from tests.soak import size

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HANDS = 4


def by_many(engine, act, rounds):
    """Let HANDS at once do `act(connection, round)`, each round together; return the errors."""
    start, errors = threading.Barrier(HANDS), []

    def work(_):
        for number in range(rounds):
            with engine.connect() as connection:
                connection.begin()
                connection.execute(sa.text("SELECT 1"))
                start.wait()
                try:
                    act(connection, number)
                    connection.commit()
                except sa.exc.DBAPIError as error:
                    errors.append(str(error).splitlines()[0])

    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(work, range(HANDS)))
    return errors


@pytest.fixture
def feature_set(engine):
    sport, key = derive_id("sport", "NFL"), derive_id("test set")
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO sports (id, code, name, created_at) VALUES (:id, 'NFL', 'NFL', '2026-01-01')"),
            {"id": sport},
        )
        connection.execute(
            sa.text(
                "INSERT INTO feature_sets (id, sport_id, bet_type, name, version, feature_names, view_ids, created_at)"
                " VALUES (:id, :sport, 'spread', 'x', '1', '[]', '[]', '2026-01-01')"
            ),
            {"id": key, "sport": sport},
        )
    return key


def test_one_dataset_noted_by_many_at_once_is_one_row(engine, feature_set):
    def note(connection, number):
        values = {"feature_set_id": feature_set, "data_hash": f"{number:064}", "row_count": 1, "file_path": "x"}
        feature_store.save_dataset(connection, {**values, "details": {"file_sha256": "y"}, "created_at": NOW})

    rounds = size(60, 2000)
    assert by_many(engine, note, rounds) == []
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM training_datasets")) == rounds
