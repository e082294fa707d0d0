"""What is wrong with a season file becomes a finding or one clear error, and the good rows land."""

import dataclasses

import pytest

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import football_data
from tests.sources import contract
from tests.sources.football_files import as_csv, game_row, other_row
from tests.sources.readings_football_data import READINGS

READING = READINGS[0]
GOOD = "2019:2019-08-19:NFO@MUN:1"

REJECTED = [
    *(({"Date": cell}, "Date", "game_date") for cell in (
        "", "32/08/2019", "30/02/2020", "17-08-2019", "2019-08-17", "17/08/19 15:00", "8/2019", "17/13/2019",
        "17/08/1819", "１７/08/2019", "NaN", "17.08.2019", "next Saturday", "1/1/1/1",
    )),
    *(({"Date": cell}, "Date", "date_outside_season") for cell in (
        "17/08/2018", "17/08/2029", "31/07/2019", "01/08/2020", "2019/08/17", "17/08/99",
    )),
    *(({"Time": cell}, "Time", "game_time") for cell in ("25:00", "15:60", "3 PM", "TBA", "15", "-1:00", "15:00:00")),
    ({"Date": "29/03/2020", "Time": "01:30"}, "Time", "game_time"),  # the clocks skip it
    ({"Date": "27/10/2019", "Time": "01:30"}, "Time", "game_time"),  # they show it twice
    *(({"HomeTeam": cell}, "HomeTeam", "unknown_team") for cell in ("", "Arsenall", "Real Madrid", "0", "x" * 5000)),
    ({"AwayTeam": "F.C. Nowhere"}, "AwayTeam", "unknown_team"),
    ({"AwayTeam": "Arsenal"}, "AwayTeam", "home_is_away"),
    *(({"FTHG": cell}, "FTHG", "score") for cell in ("-1", "two", "1.5", "NaN", "inf", "1e1", "400", "0x2")),
    ({"FTAG": "−1"}, "FTAG", "score"),  # a typographic minus
    ({"FTHG": ""}, "FTHG", "score_alone"),
    ({"FTAG": ""}, "FTAG", "score_alone"),
    *(({"Div": cell}, "Div", "division") for cell in ("", "E1", "SP1", "e0")),
]  # fmt: skip

PRICES = ["0", "1", "1.0", "-99", "-110", "NaN", "inf", "1.0000", "5000", "1e1", "evens", "2,5", "−1.9", "11/10", "0.0"]
QUOTE_REJECTED = [
    *(({column: cell}, column, "price") for column in ("B365H", "PSCD", "P<2.5", "PAHA") for cell in PRICES),
    *(({"AHh": cell}, "AHh", "line") for cell in ("-0.7", "1.28", "pk", "11", "-1000", "NaN", "-0.75.0", "−0.5")),
    ({"AHCh": "x" * 3000}, "AHCh", "line"),
    ({"AHCh": ""}, "PCAHH", "price_without_line"),
    ({"AHh": "0.75"}, "AHh", "handicap_contradicts_moneyline"),  # the sign of the favourite's handicap turned
]

WARNED = [
    ({"FTR": "A"}, "FTR", "result_differs"),
    ({"FTR": ""}, "FTR", "result_differs"),
    ({"FTR": "home"}, "FTR", "result_differs"),
    ({"B365A": "8"}, "B365H", "negative_overround"),
    ({"P>2.5": "2.2", "P<2.5": "2.2"}, "P>2.5", "negative_overround"),
    ({"AvgH": "1.2"}, "AvgH", "large_overround"),
]


def read(*rows):
    return football_data.read(as_csv(*rows), name="E0_1920.csv")


def variant(cells):
    return contract.check_malformed(READING, as_csv(game_row(**cells), other_row()), games_left=1)


@pytest.mark.parametrize(("cells", "column", "rule"), REJECTED)
def test_a_wrong_cell_rejects_its_match_and_names_its_place(cells, column, rule):
    batch = variant(cells)
    found = {(f.file, f.line, f.column, f.rule, f.severity) for f in batch.findings}
    assert ("E0_1920.csv", 2, column, rule, Severity.CRITICAL) in found
    assert list(batch.games["game"]) == [GOOD]
    assert set(batch.quotes["game"]) == {GOOD}
    assert batch.rows_read == 2


@pytest.mark.parametrize(("cells", "column", "rule"), QUOTE_REJECTED)
def test_a_wrong_price_or_line_loses_only_what_it_describes(cells, column, rule):
    whole = len(read(game_row(), other_row()).quotes)
    batch = variant(cells)
    found = {(f.line, f.column, f.rule, f.severity) for f in batch.findings}
    assert (2, column, rule, Severity.CRITICAL) in found
    assert len(batch.games) == 2
    lost = whole - len(batch.quotes)
    assert 1 <= lost <= 4
    assert len(batch.quotes.query("game == @GOOD")) == whole / 2


@pytest.mark.parametrize(("cells", "column", "rule"), WARNED)
def test_a_doubtful_cell_is_marked_and_lands(cells, column, rule):
    batch = variant(cells)
    assert [(f.line, f.column, f.rule) for f in batch.findings] == [(2, column, rule)]
    assert batch.findings[0].severity is Severity.WARNING
    assert len(batch.quotes) == len(read(game_row(), other_row()).quotes)


def test_a_maximum_over_books_may_pay_more_than_everything():
    cells = {"MaxH": "2.4", "MaxD": "4", "MaxA": "5"}
    assert read(game_row(**cells)).findings == ()


def test_a_handicap_of_the_wrong_sign_does_not_land():
    batch = read(game_row(AHh="0.75"))
    assert {f.rule for f in batch.findings} == {"handicap_contradicts_moneyline"}
    before = batch.quotes.query("market == 'spread'")
    assert set(before["line"]) == {-0.5, 0.5}  # only the close is left


def test_an_unknown_club_is_told_its_likeliest_ones():
    [finding] = read(game_row(HomeTeam="Arsenall"), other_row()).findings
    assert "ARS (Arsenal)" in finding.message


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ((game_row(), game_row()), "duplicate_game"),
        ((game_row(), game_row(Date="24/08/2019")), "duplicate_game"),
        ((game_row(), game_row(HomeTeam="Burnley", AwayTeam="Arsenal", FTR="H")), "team_twice_a_day"),  # swapped
        ((game_row(), game_row(AwayTeam="Chelsea")), "team_twice_a_day"),
    ],
)
def test_what_cannot_be_in_a_league_lands_once(rows, rule):
    batch = contract.check_malformed(READING, as_csv(*rows, other_row()), games_left=2)
    assert [(f.line, f.rule) for f in batch.findings] == [(3, rule)]
    assert len(batch.games) == 2
    assert list(batch.games["line_number"]) == [2, 4]


def test_the_return_match_is_no_repetition():
    batch = read(game_row(), game_row(HomeTeam="Burnley", AwayTeam="Arsenal", Date="24/08/2019"))
    assert (len(batch.games), batch.findings) == (2, ())


def test_a_rejected_row_does_not_stand_in_the_way_of_its_good_repetition():
    batch = read(game_row(FTHG="x"), game_row())
    assert [f.rule for f in batch.findings] == ["score"]
    assert list(batch.games["line_number"]) == [3]


@pytest.mark.parametrize("column", football_data.FIELDS)
def test_a_missing_column_is_named(column):
    rows = [{key: cell for key, cell in row.items() if key != column} for row in (game_row(), other_row())]
    with pytest.raises(DataFileError, match=f"lacks the columns {column}"):
        read(*rows)


def test_a_price_column_named_twice_is_an_error():
    with pytest.raises(DataFileError, match="twice"):
        football_data.read(as_csv(game_row()).replace(b"PSH", b"B365H", 1), name="E0_1920.csv")


def test_a_division_nobody_knows_is_an_error():
    with pytest.raises(DataFileError, match=r"no match of a known division \(E0, SP1, D1\); found: I1"):
        read(game_row(Div="I1"), other_row(Div="I1"))


def test_a_cell_of_a_million_characters_is_an_error_with_its_line():
    with pytest.raises(DataFileError, match="line 2"):
        read(game_row(Referee="x" * 1_000_000), other_row())


def test_a_row_of_the_wrong_width_is_a_finding():
    content = as_csv(game_row(), other_row()) + b"E0,18/08/2019\n"
    batch = contract.check_malformed(READING, content, games_left=2)
    assert [(f.line, f.rule) for f in batch.findings] == [(4, "row_width")]


def test_the_wrong_season_rejects_every_match_but_is_no_traceback():
    reading = dataclasses.replace(READING, read=lambda data: football_data.read(data, name="E0_0506.csv"))
    batch = contract.check_malformed(reading, READING.content, games_left=0)
    assert {f.rule for f in batch.findings} == {"date_outside_season"}
    assert batch.games.empty
    assert batch.quotes.empty
