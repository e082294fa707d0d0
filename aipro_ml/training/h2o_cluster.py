"""H2O's cluster: a JVM of our own as long as a session lasts, or a running cluster by its address."""

import io
import os
import secrets
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.training import h2o_keeper
from aipro_ml.training.h2o_java import h2o_jar, java

H2O_URL = "AIPRO_H2O_URL"
"""Environment variable: the address of a running cluster (http://user:password@host:port) to use instead of our own."""

_START_WITHIN_S = 180
_LOG_END = 2000


@dataclass(frozen=True)
class Sizing:
    """What our own JVM gets: threads, and memory in H2O's words (2G). A running cluster keeps its own."""

    nthreads: int = 1
    max_mem_size: str = "2G"


class Scratch:
    """What one training makes on its way: names in the cluster, so that all can be removed, and files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._marks = [f"aipro{secrets.token_hex(8)}"]
        self._made = 0

    def new(self, kind: str) -> str:
        """Return a key that nothing in any cluster has."""
        self._made += 1
        return f"{self._marks[0]}_{kind}_{self._made}"

    def own(self, mark: str) -> None:
        """Count every key that bears `mark`, an unguessable part of names H2O chose, as made by this training."""
        self._marks.append(mark)

    def remove(self) -> None:
        """Remove what was made."""
        import h2o

        for key in map(str, h2o.ls()["key"]):
            if any(mark in key for mark in self._marks):
                h2o.remove(key)


@dataclass
class _Jvm:
    """A JVM of our own with the process that keeps it; `folder` holds all its files and goes with it."""

    sizing: Sizing
    folder: Path
    keeper: subprocess.Popen[bytes]
    url: str = ""
    login: tuple[str, str] = ("", "")

    def ended(self) -> str | None:
        """Return how the JVM ended and the end of what it said, None while it runs."""
        code = self.folder / "ended"
        if not code.exists() and self.keeper.poll() is None:
            return None
        log = self.folder / "jvm.log"
        said = log.read_text(encoding="utf-8", errors="replace")[-_LOG_END:] if log.exists() else ""
        status = code.read_text(encoding="utf-8") if code.exists() else "unknown"
        return f"exit status {status}; {' '.join(said.split())[-400:]}"

    def close(self) -> None:
        """End the JVM and remove its folder; returns when both are gone."""
        if self.keeper.stdin is not None:
            self.keeper.stdin.close()
        self.keeper.wait()


class _Session:
    """The connection of this process: H2O's client has one for all, so there is one session at a time."""

    def __init__(self) -> None:
        self.depth = 0
        self.jvm: _Jvm | None = None
        self.connection: Any = None
        self.url: str | None = None

    def connect(self, sizing: Sizing) -> None:
        """Reach the running cluster of the environment, or our own JVM of this size; keep what fits already."""
        url = os.environ.get(H2O_URL) or None
        if self.connection is not None and self.url == url and self._fits(sizing):
            return
        self.close()
        if url is None:
            self.jvm = _start(sizing)
            self.connection = _connected(self.jvm.url, self.jvm.login)
        else:
            self.connection = _connected(*_address(url))
        self.url = url

    def close(self) -> None:
        """Leave the cluster; end the JVM if it is ours."""
        connection, jvm, self.connection, self.jvm = self.connection, self.jvm, None, None
        try:
            if connection is not None:
                with redirect_stdout(io.StringIO()):
                    connection.close()
        finally:
            if jvm is not None:
                jvm.close()

    def _fits(self, sizing: Sizing) -> bool:
        return self.url is not None or (self.jvm is not None and self.jvm.sizing == sizing and self.jvm.ended() is None)


_SESSION = _Session()


@contextmanager
def session() -> Iterator[None]:
    """Keep the cluster between fits: a JVM started inside serves them all and ends with the outermost session."""
    _SESSION.depth += 1
    try:
        yield
    finally:
        _SESSION.depth -= 1
        if not _SESSION.depth:
            _SESSION.close()


@contextmanager
def cluster(sizing: Sizing) -> Iterator[Scratch]:
    """Be connected to a cluster; yield the scratch for what is made on the way, which is removed at the end.

    AiproError where no cluster can be had, where H2O refuses what it is asked, or where the JVM dies.
    """
    with session():
        _SESSION.connect(sizing)
        inside = None if _SESSION.jvm is None else _SESSION.jvm.folder  # removed by the keeper, whatever happens to us
        with tempfile.TemporaryDirectory(prefix="aipro-h2o-", dir=inside) as folder, _quiet(), _told():
            scratch = Scratch(Path(folder))
            try:
                yield scratch
            finally:
                with suppress(Exception):  # a cluster that is gone has nothing left to clean
                    scratch.remove()


def shared_cluster() -> bool:
    """Return whether the environment names a running cluster instead of a JVM of our own."""
    return bool(os.environ.get(H2O_URL))


def _start(sizing: Sizing) -> _Jvm:
    """Start a JVM on a free port of this machine alone, behind a password, with every file in a private folder."""
    program = (java(), h2o_jar())  # what is missing is said before anything is made
    folder = Path(tempfile.mkdtemp(prefix="aipro-h2o-"))
    password = secrets.token_hex(16)
    digest = md5(password.encode(), usedforsecurity=False).hexdigest()  # the form Jetty reads
    (folder / "realm").write_text(f"aipro: MD5:{digest}\n", encoding="utf-8")
    keeper = subprocess.Popen(
        [sys.executable, "-I", h2o_keeper.__file__, str(folder), *_command(program, sizing, folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; the keeper ends when we close its input
    )
    jvm = _Jvm(sizing, folder, keeper, login=("aipro", password))
    try:
        jvm.url = _url_once_up(jvm)
    except BaseException:
        jvm.close()
        raise
    return jvm


def _command(program: tuple[str, str], sizing: Sizing, folder: Path) -> list[str]:
    threads = str(sizing.nthreads)
    machine = [f"-Xmx{sizing.max_mem_size}", f"-XX:ActiveProcessorCount={threads}", "-XX:+ExitOnOutOfMemoryError"]
    quiet = ["-Djava.awt.headless=true", f"-Djava.io.tmpdir={folder}"]
    local = ["-ip", "127.0.0.1", "-web_ip", "127.0.0.1", "-baseport", str(40000 + 2 * secrets.randbelow(10000))]
    guarded = ["-hash_login", "-login_conf", str(folder / "realm"), "-name", f"aipro-{secrets.token_hex(16)}"]
    places = ["-ice_root", str(folder), "-log_dir", str(folder), "-notify_local", str(folder / "address")]
    shape = ["-nthreads", threads, "-disable_flow", "-log_level", "WARN", "-allow_unsupported_java"]
    return [program[0], *machine, *quiet, "-jar", program[1], *local, *guarded, *places, *shape]


def _url_once_up(jvm: _Jvm) -> str:
    address = jvm.folder / "address"
    until = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < until:
        said = address.read_text(encoding="utf-8").strip() if address.exists() else ""
        if said:
            return f"http://{said}"
        end = jvm.ended()
        if end is not None:
            raise AiproError(f"H2O's JVM did not start: {end}")
        time.sleep(0.1)
    raise AiproError(f"H2O's JVM did not answer within {_START_WITHIN_S} s: is the machine out of memory?")


def _address(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return the address without its login, and the login."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("the H2O address must look like http://host:port or https://user:password@host:port")
    plain = SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "").geturl()
    return plain, (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _connected(url: str, login: tuple[str, str] | None) -> Any:
    import h2o

    with _quiet(), redirect_stdout(io.StringIO()):
        try:
            connection = h2o.connect(url=url, auth=login, verbose=False)
        except Exception as error:  # the client's own, the network's and the version check's alike
            raise AiproError(f"no H2O cluster answers at {url}: {_first_line(error)}") from error
        h2o.no_progress()
        there = str(connection.cluster.version)
        if there != h2o.__version__:
            connection.close()
            raise AiproError(
                f"the H2O cluster at {url} has version {there}, here is {h2o.__version__}: start it with the jar of "
                f"the package h2o=={h2o.__version__}"
            )
    return connection


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _told() -> Iterator[None]:
    """Turn what H2O's client raises into an error of ours that says what the JVM said."""
    from h2o.exceptions import H2OError, H2OJobCancelled

    try:
        yield
    except H2OJobCancelled as error:  # what the client makes of Ctrl-C
        raise KeyboardInterrupt from error
    except (H2OError, OSError) as error:
        end = None if _SESSION.jvm is None else _SESSION.jvm.ended()
        if end is not None:
            raise AiproError(f"H2O's JVM ended ({end}): give it more memory by the parameter max_mem_size") from error
        raise AiproError(f"H2O refused: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """Return what H2O says in its answer, else the first line of the error."""
    said = getattr(error.args[0] if error.args else None, "msg", None) or str(error)
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
