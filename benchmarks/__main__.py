"""`python -m benchmarks`: measure everything on a throw-away database and print the ratios beside their bars."""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import features, models, night, start, tables
from benchmarks.league import Bench, prepared
from benchmarks.timing import Figure

GROUPS: dict[str, Callable[[Bench], list[Figure]]] = {
    "load": tables.loading,
    "read": tables.reading,
    "as-of": features.as_of,
    "form": features.form_features,
    "train": models.training,
    "explain": models.explaining,
    "store": models.storing,
    "night": night.night,
    "help": lambda bench: start.helping(bench.rounds),
}


def main() -> None:
    arguments = _arguments()
    console = Console(width=170)
    begun = time.perf_counter()
    console.print(f"{os.cpu_count()} cores, {platform.machine()}, load average {os.getloadavg()[0]:.1f}; preparing …")
    with prepared(arguments.rows, arguments.rounds) as bench:
        console.print(f"{bench.odds_rows:,} odds rows, {bench.rounds} rounds, interleaved")
        figures = []
        for name in arguments.only or GROUPS:
            console.print(f"  {name} …", highlight=False)
            figures += GROUPS[name](bench)
    console.print(_table(figures))
    console.print(f"{time.perf_counter() - begun:.0f} s, load average {os.getloadavg()[0]:.1f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=120_000, help="odds rows, about (120,000 to 1,200,000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), help="only these groups")
    return parser.parse_args()


def _table(figures: list[Figure]) -> Table:
    shown = Table(title="ratio to the limit in the same run", title_justify="left", header_style="bold")
    for heading in ("figure", "against"):
        shown.add_column(heading, overflow="fold")
    for heading in ("ours s", "limit s", "median", "minimum", "bar"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for figure in figures:
        limit = f"{statistics.median(figure.limit):.4f}" if figure.limit else "-"
        bar = "-" if figure.bar is None else f"≤ {figure.bar}"
        ratios = (f"{figure.median:.2f}", f"{figure.minimum:.2f}")
        ours = f"{statistics.median(figure.ours):.4f}"
        shown.add_row(figure.name, figure.against, ours, limit, *ratios, bar, figure.verdict)
    return shown


if __name__ == "__main__":
    main()
