"""Real files through the real importer: a part of each source, twice; faulty archives refused; any order the same."""

import gzip
import re
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from tests.fixtures_platform import Platform

pytestmark = pytest.mark.real_data
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GAMES = (
    "SELECT p.code, s.year, g.game_date, h.abbreviation AS home, a.abbreviation AS away, g.home_score, g.away_score, "
    "g.status FROM games g JOIN sports p ON p.id = g.sport_id JOIN seasons s ON s.id = g.season_id "
    "JOIN teams h ON h.id = g.home_team_id JOIN teams a ON a.id = g.away_team_id ORDER BY 1, 2, 3, 4, 5"
)
CLOSES = "SELECT count(*) FROM closing_lines"
NBA_OF_OCTOBER_2022 = {
    "results-nba": ("nba/bref_schedule_2023.csv.gz", r"Oct \d+ 2022"),
    "kaggle-nba": ("nba/kaggle_nba_2008_2024.csv.gz", "^2023,2022-10"),
    "oddsportal-nba": ("nba/oddsportal_nba_2008_2024.csv.gz", "Oct 2022,Regular,"),
    "kyleskom-nba": ("nba/kyleskom/odds_2022-23.csv.gz", "2022-23-10"),
}
"""Four sources of one month: the file and the lines of it."""


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def bring(platform, shared_data):
    """Import files of the shared data, or parts of them that a test wrote, and return the sum of the reports."""

    def run(source, *places, sport=None):
        found = [str(place if isinstance(place, Path) else shared_data / place) for place in places]
        return import_source(platform.settings, Request(source, tuple(found), sport), ImportOptions(NOW))

    return run


@pytest.fixture
def part(shared_data, tmp_path):
    """Write the header of a table and the lines in which a test's pattern is found."""

    def cut(place, pattern):
        head, *lines = gzip.decompress((shared_data / place).read_bytes()).splitlines(keepends=True)
        kept = [line for line in lines if re.search(pattern.encode(), line)]
        target = tmp_path / Path(place).name.removesuffix(".gz")
        target.write_bytes(head + b"".join(kept))
        return target

    return cut


@pytest.fixture
def unpacked(shared_data, tmp_path):
    """Unpack some members of a tar into a folder of the test."""

    def extract(place, *members):
        target = tmp_path / Path(place).name.split(".")[0]
        with tarfile.open(shared_data / place) as tar:
            for name in members:
                tar.extract(name, target, filter="data")
        return [target / name for name in members]

    return extract


def total(reports, name):
    return sum(getattr(report, name) for report in reports)


def counts(reports):
    """Games read, new and matched, and quotes."""
    return tuple(total(reports, name) for name in ("games_read", "games_inserted", "games_matched", "quotes"))


def rules(reports):
    return Counter(finding.rule for report in reports for finding in report.findings)


def twice(platform, imports):
    """Run the imports, then all of them again, which must write nothing; return the first reports."""
    firsts = [run() for run in imports]
    before = platform.snapshot()
    assert [total(run(), "rows_written") for run in imports] == [0] * len(imports)
    assert platform.snapshot() == before
    return firsts


def test_the_nfls_sources_of_two_weeks_meet_and_their_wrong_scores_are_told(platform, bring, part, unpacked):
    weeks = unpacked("nfl/odds_multibook_2018_2022.tar.gz", "2018/week_13.csv", "2018/week_14.csv")
    schedule, books = twice(platform, [
        lambda: bring("nflverse", part("nfl/nflverse_games_1999_2022.csv.gz", "^2018_1[34]_")),
        lambda: bring("bmr", *weeks),
    ])  # fmt: skip
    assert counts(schedule) == (32, 32, 0, 192)
    assert counts(books) == (32, 0, 32, 2112)
    told = {finding.value: finding.message for report in books for finding in report.findings}
    assert rules(books) == {"result_differs": 2}
    assert len(told) == 2
    stored = {(row["home"], row["away"]): (row["home_score"], row["away_score"]) for row in platform.rows(GAMES)}
    assert stored["JAX", "IND"] == (6, 0)
    assert stored["SF", "DEN"] == (20, 14)


def test_a_season_of_lines_finds_its_games_and_the_swapped_archive_stores_nothing(platform, bring, part):
    schedule, lines, faulty = twice(platform, [
        lambda: bring("nflverse", part("nfl/nflverse_games_1999_2022.csv.gz", "^2018_0[1-4]_")),
        lambda: bring("action-network", "nfl/actionnet/game_lines_2018.parquet"),
        lambda: bring("sbr-nfl", "nfl/sbr_nfl_archive_2011_2021.json.gz"),
    ])  # fmt: skip
    assert counts(schedule) == (63, 63, 0, 378)
    assert counts(lines) == (63, 0, 63, 756)
    assert rules(lines) == {"no_such_game": 204, "unknown_team": 8}  # the other weeks
    assert counts(faulty) == (2945, 0, 0, 0)
    assert faulty[0].suspect
    assert rules(faulty)["swapped_spread_total"] == 259


@pytest.mark.parametrize("order", [list(NBA_OF_OCTOBER_2022), list(NBA_OF_OCTOBER_2022)[::-1]])
def test_four_sources_of_an_nba_month_are_its_102_games_in_either_order(platform, bring, part, order):
    reports = twice(platform, [lambda s=s: bring(s, part(*NBA_OF_OCTOBER_2022[s])) for s in order])
    assert {s: total(report, "games_read") for s, report in zip(order, reports, strict=True)} == {
        "results-nba": 102, "kaggle-nba": 102, "oddsportal-nba": 102, "kyleskom-nba": 100
    }  # fmt: skip
    assert sum(total(report, "games_inserted") for report in reports) == 102
    assert sum(total(report, "quotes") for report in reports) >= 608  # those of moved kick-offs are stated again
    assert [rules(report) for report in reports] == [{}] * 4
    games = platform.rows(GAMES)
    assert len(games) == 102
    assert {game["status"] for game in games} == {"final"}
    # the schedule knows the hours, whoever came first
    assert games[0]["game_date"] == datetime(2022, 10, 18, 23, 30)  # noqa: DTZ001 - as the driver gives it
    assert platform.one(CLOSES) == 1416


def test_an_archive_as_csv_and_as_workbook_is_one_and_the_faulty_one_is_not_stored(
    platform, bring, shared_data, tmp_path
):
    csv = tmp_path / "nba_odds_2007-08.csv"
    whole = gzip.decompress((shared_data / "nba" / "sbr" / "nba_odds_2007-08.csv.gz").read_bytes())
    csv.write_bytes(b"".join(whole.splitlines(keepends=True)[:201]))
    book = openpyxl.load_workbook(shared_data / "nba" / "sbr" / "nba_odds_2007-08.xlsx")
    sheet = book.active
    sheet.delete_rows(202, sheet.max_row)
    book.save(tmp_path / "nba_odds_2007-08.xlsx")
    table, workbook, faulty = twice(platform, [
        lambda: bring("sbr-nba", csv),
        lambda: bring("sbr-nba", tmp_path / "nba_odds_2007-08.xlsx"),
        lambda: bring("klland-nba", "nba/faulty_klland_nba_odds_sbr_2008_2015.csv.gz"),
    ])  # fmt: skip
    assert counts(table) == (100, 100, 0, 200)
    assert counts(workbook) == (100, 0, 100, 0)
    assert total(workbook, "closing_lines") == 0
    assert counts(faulty) == (10267, 0, 0, 0)
    assert faulty[0].suspect
    assert rules(faulty)["swapped_spread_total"] == 3135


def test_an_nba_month_by_the_leagues_own_numbers_is_that_of_the_schedule(platform, bring, part):
    numbers, schedule = twice(platform, [
        lambda: bring("games-nba", part("nba/games_2023_24.csv.gz", ",2023-10-")),
        lambda: bring("results-nba", part("nba/bref_schedule_2024.csv.gz", r"Oct \d+ 2023")),
    ])  # fmt: skip
    assert counts(numbers) == (54, 54, 0, 0)
    assert counts(schedule) == (54, 0, 54, 0)
    assert rules(numbers) == rules(schedule) == {}


@pytest.mark.parametrize(("file", "days", "expected"), [
    ("E0_1920", "/08/2019,", ("EPL", 38, 3040)), ("SP1_2021", "/09/2020,", ("LALIGA", 30, 2400)),
    ("D1_1920_renamedcols", "/08/2019,", ("BUNDES", 25, 2000)),
])  # fmt: skip
def test_the_first_weeks_of_a_football_season_land_once(platform, bring, part, file, days, expected):
    (season,) = twice(platform, [lambda: bring("football-data", part(f"soccer/{file}.csv.gz", days))])
    sport, games, quotes = expected
    assert counts(season) == (games, games, 0, quotes)
    assert rules(season) == {}
    assert {row["code"] for row in platform.rows(GAMES)} == {sport}
    assert platform.one(CLOSES) == quotes / 2  # each opening has its close


def test_snapshots_of_college_football_their_changes_and_the_results_meet(platform, bring, part, shared_data, tmp_path):
    raw = sorted((shared_data / "odds_timeseries" / "ncaaf_20251017_raw_oddsapi_json").iterdir())
    folder = tmp_path / "snapshots"
    folder.mkdir()
    for file in (raw[0], raw[17], raw[-1]):
        (folder / file.name).write_bytes(file.read_bytes())
    changes = "odds_timeseries/ncaaf_20251006_20251109_changes_hourly.csv.gz"
    snapshots, moves, results = twice(platform, [
        lambda: bring("odds-api-folder", folder, sport="NCAAF"),
        lambda: bring("odds-api-changes", part(changes, "^2025-10-17T0"), sport="NCAAF"),
        lambda: bring("results-ncaaf", part("odds_timeseries/ncaaf_games_2025.csv.gz", ",2025-10-1[78],")),
    ])  # fmt: skip
    assert counts(snapshots) == (81, 81, 0, 6104)
    assert counts(moves) == (51, 1, 50, 1229)
    assert counts(results) == (49, 0, 49, 0)
    assert [rules(report) for report in (snapshots, moves, results)] == [{}, {}, {}]
    assert Counter(game["status"] for game in platform.rows(GAMES)) == {"final": 49, "scheduled": 33}


def test_daily_prices_of_the_nhl_land_on_the_games_of_its_schedule(platform, bring, part, unpacked):
    days = [f"odds_2023-10-{day}.csv" for day in range(10, 17)]
    first, *_ = unpacked("odds_timeseries/nhl_2023_24_oddsapi_noon_snapshots.tar.gz", *days)
    schedule, prices = twice(platform, [
        lambda: bring("results-nhl", part("odds_timeseries/nhl_bref_schedule_2024.csv.gz", "^2023-10-")),
        lambda: bring("odds-api-days", first.parent, sport="NHL"),
    ])  # fmt: skip
    assert counts(schedule) == (140, 140, 0, 0)
    assert counts(prices) == (39, 0, 39, 936)
    assert rules(schedule) == rules(prices) == {}
    assert platform.one(CLOSES) == 468
