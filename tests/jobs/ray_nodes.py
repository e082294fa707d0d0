"""Ray nodes on this machine, begun as an operator would, for the tests of the executor."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

_AGENT_PORTS = ("dashboard-agent-listen", "dashboard-agent-grpc", "metrics-export", "runtime-env-agent")

ATTEMPTS, PATIENCE_S = 2, 90


@contextmanager
def ray_nodes(count: int, folder: Path) -> Iterator[str]:
    """Yield the address of a cluster of `count` nodes of one processor each; they end with the block.

    The agents' ports are given: where Ray chooses them a node dies that takes more than 15 s to begin.
    """
    head = _free_port()
    address = f"127.0.0.1:{head}"
    first = ["--head", f"--port={head}", "--include-dashboard=false"]
    with ExitStack() as nodes:
        for number in range(count):
            options = first if number == 0 else [f"--address={address}"]
            nodes.callback(_end, _begun(options, folder / f"node{number}.log"))
        yield address


def _begun(options: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Return a running node, begun again where it hangs; skip where that too does not help: no machine for Ray."""
    for _ in range(ATTEMPTS):
        process = _node(options, log)
        try:
            _await_begun(process, log)
            return process
        except RuntimeError as error:
            _end(process)
            problem = error
    pytest.skip(f"Ray's nodes do not begin on a machine as busy as this one: {problem}")


def _end(process: subprocess.Popen[bytes]) -> None:
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
    limit = time.monotonic() + PATIENCE_S
    while "Ray runtime started" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"a Ray node did not begin:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
