"""Chromium without a screen: what a person who opens a page would read on it."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # root cannot have Chromium's own
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=1500,1100",
)
_BUDGETS_MS = (15_000, 30_000, 60_000)
"""Virtual time a page gets; a busy machine is asked again with more."""


@dataclass(frozen=True)
class Chromium:
    """Opens pages in a profile of its own that knows nothing of this machine's."""

    program: str
    profile: Path

    def dom(self, url: str, budget_ms: int = _BUDGETS_MS[0]) -> str:
        """Return the document at `url` after its scripts ran."""
        command = [self.program, *_FLAGS, f"--user-data-dir={self.profile}", f"--virtual-time-budget={budget_ms}"]
        done = subprocess.run([*command, "--dump-dom", url], capture_output=True, text=True, check=True, timeout=180)
        return done.stdout

    def text(self, url: str, expected: Sequence[str] = ()) -> str:
        """Return the words on the page; where one of `expected` is missing, the page is opened again with patience."""
        for budget in _BUDGETS_MS:
            words = _words(self.dom(url, budget))
            if all(each in words for each in expected):
                break
        return words


def _words(dom: str) -> str:
    visible = re.sub(r"<(script|style)\b.*?</\1>", " ", dom, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", visible)))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A browser; its tests skip, saying so, on a machine without one."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no browser: Chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory(prefix="aipro-chromium-", ignore_cleanup_errors=True) as profile:
        os.chmod(profile, 0o700)
        yield Chromium(program, Path(profile))
