"""The one door to Ray: a connection to a running cluster, or to one of this machine that ends with its use."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from aipro_ml.errors import AiproError, UsageError

ANSWER_S = 5.0
"""Seconds a cluster's head may take to answer."""

_SESSIONS: list[ExitStack] = []
"""The sessions under way, outermost first."""


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Yield the ray module, connected to `address` (host:port, `auto`; None: a cluster of this machine alone).

    Where this process is connected already, as in a task of a cluster, it stays so and `address` is not asked.
    UsageError where Ray is not installed, AiproError where the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a training tells nobody that it runs
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # 30 are too few for a busy machine
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed: pip install 'aipro-ml[cluster]'") from error
    _require_answer(address)
    was_connected = ray.is_initialized()
    if not was_connected:
        # "local": without an address Ray would look for a cluster of somebody else on this machine
        ours: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
        try:
            ray.init(**ours, logging_level="ERROR", log_to_driver=False)
        except Exception as error:  # a node that does not begin in time is a bare Exception
            told = " ".join(str(error).split())[:300]
            raise AiproError(f"Ray cluster {address or '(local)'}: {told}") from error
    try:
        yield ray
    finally:
        if not was_connected:
            ray.shutdown()


@contextmanager
def session() -> Iterator[None]:
    """Keep what `at_hand` connects until the end of the session: a cluster takes seconds to begin."""
    with ExitStack() as stack:
        _SESSIONS.append(stack)
        try:
            yield
        finally:
            _SESSIONS.remove(stack)


@contextmanager
def at_hand() -> Iterator[Any]:
    """Yield the ray module, connected to the cluster this process is in, else to one of this machine alone."""
    if _SESSIONS:
        yield _SESSIONS[0].enter_context(connected(None))
        return
    with connected(None) as ray:
        yield ray


def _require_answer(address: str | None) -> None:
    """Raise where nothing listens at host:port: Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        raise AiproError(f"Ray cluster {address}: nothing answers there ({error}); see `ray status`") from error
