"""Commands as a shell runs them: in this process, or in one of their own that can be killed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aipro_ml.cli.app import main
from tests.fixtures_platform import Platform

NOBODY = "postgresql://someone:hunter2@127.0.0.1:1/nothing"
_PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell may have it ignored
    "from aipro_ml.cli.app import main; main()"
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Aipro = Callable[..., Outcome]


def environment(platform: Platform) -> dict[str, str]:
    """Return the variables that point a command at the platform."""
    settings = platform.settings
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATABASE_OWNER_URL": settings.database_owner_url.get_secret_value(),
        "AIPRO_ARTIFACTS": str(settings.artifacts_dir),
        "AIPRO_HOME": str(settings.home),
    }


def use(monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
    """Point commands in this process at the platform."""
    for name, value in environment(platform).items():
        monkeypatch.setenv(name, value)


def begun(platform: Platform, words: str) -> subprocess.Popen[str]:
    """Begin `aipro …` on the platform in a process of its own."""
    command = [sys.executable, "-c", _PROGRAM, *words.split()]
    patient = {**os.environ, **environment(platform), "AIPRO_LOCK_TIMEOUT_S": "120"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=patient, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def aipro(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Aipro:
    """Run `aipro …` in this process; return its exit code and what it printed."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "MLFLOW_TRACKING_URI", "AIPRO_ARTIFACTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIPRO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", NOBODY)

    def run(words: str, *more: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["aipro", *words.split(), *map(str, more)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Outcome(int(end.value.code or 0), said.out, said.err)

    return run
