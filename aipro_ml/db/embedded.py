"""The embedded PostgreSQL: started, kept and repaired by this project under the installation's home."""

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aipro_ml.db.binaries import Account, Binaries, can_enter, find_binaries, run, runnable, unprivileged
from aipro_ml.db.logins import SUPERUSER, Logins, create_logins, load_logins, read_json, write_json
from aipro_ml.db.postmaster import HOST, create_databases, drop_stale_pid, free_port, last_line, pid_file, probe
from aipro_ml.errors import DatabaseError

_LOGGER = logging.getLogger(__name__)
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes, and TCP is enough
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a refused row is the client's news, not the log's
}
_LOG_LIMIT = 2_000_000
_ATTEMPTS = 30
_PAUSE_S = 0.5
_PASSING = ("lock file", "shared memory", "could not bind", "already in use", "starting up")


@dataclass(frozen=True)
class ServerInfo:
    """Where the server is; `running` tells whether it answers."""

    host: str
    port: int | None
    data_dir: Path
    log: Path
    version: str | None
    running: bool
    superuser: str = SUPERUSER


@dataclass(frozen=True)
class EmbeddedServer:
    """One server per home folder, holding `databases`; all its state lies in `<home>/postgres`.

    As root the server runs as `nobody`. Where that user cannot reach the home, the data lies in
    `/var/lib/aipro/<hash of home>` instead, and `status` says so.
    """

    home: Path
    databases: Sequence[str] = field(default=("ai_pro_sports", "mlflow"))

    @property
    def folder(self) -> Path:
        """Return the folder of the server's state files."""
        return self.home.absolute() / "postgres"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.home.absolute() / "logs" / "postgres.log"

    def ensure(self) -> ServerInfo:
        """Return the running server; create, start or repair it first where needed.

        Safe from many processes at once. Raise DatabaseError with the reason where it cannot run.
        """
        answering = self._answering()
        if answering is not None:
            return answering
        with self._locked():
            return self._answering() or self._start()

    def status(self) -> ServerInfo:
        """Return where the server is and whether it answers, without starting it."""
        if not self.folder.is_dir():
            return ServerInfo(HOST, None, self.folder / "data", self.log, None, running=False)
        return self._answering(databases=()) or self._info(port=self._state().get("port"), running=False)

    def stop(self) -> bool:
        """Stop the server; return whether it was running."""
        if not self.folder.is_dir():
            return False
        with self._locked():
            status = self.status()
            if not status.running:
                return False
            self._remember(status)
            data = self._data_dir()
            account = unprivileged(data)
            programs = runnable(find_binaries(_major(data)), account, data.parent)
            stop: list[str | Path] = [programs.program("pg_ctl"), "-D", data, "-m", "fast", "-w", "-t", "60", "stop"]
            done = run(stop, account)
        if done.returncode:
            raise DatabaseError(f"{data}: the server did not stop: {done.stdout.strip()}")
        return True

    def logins(self) -> Logins:
        """Return the passwords of the server's roles."""
        logins = load_logins(self.folder / "logins.json")
        if logins is None:
            raise DatabaseError(
                f"{self.folder / 'logins.json'}: missing, so nobody can log in to {self._data_dir()}:"
                " restore the file, or move the data folder away and run `aipro db init`"
            )
        return logins

    # -- where things are ------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return read_json(self.folder / "server.json") or {}

    def _data_dir(self) -> Path:
        """Return where the data lies, or is to lie: in the home unless the server's user cannot reach it."""
        beside = self.folder / "data"
        remembered = self._state().get("data_dir")
        if beside.exists() or remembered is None:
            return beside if beside.exists() or _usable(self.folder) else _elsewhere(self.home) / "data"
        return Path(remembered)

    def _remember(self, info: ServerInfo) -> None:
        state = {"port": info.port, "data_dir": str(info.data_dir)}
        write_json(self.folder / "server.json", state, mode=0o644)

    def _info(self, *, port: int | None, running: bool) -> ServerInfo:
        data = self._data_dir()
        version = str(_major(data)) if (data / "PG_VERSION").exists() else None
        return ServerInfo(HOST, port, data, self.log, version, running)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock: one process at a time creates, starts or stops."""
        try:
            _make_folder(self.folder)
            file = (self.folder / "lock").open("a")
        except OSError as error:
            raise DatabaseError(
                f"{self.folder}: cannot write there ({error.strerror}): set AIPRO_HOME to a folder of yours"
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # -- life is told by connecting, never by a pid -----------------------------------------------------

    def _answering(self, databases: Sequence[str] | None = None) -> ServerInfo | None:
        logins = load_logins(self.folder / "logins.json")
        if logins is None:
            return None
        data = self._data_dir()
        wanted = set(self.databases if databases is None else databases)
        for port in dict.fromkeys([self._state().get("port"), pid_file(data)[1]]):
            if port is not None and (found := probe(port, logins, data)) is not None and wanted <= found:
                return self._info(port=port, running=True)
        return None

    def _start(self) -> ServerInfo:
        data = self._data_dir()
        account = unprivileged(data)
        _make_folder(data.parent)
        new = not (data / "PG_VERSION").exists()
        programs = runnable(find_binaries(None if new else _major(data)), account, data.parent)
        if new:
            self._initialise(programs, account, data)
            if data.parent != self.folder:
                _LOGGER.warning(
                    "user `nobody`, whom PostgreSQL runs as, cannot enter the home: its data lies in %s", data
                )
        logins = self.logins()
        running = self._answering(databases=())
        port = running.port if running and running.port else self._launch(programs, account, data)
        create_databases(port, logins, self.databases)
        info = self._info(port=port, running=True)
        self._remember(info)
        return info

    def _initialise(self, programs: Binaries, account: Account | None, data: Path) -> None:
        """Create the cluster in a folder of its own and rename it: a killed attempt leaves no half data."""
        for leftover in data.parent.glob("data.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if data.exists() and any(data.iterdir()):
            raise DatabaseError(f"{data}: not a PostgreSQL data folder: move it away and run again")
        path = self.folder / "logins.json"
        logins = load_logins(path) or create_logins(path)
        fresh = Path(tempfile.mkdtemp(prefix="data.new-", dir=data.parent))
        secret = fresh / "password"
        secret.touch(mode=0o600)
        secret.write_text(logins.superuser)
        for owned in (secret, fresh):
            _give(owned, account)
        options = [f"--username={SUPERUSER}", f"--pwfile={secret}", "--auth=scram-sha-256"]
        options += ["--encoding=UTF8", "--locale=C.UTF-8"]
        done = run([programs.program("initdb"), "-D", fresh / "data", *options], account)
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise DatabaseError(f"{data}: initdb failed: {last_line(done.stdout)}")
        if data.exists():
            data.rmdir()
        (fresh / "data").rename(data)
        shutil.rmtree(fresh, ignore_errors=True)

    def _launch(self, programs: Binaries, account: Account | None, data: Path) -> int:
        """Start the server and return its port; wait out what a killed predecessor leaves behind."""
        for _ in range(_ATTEMPTS):
            port = free_port(self._state().get("port"))
            printed = self._start_program(programs, account, data, port)
            running = self._answering(databases=())
            if running is not None and running.port is not None:
                return running.port
            if not any(sign in printed for sign in _PASSING):
                break
            drop_stale_pid(data)
            time.sleep(_PAUSE_S)
        raise DatabaseError(f"the embedded PostgreSQL does not start: {last_line(printed)} (log: {self.log})")

    def _start_program(self, programs: Binaries, account: Account | None, data: Path, port: int) -> str:
        """Run `pg_ctl start` and return what the server logged meanwhile."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        settings = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, "port": port}.items())
        command: list[str | Path] = [programs.program("pg_ctl"), "-D", data, "-w", "-t", "60", "-s"]
        with self.log.open("ab") as log:
            before = log.tell()
            run([*command, "-o", settings, "start"], account, output=log)
        with self.log.open("rb") as log:
            log.seek(before)
            return log.read(100_000).decode(errors="replace")


def _usable(folder: Path) -> bool:
    """Return whether the server's account can enter `folder`; the folder is made first where possible."""
    account = unprivileged(folder / "data")
    if account is None:
        return True
    _make_folder(folder)
    return can_enter(folder, account)


def _elsewhere(home: Path) -> Path:
    """Return a place outside a home that `nobody` cannot reach."""
    place = Path("/var/lib/aipro") / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    if not _usable(place):
        raise DatabaseError(
            f"as root PostgreSQL runs as `nobody`, who can reach neither {home} nor {place}:"
            " set AIPRO_HOME to a folder every user can enter, or run as a plain user"
        )
    return place


def _make_folder(folder: Path) -> None:
    """Make `folder`; where root makes it, others may pass through it, whatever the umask."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        for made in missing:
            made.chmod(0o755)


def _give(path: Path, account: Account | None) -> None:
    if account is None:
        return
    try:
        os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be given to user {account.uid} ({error.strerror})") from error


def _major(data: Path) -> int:
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except OSError as error:
        raise DatabaseError(
            f"{data}: not readable by this user ({error.strerror}): run as the user who created it"
        ) from error
