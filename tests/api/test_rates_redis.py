"""Rates in a real Redis: processes share one count, and answer while it hangs or is gone, and when it is back."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aipro_ml.api.rest import rates
from aipro_ml.api.rest.rates import Rates
from aipro_ml.enums import UserRole
from tests.fixtures_api import World

PROGRAM = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no program redis-server on this machine")
PASSWORD = "planted-redis-5d1c7a"


class Redis:
    """A Redis server of the test's own, on a free port of this machine, that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--dir", str(self.folder)]
        command = [str(PROGRAM), *own, "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: answers(self.port))

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.end()


def test_a_redis_that_hangs_is_waited_for_once_and_asked_again_later(redis, caplog):
    ticks = [0.0]
    one, other = (Rates(redis.url, ticks=lambda: ticks[0]) for _ in range(2))
    assert [each.spend(3, "key", "a").allowed for each in (one, other, one, other)] == [True, True, True, False]
    redis.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    alone = [one.spend(3, "key", "a").allowed for _ in range(50)]
    assert alone == [True] * 3 + [False] * 47  # this process's own count, and no more than the rate
    assert time.monotonic() - begun < 10  # a second for the first, none for the others
    redis.process.send_signal(signal.SIGCONT)
    assert not one.spend(3, "key", "a").allowed
    assert one.spend(3, "key", "b").remaining == 2
    ticks[0] += rates.AWAY_S
    assert one.spend(3, "key", "b").remaining == 2  # counted together again: the other process sees it
    assert other.spend(3, "key", "b").remaining == 1
    assert [line.split(":")[0] for line in caplog.messages] == [
        "the store of rates does not answer (TimeoutError)",
        "the store of rates answers again",
    ]


def test_a_redis_that_refuses_the_password_is_told_without_it(redis, caplog):
    wrong = Rates(redis.url.replace(PASSWORD, "another"))
    assert [wrong.spend(2, "key", "a").allowed for _ in range(3)] == [True, True, False]
    assert "AuthenticationError" in caplog.text
    assert "another@" not in caplog.text


@pytest.fixture
def two_workers(world: World, redis: Redis, tmp_path: Path) -> Iterator[str]:
    """The address of `aipro api serve --workers 2` on the world's database, counting in this Redis."""
    port, settings = free_port(), world.settings
    told = {
        "AIPRO_HOME": str(tmp_path / "home"),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATABASE_OWNER_URL": settings.database_owner_url.get_secret_value(),
        "AIPRO_API_RATE_STORE": redis.url,
    }
    command = [str(Path(sys.executable).with_name("aipro")), "api", "serve", "--workers", "2", "--port", str(port)]
    with (tmp_path / "served.log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log)
        try:
            until(lambda: answers(port), 240)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    assert "Traceback" not in (tmp_path / "served.log").read_text(encoding="utf-8")


def asked(address: str, key: str, count: int) -> Counter:
    """Return the statuses of so many requests, each on a connection of its own: any worker may have it."""
    shown = {"X-API-Key": key, "Connection": "close"}
    return Counter(httpx.get(f"{address}/v1/ledger/head", headers=shown, timeout=240).status_code for _ in range(count))


def test_two_workers_share_one_count_and_answer_while_redis_is_away(world, redis, two_workers):
    keys = [world.key(UserRole.ADMIN, per_minute=20) for _ in range(3)]
    assert asked(two_workers, keys[0], 40) == {200: 20, 429: 20}
    redis.end()
    away = asked(two_workers, keys[1], 60)
    assert away[200] + away[429] == 60  # no 5xx
    assert 20 <= away[200] <= 40  # each worker for itself: at most the rate of each
    redis.start()
    time.sleep(rates.AWAY_S)
    assert asked(two_workers, keys[2], 40) == {200: 20, 429: 20}
