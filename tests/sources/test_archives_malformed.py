"""What is wrong with an archive becomes a finding or one clear error, and the good rows land."""

import zipfile
from dataclasses import dataclass, field
from io import BytesIO

import pytest

from aipro_ml.errors import DataFileError
from tests.soak import size
from tests.sources import archive_files as files
from tests.sources import readings_archives as readings
from tests.sources.contract import Reading, check_malformed

LONG = "x" * 100_000
TEAMS = ["", "NA", "Narnia", "0", "x" * 5000, "\x1b[31m", "１", "Team LeBron", "East", "-"]
DAYS = ["", "x", "0", "-1", "2022-13-45", "2022-02-30", "31/12/2022", "0001-01-01", "9999-12-31", "1e3", "20221018"]
SCORES = ["-1", "1.5", "x", "999", "1e2", "inf", "NaN", "0x1F", "--", "９７", "10 0"]
PRICES = [
    "0", "-99", "99", "50", "1.0", "1.91", "-110.5", "NaN", "nan", "inf", "-2147483648", "1e3", "x", "+", "--110",
    "-110-110", "１５０", "99999999999999999999", "even",
]  # fmt: skip
SPREADS = ["3.3", "99", "-99", "x", "NaN", "inf", "1e1", "+-3", "3,5", "200.1", "9" * 30, "--"]
TOTALS = ["0", "-195", "9", "1955.5", "x", "NaN", "inf", "195.3", "o195", "1e2", "195,5", "9" * 30]


@dataclass(frozen=True)
class Spoils:
    """A source and its first row's cells to spoil, each with the values that break it."""

    reading: Reading
    content: object  # makes bytes of rows of which the first is spoilt
    cells: dict[str, list[str]] = field(default_factory=dict)

    def variants(self):
        for column, values in self.cells.items():
            for value in values:
                yield pytest.param(self, column, value, id=f"{self.reading.name} {column} {value[:20]!r}")


def _csv(rows):
    def spoil(column, value):
        first, *rest = rows()
        return files.as_csv([first | {column: value}, *rest])

    return spoil


def _sbr(column, value):
    return files.as_csv(files.sbr_rows(home={column: value}))


def _bmr(column, value):
    return files.as_csv(files.bmr_rows(home={column: value}))


def _sbr_nfl(column, value):
    first, *rest = files.sbr_nfl_rows()
    return files.as_json([first | {column: value}, *rest])


def _action(column, value):
    rows = [{name: str(cell) for name, cell in row.items() if cell is not None} for row in files.action_rows()]
    return files.as_parquet([rows[0] | {column: value}, *rows[1:]])


def _without(values, *kept):
    return [value for value in values if value not in kept]


FULL = [
    Spoils(readings.KAGGLE, _csv(files.kaggle_rows), {
        "home": TEAMS, "away": ["Narnia", "no"], "date": DAYS, "season": ["", "x", "22", "2012", "9999", "2013.5"],
        "score_home": SCORES, "spread": [*SPREADS, "-3.5"], "total": TOTALS, "moneyline_home": PRICES,
        "whos_favored": ["x", "", "HOME"], "moneyline_away": ["-170", "-650"],
    }),
    Spoils(readings.ODDSPORTAL, _csv(files.oddsportal_rows), {
        "team_1": TEAMS, "team_2": ["Boston Celtics", "West"], "date": [*DAYS, "2024-06-17", "17 Jun", "17 Jul 1999"],
        "season_type": ["", "x"], "neutral": ["", "2", "x"], "points_1": SCORES, "moneyline_1": _without(PRICES, "-"),
        "moneyline_2": ["-270", "-2000", "0"],
    }),
    Spoils(readings.KYLESKOM, _csv(files.kyleskom_rows), {
        "Home": TEAMS, "Away": ["Detroit Pistons"], "Date": [*DAYS, "2022-23-1331", "2022-23-0801", "1999-00-1101"],
        "Points": SCORES, "Win_Margin": ["x", "3", "NaN", "999"], "Spread": SPREADS, "OU": TOTALS, "ML_Home": PRICES,
        "ML_Away": ["-164", "8"],
    }),
    Spoils(readings.KLLAND, _csv(files.klland_rows), {
        "home_team": TEAMS, "date": DAYS, "season": ["", "x", "2010"], "home_pts": SCORES, "close_spread": SPREADS,
        "close_total": TOTALS, "home_ml": PRICES, "away_ml": ["-1400", "8"],
    }),
    Spoils(readings.SBR, _sbr, {
        "Team": TEAMS, "Date": [*DAYS, "1031", "1332", "230.5"], "Rot": ["", "x", "503", "0", "-502", "502.5"],
        "VH": ["", "V", "N", "x"], "Final": SCORES, "Close": [*SPREADS, "195", "-13", "nl-5"],
        "Open": _without(TOTALS, "0", "9"), "ML": PRICES,
    }),
    Spoils(readings.SBR_NFL, _sbr_nfl, {
        "home_team": [*TEAMS, "NewYork"], "date": DAYS[:-1], "season": ["", "x", "2010", "9999"],
        "home_final": SCORES, "home_close_spread": [*SPREADS, "5.0", "48.5"], "close_over_under": TOTALS,
        "home_close_ml": PRICES, "away_close_spread": ["4.0", "x", ""], "open_over_under": ["4.5", "x"],
    }),
    Spoils(readings.BMR, _bmr, {
        "team": TEAMS, "date": [*DAYS, "Tue 9/24", "Mon 13/24", "9/24"], "time": ["", "25:00 PM", "8:15", "noon"],
        "season": ["", "x", "1900"], "week": ["", "0", "x", "99"], "game_id": ["", "x" * 60, "3452706"],
        "rotation": ["", "0", "491", "x"], "outcome": ["", "x", "POSTPONED"], "score": ["", *SCORES],
        "8_moneyline": PRICES, "8_spread": [*SPREADS, "1.0"], "8_total": [*TOTALS, "55.5"],
        "82_spread_odds": ["0", "-99", "NaN", "-2000"],
    }),
    Spoils(readings.ACTION, _action, {
        "team": [*TEAMS[2:], "AFC", "PIT"], "event_id": ["x", "-1", "1.5"], "book_id": ["x", "", "0"],
        "season": ["x", "1900", "20 22", "2022.5"], "week": ["x", "0", "61", "1.5"],
        "side": ["", "noside", "over", "draw", "away"], "value": [*SPREADS, "3.0", "-2.5"], "odds": PRICES,
    }),
]  # fmt: skip
TOLD_AT = {
    "season": "date", "moneyline_away": "moneyline_home", "moneyline_2": "moneyline_1", "Win_Margin": "Points",
    "ML_Away": "ML_Home", "away_ml": "home_ml", "away_close_spread": "home_close_spread", "game_id": "rotation",
    "team": "event_id",
}  # fmt: skip
"""The column a finding may name instead where two cells do not go together."""

VARIANTS = [variant for spoils in FULL for variant in spoils.variants()][:: size(9, 1)]
"""A file a variant; `test_malformed` reads hundreds more of the same sources, many to a file."""


@pytest.mark.parametrize(("spoils", "column", "value"), VARIANTS)
def test_a_spoilt_cell_is_found_and_the_other_game_lands(spoils, column, value):
    batch = check_malformed(spoils.reading, spoils.content(column, value), games_left=1)
    assert batch is not None
    told = [finding for finding in batch.findings if finding.column in (column, TOLD_AT.get(column))]
    assert told, batch.findings
    assert min(finding.line for finding in told) in (1, 2, 3)


@pytest.mark.parametrize("spoils", FULL, ids=lambda spoils: spoils.reading.name)
def test_a_source_has_at_least_sixty_malformed_variants(spoils):
    assert len(list(spoils.variants())) >= 60


@pytest.mark.parametrize(
    "reading", [spoils.reading for spoils in FULL if spoils.reading.is_text], ids=lambda reading: reading.name
)
def test_a_cell_of_a_million_characters_is_no_traceback(reading):
    content = reading.content.replace(b"106", b"1" * 1_000_000).replace(b'"42"', b'"' + b"4" * 1_000_000 + b'"')
    content = content.replace(b",27,", b"," + b"2" * 1_000_000 + b",").replace(b",222,", b"," + b"2" * 1_000_000 + b",")
    assert len(content) > 1_000_000
    check_malformed(reading, content, games_left=0)


@pytest.mark.parametrize(
    ("reading", "column"),
    [
        (spoils.reading, column)
        for spoils in FULL
        if spoils.reading.is_text
        for column in spoils.cells
        if not column.startswith(("8_", "82_"))
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_missing_column_is_named(reading, column):
    data = reading.content.replace(column.encode(), b"other")
    with pytest.raises(DataFileError, match=column):
        reading.read(data)


@pytest.mark.parametrize(
    "reading",
    [readings.KAGGLE, readings.ODDSPORTAL, readings.KYLESKOM, readings.KLLAND],
    ids=lambda reading: reading.name,
)
def test_a_repeated_row_lands_once(reading):
    once = reading.read(reading.content)
    header, first, *_ = reading.content.splitlines(keepends=True)
    twice = check_malformed(reading, reading.content + first, games_left=2)
    assert [finding.rule for finding in twice.findings] == ["duplicate_game"]
    assert twice.games.equals(once.games)
    assert twice.quotes.equals(once.quotes)
    assert header


@pytest.mark.parametrize("broken", [b"a,b\n", b"1," * 60 + b"1\n"])
@pytest.mark.parametrize(
    "reading", [spoils.reading for spoils in FULL if spoils.reading not in (readings.SBR_NFL, readings.ACTION)],
    ids=lambda reading: reading.name,
)  # fmt: skip
def test_a_row_of_the_wrong_width_is_a_finding(reading, broken):
    batch = check_malformed(reading, reading.content + broken, games_left=2)
    assert [finding.rule for finding in batch.findings] == ["row_width"]


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b"[1, 2]", b'{"a": [1]}', b"[" * 100_000, b'[{"season": ' + b"9" * 5000 + b"}]", b'[{"a": 1}]'],
)
def test_json_of_another_form_is_one_clear_error(content):
    with pytest.raises(DataFileError, match=r"nfl\.json"):
        readings.SBR_NFL.read(content)


@pytest.mark.parametrize("cut", [0, 4, 20, 200, 1000, -1, -4, -30])
def test_a_truncated_parquet_file_is_one_clear_error(cut):
    with pytest.raises(DataFileError, match=r"lines\.parquet.*Parquet"):
        readings.ACTION.read(readings.ACTION.content[:cut])


@pytest.mark.parametrize("cut", [100, 300, -20, -1])
def test_a_truncated_tar_is_one_clear_error(cut):
    with pytest.raises(DataFileError, match=r"bmr\.tar\.gz"):
        readings.BMR_TAR.read(readings.BMR_TAR.content[:cut])


def test_a_tar_without_weekly_files_is_one_clear_error():
    with pytest.raises(DataFileError, match="week_N"):
        readings.BMR_TAR.read(files.as_tar({"README": b"nothing"}))


@pytest.mark.skipif(not files.HAS_EXCEL, reason="openpyxl is not installed")
@pytest.mark.parametrize("cut", [4, 30, 200, 2000, -1, -10, -100])
def test_a_truncated_workbook_is_one_clear_error(cut):
    with pytest.raises(DataFileError, match=r"nba_2007-08\.xlsx"):
        readings.WORKBOOK.read(readings.WORKBOOK.content[:cut])


@pytest.mark.skipif(not files.HAS_EXCEL, reason="openpyxl is not installed")
def test_a_zip_that_is_no_workbook_is_one_clear_error():
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "nothing")
    with pytest.raises(DataFileError, match="workbook"):
        readings.WORKBOOK.read(packed.getvalue())


def test_an_archive_without_a_season_in_its_name_says_what_it_needs():
    from aipro_ml.sources import sbr

    with pytest.raises(DataFileError, match="say which"):
        sbr.read(readings.SBR.content, name="odds.csv")
    assert len(sbr.read(readings.SBR.content, name="odds.csv", season=2007).games) == 2
