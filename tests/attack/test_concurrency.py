"""Two at once, and a server that goes away."""

import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from aipro_ml import logs
from aipro_ml.cli import app
from aipro_ml.db.engine import open_database
from aipro_ml.db.repositories import reference


def test_a_second_import_waits_for_the_first_beyond_the_usual_lock_timeout(database_settings):
    hurried = open_database(database_settings.model_copy(update={"lock_timeout_s": 1}))
    took = []

    def second():
        started = time.monotonic()
        with hurried.begin() as connection:
            reference.lock_sport(connection, "NFL")
            took.append(time.monotonic() - started)
            took.append(connection.scalar(sa.text("SHOW lock_timeout")))

    with hurried.connect() as first:
        first.begin()
        reference.lock_sport(first, "NFL")
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(1.5)
        first.commit()
        waiting.join(timeout=30)
    hurried.dispose()
    assert took[0] > 1.0
    assert took[1] == "1s"  # the usual patience is back


def _fails(monkeypatch, error):
    def run():
        raise error

    monkeypatch.setattr(app, "app", run)
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_lost_server_is_one_line_and_exit_code_1(monkeypatch, capfd, wrapped):
    lost = psycopg.errors.AdminShutdown("terminating connection due to administrator command\nSSL connection closed")
    error = sa.exc.OperationalError("SELECT 1", {}, lost)
    error.__cause__ = lost
    assert _fails(monkeypatch, error if wrapped else lost) == 1
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "terminating connection" in told
    assert "SELECT" not in told


def test_a_full_disk_is_one_line_and_exit_code_1(monkeypatch, capfd):
    assert _fails(monkeypatch, OSError(28, "No space left on device", "/x/model.json")) == 1
    assert capfd.readouterr().err == "error: /x/model.json: No space left on device; nothing is half written\n"


def test_a_log_on_a_full_disk_adds_no_word_to_what_is_told(tmp_path, capfd):
    (tmp_path / "aipro.log").symlink_to("/dev/full")
    logger = logging.getLogger("aipro_ml")
    logs.configure(level="error", as_json=False, folder=tmp_path)
    try:
        logger.debug("told")
        assert capfd.readouterr().err == ""
    finally:
        for handler in logger.handlers:
            with suppress(OSError):
                handler.close()
        logger.handlers.clear()


def test_an_unexpected_error_is_one_line_and_exit_code_2(monkeypatch, capfd):
    assert _fails(monkeypatch, ValueError("a\nb\nc")) == 2
    assert capfd.readouterr().err.count("\n") == 1


def _books(names):
    return pd.DataFrame({"name": names, "is_sharp": False})


def _stores_books(engine, names, errors):
    try:
        with engine.begin() as connection:
            reference.save_books(connection, _books(names), datetime(2026, 1, 1, tzinfo=UTC))
    except (sa.exc.OperationalError, psycopg.OperationalError) as error:
        errors.append(str(error))


def _wait_until(engine, statement, count):
    for _ in range(200):
        with engine.connect() as connection:
            if connection.scalar(sa.text(statement)) >= count:
                return
        time.sleep(0.05)
    pytest.fail(f"never {count}: {statement}")


def test_two_sports_that_bring_the_same_books_crosswise_do_not_lock_each_other_out(engine):
    """A third one holds the book in the middle until both have begun, so that each has its own first one."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    names, errors = ["Alpha", "Middle", "Omega"], []
    with engine.connect() as third:
        third.begin()
        reference.save_books(third, _books(["Middle"]), datetime(2026, 1, 1, tzinfo=UTC))
        both = [threading.Thread(target=_stores_books, args=(engine, order, errors)) for order in (names, names[::-1])]
        for number, one in enumerate(both, start=1):
            one.start()
            _wait_until(engine, waiting, number)
        third.rollback()
        for one in both:
            one.join(timeout=30)
    assert errors == []
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sportsbooks")) == 3
