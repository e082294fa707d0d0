"""Builds that are killed, interrupted or begun twice: what was written stays, and a rerun completes it."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from aipro_ml.db.models.feature_store import FeatureVector
from tests.fixtures_commands import begun
from tests.fixtures_platform import SPORT, Platform

BUILD = f"features build --sport {SPORT} --bet-type moneyline --no-verify"
FIRST, STUCK, LAST = 2023, 2024, 2025
"""The seasons whose vectors are missing; a build is held up while it writes the second of them."""

_VECTORS = (
    "FROM feature_vectors v JOIN feature_sets f ON f.id = v.feature_set_id JOIN games g ON g.id = v.game_id "
    "JOIN seasons s ON s.id = g.season_id WHERE f.bet_type = 'moneyline'"
)
_RUNS = (
    "SELECT m.status, m.rows_written, m.error_message, m.completed_at FROM feature_materializations m "
    "JOIN feature_sets f ON f.id = m.feature_set_id WHERE f.bet_type = 'moneyline' ORDER BY m.started_at, m.id"
)
_STUCK = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def hashes(platform: Platform, *seasons: int) -> dict[str, str]:
    where = f"SELECT v.game_id::text || v.as_of AS row, v.vector_hash {_VECTORS} AND s.year = ANY(:seasons)"
    return {row["row"]: row["vector_hash"] for row in platform.rows(where, seasons=list(seasons))}


def runs(platform: Platform) -> list[tuple[str, int | None]]:
    return [(row["status"], row["rows_written"]) for row in platform.rows(_RUNS)]


@dataclass(frozen=True)
class Unfinished:
    """A platform without some vectors, the hashes they had, and one row of those in the season STUCK."""

    platform: Platform
    before: dict[str, str]
    row: dict[str, Any]


@pytest.fixture
def unfinished(trained) -> Unfinished:
    """The trained league without the moneyline vectors of three seasons."""
    before = hashes(trained, FIRST, STUCK, LAST)
    stored = trained.rows(f"SELECT v.* {_VECTORS} AND s.year = {STUCK} LIMIT 1")[0]
    row = {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in stored.items()}
    owner = trained.owner()
    with owner.begin() as connection:
        gone = f"SELECT v.id {_VECTORS} AND s.year >= {FIRST}"
        connection.execute(sa.text(f"DELETE FROM feature_vectors WHERE id IN ({gone})"))
    owner.dispose()
    assert len(before) > 600
    return Unfinished(trained, before, row)


@contextmanager
def held_up(unfinished: Unfinished) -> Iterator[None]:
    """Hold a row that a build has to write in the season STUCK, so that it waits in the middle of its transaction."""
    with unfinished.platform.engine.connect() as connection:
        connection.execute(sa.insert(FeatureVector).values(unfinished.row))
        yield
        connection.rollback()


def wait_for(child: subprocess.Popen[str], true: Callable[[], bool], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def is_complete(platform: Platform, before: dict[str, str]) -> bool:
    """Return whether every game decided has one vector, and each that was there before is what it was."""
    now = hashes(platform, FIRST, STUCK, LAST)
    one_each = platform.rows(f"SELECT count(*) AS n, count(DISTINCT v.game_id) AS games {_VECTORS}")[0]
    games = platform.one("SELECT count(*) FROM games")
    return one_each == {"n": games, "games": games} and before.items() <= now.items()


def test_a_build_killed_in_the_middle_is_completed_by_the_next(unfinished):
    platform, before = unfinished.platform, unfinished.before
    done = len(runs(platform))
    with held_up(unfinished):
        child = begun(platform, BUILD)
        wait_for(child, lambda: platform.one(_STUCK) > 0)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    left = hashes(platform, FIRST, STUCK, LAST)
    assert left == hashes(platform, FIRST) != {}
    assert [status for status, _ in runs(platform)[done:]] == ["completed", "running"]

    again = begun(platform, BUILD)
    told = again.communicate()
    assert again.returncode == 0, told
    assert is_complete(platform, before)
    statuses = runs(platform)[done:]
    assert [status for status, _ in statuses] == ["completed", "failed", "completed", "completed"]
    assert platform.rows(_RUNS)[done + 1]["error_message"] == "the process ended"
    assert platform.rows(_RUNS)[done + 1]["completed_at"] is not None
    assert sum(written or 0 for _, written in statuses) == len(hashes(platform, FIRST, STUCK, LAST))


def test_ctrl_c_leaves_whole_seasons_and_says_to_run_it_again(unfinished):
    platform = unfinished.platform
    done = len(runs(platform))
    with held_up(unfinished):
        child = begun(platform, BUILD)
        wait_for(child, lambda: platform.one(_STUCK) > 0)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert told.strip() == "interrupted; nothing is half written, run the same command again"
    assert hashes(platform, STUCK, LAST) == {}
    assert hashes(platform, FIRST) != {}
    stopped = platform.rows(_RUNS)[done:]
    assert [row["status"] for row in stopped] == ["completed", "failed"]
    assert stopped[1]["error_message"].startswith("KeyboardInterrupt")


def test_a_second_build_waits_for_the_first_and_finds_nothing_to_do(unfinished):
    platform, before = unfinished.platform, unfinished.before
    waiting = f"{_STUCK} AND wait_event = 'advisory'"
    with held_up(unfinished):
        first = begun(platform, BUILD)
        wait_for(first, lambda: platform.one(_STUCK) > 0)
        second = begun(platform, f"{BUILD} --json")
        wait_for(second, lambda: platform.one(waiting) > 0)
        assert second.poll() is None
    assert first.communicate()
    out, told = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), told
    assert '"missing": 0' in out
    assert '"written": 0' in out
    assert is_complete(platform, before)
