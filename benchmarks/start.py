"""The command line's cold start."""

import os
import subprocess
import sys

from benchmarks.timing import Figure, interleaved


def helping(rounds: int) -> list[Figure]:
    """Measure `aipro --help`, a fresh process each time."""
    environment = {**os.environ, "TERM": "dumb"}

    def run() -> None:
        command = [sys.executable, "-m", "aipro_ml", "--help"]
        subprocess.run(command, check=True, capture_output=True, env=environment)

    return [
        Figure("aipro --help, a fresh process", "seconds", interleaved({"ours": run}, rounds).seconds["ours"], bar=0.5)
    ]
