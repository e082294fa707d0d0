"""Ray nodes on this machine, begun as an operator would, for the tests of the executor."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_AGENT_PORTS = ("dashboard-agent-listen", "dashboard-agent-grpc", "metrics-export", "runtime-env-agent")


@contextmanager
def ray_nodes(count: int, folder: Path) -> Iterator[str]:
    """Yield the address of a cluster of `count` nodes of one processor each; they end with the block.

    The agents' ports are given: where Ray chooses them a node dies that takes more than 15 s to begin.
    """
    head, begun = _free_port(), []
    address = f"127.0.0.1:{head}"
    first = ["--head", f"--port={head}", "--include-dashboard=false"]
    try:
        for number in range(count):
            log = folder / f"node{number}.log"
            begun.append(_node(first if number == 0 else [f"--address={address}"], log))
            _await_begun(begun[-1], log)
        yield address
    finally:
        for process in reversed(begun):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _node(options: list[str], log: Path) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("ray")
    ports = [f"--{name}-port={_free_port()}" for name in _AGENT_PORTS]
    command = [str(program), "start", "--block", "--num-cpus=1", "--disable-usage-stats", *options, *ports]
    environment = {**os.environ, "RAY_raylet_start_wait_time_s": "300"}
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)


def _await_begun(process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 300
    while "Ray runtime started" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"a Ray node did not begin:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
