"""`python -m benchmarks.api_load`: the read API under a steady load; each request begins when it is due.

The server is `aipro api serve`, a process of its own; the latency of a request is counted from when it was due, so
that a server that stalls is charged for everybody who waited. It is asked by aiohttp on uvloop: httpx needs as much of
the processors as the server itself.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import httpx
import numpy as np
import psutil
import uvloop
from rich.console import Console

from aipro_ml.config import Settings
from aipro_ml.jobs import database
from benchmarks.api_rows import SPORT, fill, prediction_ids, reader_key
from benchmarks.league import settings_of

PATIENCE_S = 30.0
SEED = 7


@dataclass
class Outcome:
    """What came of the requests: latencies in ms from when each was due, statuses, and what failed."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)  # ms this program itself began a request too late

    def lines(self, seconds: float, cpu: float) -> list[str]:
        """Return the figures in words."""
        p50, p95, p99, top = np.percentile(self.latencies, [50, 95, 99, 100])
        count = len(self.latencies)
        return [
            f"{count} requests in {seconds:.1f} s ({count / seconds:.0f} a second), statuses {dict(self.statuses)}, "
            f"errors {dict(self.errors) or 'none'}",
            f"latency from when due, ms: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, longest {top:.0f} "
            f"(begun late by this program: p99 {np.percentile(self.late, 99):.1f})",
            f"the server's processor time: {cpu:.1f} s, {cpu / max(count, 1) * 1000:.2f} ms a request",
        ]

    @property
    def is_clean(self) -> bool:
        """Return whether every request was answered as it should be."""
        return not self.errors and set(self.statuses) <= {200, 304}


def paths(ids: list[str], count: int) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether a tag is shown) of so many requests, the same ones each time."""
    chance = random.Random(SEED)
    for _ in range(count):
        kind = chance.random()
        if kind < 0.45:
            day = f"2030-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
            yield f"/v1/predictions?sport={SPORT}&since={day}&limit=50&tier={chance.choice('ABCD')}", False
        elif kind < 0.65:
            yield f"/v1/predictions/{chance.choice(ids)}", False
        elif kind < 0.80:
            yield "/v1/ledger/head", chance.random() < 0.8
        elif kind < 0.90:
            yield "/v1/results?limit=20", chance.random() < 0.5
        elif kind < 0.95:
            yield "/v1/models", True
        else:
            yield "/v1/bankroll", False


async def load(url: str, key: str, ids: list[str], rate: float, seconds: float) -> Outcome:
    """Ask at a steady rate and return what came of it."""
    outcome, tags, count = Outcome(), {}, int(rate * seconds)
    connections, patience = aiohttp.TCPConnector(limit=200), aiohttp.ClientTimeout(PATIENCE_S)
    async with aiohttp.ClientSession(
        url, headers={"X-API-Key": key}, connector=connections, timeout=patience
    ) as client:

        async def ask(path: str, shows: bool, due: float) -> None:
            outcome.late.append((time.perf_counter() - due) * 1000)
            headers = {"If-None-Match": tags[path]} if shows and path in tags else {}
            try:
                async with client.get(path, headers=headers) as answer:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                outcome.errors[type(error).__name__] += 1
                return
            outcome.latencies.append((time.perf_counter() - due) * 1000)
            outcome.statuses[answer.status] += 1
            if "ETag" in answer.headers:
                tags[path] = answer.headers["ETag"]

        begun, tasks = time.perf_counter(), set()
        for number, (path, shows) in enumerate(paths(ids, count)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.add(asyncio.create_task(ask(path, shows, due)))
        await asyncio.gather(*tasks)
    return outcome


@contextmanager
def serving(settings: Settings, workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the address of `aipro api serve` and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "aipro_ml", "api", "serve", "--port", str(port), "--workers", str(workers)]
    environment = {**os.environ, "AIPRO_HOME": str(settings.home), "AIPRO_LOG_LEVEL": "error"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, server)
        yield url, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def committing(settings: Settings, per_second: float) -> Iterator[None]:
    """Commit so often beside, from a thread: the API then keeps no answer for longer than its second."""
    ended = threading.Event()

    def commit() -> None:
        with database.opened(settings) as engine:
            while not ended.wait(1 / per_second):
                with engine.begin() as connection:
                    connection.exec_driver_sql("SELECT pg_current_xact_id()")

    thread = threading.Thread(target=commit)
    if per_second > 0:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if per_second > 0:
            thread.join()


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 180
    while server.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{url}/v1/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("the API did not begin to answer")


def _processor(server: psutil.Process) -> float:
    """Return the seconds of processor the server and its workers used."""
    every = [server, *server.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in every if each.is_running())


def main() -> None:
    """Measure and print; exit code 1 where a request failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_load", description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--predictions", type=int, default=20_000, help="published ones in the database")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--commits", type=float, default=0.0, help="a second, beside: then no answer is kept for long")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind
    console, home = Console(width=150, highlight=False), Path(tempfile.mkdtemp(prefix="aipro-api-load-"))
    home.chmod(0o755)  # the embedded server does not run as root
    settings = settings_of(home)
    try:
        with database.opened(settings) as engine:
            with engine.begin() as connection:
                fill(connection, asked.predictions)
                ids = prediction_ids(connection, 500)
            key = reader_key(engine, 20_000)
        with database.opened(settings, "owner") as owner:  # what autovacuum does in time
            owner.connect().execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
        with serving(settings, asked.workers) as (url, server), committing(settings, asked.commits):
            warm = uvloop.run(load(url, key, ids, 50, 3))
            before, since = _processor(server), time.perf_counter()
            outcome = uvloop.run(load(url, key, ids, asked.rate, asked.seconds))
            took, spent = time.perf_counter() - since, _processor(server) - before
        facts = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {asked.workers} worker(s)"
        beside = f"{asked.predictions:,} predictions, {asked.commits:g} commits a second beside"
        console.print(f"{facts}, {beside}, {asked.rate:g} requests a second asked")
        for line in outcome.lines(took, spent):
            console.print(line)
        if not (outcome.is_clean and warm.is_clean):
            sys.exit(1)
    finally:
        database.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
