"""The command line's cold start."""

import os
import subprocess
import sys

from benchmarks.timing import Figure, interleaved


def helping(rounds: int) -> list[Figure]:
    """Measure `aipro --help`, a fresh process each time, by the clock and by the processor.

    On a quiet core both agree; beside other work only the processor's seconds say what the command costs.
    """
    spent: list[float] = []

    def run() -> None:
        before = os.times()
        subprocess.run([sys.executable, "-m", "aipro_ml", "--help"], check=True, capture_output=True)
        after = os.times()
        used = (after.children_user + after.children_system) - (before.children_user + before.children_system)
        spent.append(used)

    clock = interleaved({"ours": run}, rounds).seconds["ours"]
    return [
        Figure("aipro --help, a fresh process", "seconds by the clock", clock, bar=0.5),
        Figure("aipro --help, a fresh process", "seconds of the processor", tuple(spent[-rounds:]), bar=0.5),
    ]
