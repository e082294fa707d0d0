"""`python -m benchmarks`: measure everything on a throw-away database and print the ratios beside their bars."""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import backfill, features, models, night, overhead, start, tables
from benchmarks.league import Bench, prepared
from benchmarks.timing import Figure

GROUPS: dict[str, Callable[[Bench], list[Figure]]] = {
    "load": tables.loading,
    "read": tables.reading,
    "as-of": features.as_of,
    "form": features.form_features,
    "train": models.training,
    "overhead": lambda bench: overhead.overhead(bench.rounds),
    "explain": models.explaining,
    "store": models.storing,
    "night": night.night,
    "backfill": backfill.backfilling,
    "help": lambda bench: start.helping(bench.rounds),
}


DEFAULT_ROWS, FULL_ROWS = (1_000_000, 3_000_000), (1_000_000, 3_000_000, 10_080_000)


def main() -> None:
    arguments = _arguments()
    console = Console(width=170)
    begun = time.perf_counter()
    console.print(f"{os.cpu_count()} cores, {platform.machine()}, load average {os.getloadavg()[0]:.1f}; preparing …")
    rows = FULL_ROWS if arguments.full else arguments.rows
    with prepared(rows, arguments.rounds) as bench:
        sizes = ", ".join(f"{long.quotes:,} odds of {long.games:,} games" for long in bench.longs)
        console.print(f"{sizes}; {bench.rounds} rounds, interleaved; ready after {time.perf_counter() - begun:.0f} s")
        figures = []
        for name in arguments.only or GROUPS:
            since = time.perf_counter()
            figures += GROUPS[name](bench)
            spent, load = time.perf_counter() - since, os.getloadavg()[0]
            console.print(f"  {name}: {spent:.0f} s, load average {load:.1f}", highlight=False)
    console.print(_table(figures))
    over = [figure.name for figure in figures if figure.verdict == "OVER"]
    judged = sum(figure.bar is not None for figure in figures)
    console.print(f"{judged - len(over)} of {judged} bars held; {time.perf_counter() - begun:.0f} s")
    if over and arguments.strict:
        sys.exit(1)


def _quotes(text: str) -> int:
    """Return a number of quotes; below a thousand, too few to measure anything, it counts in millions."""
    number = float(text)
    return round(number * 1_000_000 if number < 1_000 else number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rows", type=_quotes, nargs="+", default=DEFAULT_ROWS, help="quotes of up to 3 long leagues; 1 is a million"
    )
    parser.add_argument("--full", action="store_true", help="1, 3 and 10 million odds, 40,000 games")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), help="only these groups")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a bar is missed")
    return parser.parse_args()


def _table(figures: list[Figure]) -> Table:
    shown = Table(title="ratio to the limit in the same run", title_justify="left", header_style="bold")
    for heading in ("figure", "against"):
        shown.add_column(heading, overflow="fold")
    for heading in ("rounds", "ours s", "limit s", "median", "minimum", "bar"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for figure in figures:
        limit = f"{statistics.median(figure.limit):.4f}" if figure.limit else "-"
        bar = "-" if figure.bar is None else f"≤ {figure.bar}"
        ratios = (f"{figure.median:.2f}", f"{figure.minimum:.2f}")
        ours = f"{statistics.median(figure.ours):.4f}"
        shown.add_row(figure.name, figure.against, str(len(figure.ours)), ours, limit, *ratios, bar, figure.verdict)
    return shown


if __name__ == "__main__":
    main()
