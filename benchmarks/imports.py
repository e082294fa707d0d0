"""Import every games and odds file of a data folder, twice, and print what became of each as a Markdown table.

`python -m benchmarks.imports FOLDER [--reverse]`; the database is that of AIPRO_HOME, which should be empty before.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aipro_ml.config import load_settings
from aipro_ml.enums import Severity
from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions, ImportReport


@dataclass(frozen=True)
class Files:
    """Files of one source, imported by one command; `pattern` is relative to the folder."""

    source: str
    pattern: str
    sport: str | None = None

    def request(self, folder: Path) -> Request:
        """Return the request for the files that are there."""
        found = sorted(str(path) for path in folder.glob(self.pattern))
        return Request(self.source, tuple(found), self.sport)

    @property
    def command(self) -> str:
        """Return the command as a person types it."""
        told = f" --sport {self.sport}" if self.sport else ""
        return f"aipro data import {self.source}{told} {self.pattern}"


PLAN = (
    Files("nflverse", "nfl/nflverse_games_1999_2022.csv.gz"),
    Files("bmr", "nfl/odds_multibook_2018_2022.tar.gz"),
    Files("action-network", "nfl/actionnet/game_lines_*.parquet"),
    Files("sbr-nfl", "nfl/sbr_nfl_archive_2011_2021.json.gz"),
    Files("results-nba", "nba/bref_schedule_*.csv.gz"),
    Files("kaggle-nba", "nba/kaggle_nba_2008_2024.csv.gz"),
    Files("oddsportal-nba", "nba/oddsportal_nba_2008_2024.csv.gz"),
    Files("sbr-nba", "nba/sbr/*.csv.gz"),
    Files("sbr-nba", "nba/sbr/*.xlsx"),
    Files("kyleskom-nba", "nba/kyleskom/*.csv.gz"),
    Files("klland-nba", "nba/faulty_klland_nba_odds_sbr_2008_2015.csv.gz"),
    Files("games-nba", "nba/games_2023_24.csv.gz"),
    Files("football-data", "soccer/E0_*.csv.gz"),
    Files("football-data", "soccer/SP1_*.csv.gz"),
    Files("football-data", "soccer/D1_*.csv.gz"),
    Files("odds-api-folder", "odds_timeseries/ncaaf_20251017_raw_oddsapi_json", "NCAAF"),
    Files("odds-api-changes", "odds_timeseries/ncaaf_20251006_20251109_changes_hourly.csv.gz", "NCAAF"),
    Files("results-ncaaf", "odds_timeseries/ncaaf_games_2025.csv.gz"),
    Files("results-nhl", "odds_timeseries/nhl_bref_schedule_2024.csv.gz"),
    Files("odds-api-days", "odds_timeseries/nhl_2023_24_oddsapi_noon_snapshots.tar.gz", "NHL"),
)
HEAD = "| command | games | new | matched | quotes | closing lines | rejected, by rule | s | rows of the 2nd run |"


def main(folder: Path, *, backwards: bool) -> None:
    """Print the table."""
    plan = PLAN[::-1] if backwards else PLAN
    firsts = [_run(files, folder) for files in plan]
    seconds = [_run(files, folder) for files in plan]
    print(HEAD)
    print("|---|--:|--:|--:|--:|--:|---|--:|--:|")
    for files, (first, spent), (second, _) in zip(plan, firsts, seconds, strict=True):
        print(_row(files, first, spent, second))


def _run(files: Files, folder: Path) -> tuple[list[ImportReport], float]:
    request = files.request(folder)
    began = time.perf_counter()
    if not request.places:
        print(f"{files.pattern}: not there", file=sys.stderr)
        return [], 0.0
    reports = import_source(load_settings(), request, ImportOptions(datetime.now(UTC)))
    print(f"{files.command}: {_sum(reports, 'rows_written')} rows", file=sys.stderr, flush=True)
    return reports, time.perf_counter() - began


def _row(files: Files, first: list[ImportReport], spent: float, second: list[ImportReport]) -> str:
    counts = [
        _sum(first, name) for name in ("games_read", "games_inserted", "games_matched", "quotes", "closing_lines")
    ]
    cells = [f"`{files.command}`", *counts, _rules(first), f"{spent:.0f}", _sum(second, "rows_written")]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _sum(reports: Iterable[ImportReport], name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _rules(reports: Iterable[ImportReport]) -> str:
    found = Counter(
        finding.rule
        for report in reports
        for finding in report.findings
        if finding.severity is Severity.CRITICAL or finding.rule == "suspect_file"
    )
    return ", ".join(f"{count} {rule}" for rule, count in sorted(found.items())) or "-"


if __name__ == "__main__":
    main(Path(sys.argv[1]), backwards="--reverse" in sys.argv[2:])
