"""Import every file of a data folder, twice, and print what became of each as Markdown tables.

`python -m benchmarks.imports FOLDER [--reverse] [PART…]`; the database is that of AIPRO_HOME, which should be empty
before. With PARTs only files whose path begins with one are imported, such as `nba/`.
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
from aipro_ml.jobs.ingest_boxes import BoxReport, import_boxes
from aipro_ml.jobs.ingest_props import PropReport, import_props
from aipro_ml.sources.base import Finding
from aipro_ml.sources.box_registry import BOX_SOURCES


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
BOXES = (
    Files("nfl-team-weeks", "nfl/team_week_stats"),
    Files("nfl-player-weeks", "nfl/player_week_hvpkod_2015_2022.tar.gz"),
    Files("nfl-player-seasons", "nfl/player_season_stats"),
    Files("nfl-props", "nfl/actionnet"),
    Files("nba-team-boxes", "nba/team_box_2010_2021.csv.gz"),
    Files("nba-player-boxes", "nba/player_box_2023_24.csv.gz"),
)
"""What players and teams did in the games above, and the props on it."""

HEAD = "| command | games | new | matched | quotes | closing lines | rejected, by rule | s | rows of the 2nd run |"


BOX_HEAD = "| command | rows | landed | rejected, by rule | s | rows of the 2nd run |"
_LANDED = {
    "players": "players",
    "team_games": "team games",
    "player_games": "player games",
    "player_stats": "player statistics",
    "props": "prop markets",
}


def main(folder: Path, parts: tuple[str, ...], *, backwards: bool) -> None:
    """Print the tables of what begins with one of `parts`, or of everything."""
    plan, boxes = ([files for files in some if files.pattern.startswith(parts or ("",))] for some in (PLAN, BOXES))
    plan = plan[::-1] if backwards else plan
    firsts = [_run(files, folder) for files in plan]
    box_firsts = [_run_boxes(files, folder) for files in boxes]
    seconds = [_run(files, folder) for files in plan]
    box_seconds = [_run_boxes(files, folder) for files in boxes]
    print(HEAD)
    print("|---|--:|--:|--:|--:|--:|---|--:|--:|")
    for files, (first, spent), (second, _) in zip(plan, firsts, seconds, strict=True):
        print(_row(files, first, spent, second))
    print(f"\n{BOX_HEAD}\n|---|--:|---|---|--:|--:|")
    for files, (box, spent), (again, _) in zip(boxes, box_firsts, box_seconds, strict=True):
        landed = ", ".join(f"{getattr(box, name)} {said}" for name, said in _LANDED.items() if getattr(box, name, 0))
        cells = (f"`{files.command}`", box.rows_read, landed, _rules(box.findings), f"{spent:.0f}", again.rows_written)
        print("| " + " | ".join(str(cell) for cell in cells) + " |")


def _run_boxes(files: Files, folder: Path) -> tuple[BoxReport | PropReport, float]:
    began = time.perf_counter()
    run = import_boxes if files.source in BOX_SOURCES else import_props
    report = run(load_settings(), files.source, [str(folder / files.pattern)], ImportOptions(datetime.now(UTC)))
    print(f"{files.command}: {report.rows_written} rows", file=sys.stderr, flush=True)
    return report, time.perf_counter() - began


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
    cells = [
        f"`{files.command}`",
        *counts,
        _rules(finding for report in first for finding in report.findings),
        f"{spent:.0f}",
        _sum(second, "rows_written"),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _sum(reports: Iterable[ImportReport], name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _rules(findings: Iterable[Finding]) -> str:
    found = Counter(
        finding.rule
        for finding in findings
        if finding.severity is Severity.CRITICAL or finding.rule in {"suspect_file", "not_played"}
    )
    return ", ".join(f"{count} {rule}" for rule, count in sorted(found.items())) or "-"


if __name__ == "__main__":
    named = tuple(word for word in sys.argv[2:] if word != "--reverse")
    main(Path(sys.argv[1]), named, backwards="--reverse" in sys.argv[2:])
