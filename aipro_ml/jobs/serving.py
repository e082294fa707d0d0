"""What must hold before the read API is served: the extra, the database, and that secrets travel safely."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.db import engine as database
from aipro_ml.errors import AiproError, GuardError, MissingFileError, UsageError
from aipro_ml.jobs.database import opened

PATIENCE_S = 15
"""Seconds a statement may take: who asks over HTTP does not wait longer."""

WRITERS = 4
"""Connections for what is written: logins, bets, and who a key belongs to."""

STORES = ("redis", "rediss")
NEEDED = ("fastapi", "uvicorn", "limits")


@dataclass(frozen=True)
class Serving:
    """How the API is to be served: where, by how many processes, under which certificate, behind which proxies."""

    host: str
    port: int
    workers: int = 1
    certificate: Path | None = None
    private_key: Path | None = None
    proxies: tuple[str, ...] = ()


def prepare(settings: Settings, serving: Serving) -> list[str]:
    """Bring the database up and return what a person should know; nothing is served yet.

    UsageError without the extra or for half a certificate; GuardError where profile `production` lacks what it needs.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(f"the API needs {', '.join(missing)}: install the extra, `pip install 'aipro-ml[api]'`")
    _check_certificate(serving)
    _check_store(settings)
    _check_place(serving)
    if settings.profile == "production":
        _refuse_unsafe(settings, serving)
    with opened(settings):
        pass  # an embedded database is made and migrated before several workers would
    return _remarks(settings, serving)


@contextmanager
def engines(settings: Settings) -> Iterator[tuple[Engine, Engine]]:
    """Yield (an engine that can only read, an engine that writes), both of them with little patience."""
    hasty = {"statement_timeout_s": min(PATIENCE_S, settings.statement_timeout_s)}
    with opened(settings.model_copy(update={**hasty, "pool_size": WRITERS})) as writer:
        reader = database.open_reader(settings.model_copy(update=hasty))
        try:
            yield reader, writer
        finally:
            reader.dispose()


def _check_certificate(serving: Serving) -> None:
    if (serving.certificate is None) != (serving.private_key is None):
        raise UsageError("--certificate and --private-key go together")
    for path in (serving.certificate, serving.private_key):
        if path is not None and not path.is_file():
            raise MissingFileError("is not there", file=str(path))


def _check_place(serving: Serving) -> None:
    """Refuse an address that cannot be listened on, in one line instead of a worker's."""
    try:
        found = socket.getaddrinfo(serving.host, serving.port, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[0][4])
    except OSError as error:
        place = f"{serving.host}:{serving.port}"
        raise AiproError(
            f"{place}: cannot be listened on ({error.strerror}): choose another --host or --port"
        ) from error


def _check_store(settings: Settings) -> None:
    """Refuse a store of rates this machine cannot use, before a worker would end of it."""
    if settings.api_rate_store is None:
        return
    scheme, found, _ = settings.api_rate_store.get_secret_value().partition("://")
    if not found or scheme not in STORES:
        raise UsageError("AIPRO_API_RATE_STORE: give an address such as redis://host:6379/0")
    if find_spec("redis") is None:
        raise UsageError("AIPRO_API_RATE_STORE needs the package redis: `pip install redis`")


def _refuse_unsafe(settings: Settings, serving: Serving) -> None:
    if settings.secret_key is None:
        raise GuardError("profile production needs AIPRO_SECRET_KEY: second factors are sealed with it")
    if serving.certificate is None and not is_loopback(serving.host):
        raise GuardError(
            f"profile production refuses to hear keys and passwords on {serving.host} without TLS: give --certificate "
            "and --private-key, or listen on 127.0.0.1 behind a proxy that has TLS"
        )
    if serving.workers > 1 and settings.api_rate_store is None:
        raise GuardError("profile production counts rates for all workers together: set AIPRO_API_RATE_STORE")


def _remarks(settings: Settings, serving: Serving) -> list[str]:
    told = []
    if serving.workers > 1 and settings.api_rate_store is None:
        told.append("each worker counts rates for itself: set AIPRO_API_RATE_STORE to count them together")
    if serving.certificate is None and not is_loopback(serving.host):
        told.append(f"keys and passwords go in the clear to {serving.host}: give --certificate and --private-key")
    return told


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
