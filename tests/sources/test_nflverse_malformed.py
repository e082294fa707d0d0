"""What is wrong with a file becomes a finding or one clear error, and the good rows land."""

import gzip

import pytest

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import nflverse
from aipro_ml.sources.checks import MAX_SHOWN

GOOD = "2022:regular:1:CLE@CAR"

REJECTED = [
    ({"away_team": "XXX"}, "away_team", "unknown_team"),
    ({"home_team": ""}, "home_team", "unknown_team"),
    ({"home_team": "la"}, "home_team", "unknown_team"),
    ({"home_team": "OAK"}, "home_team", "unknown_team"),  # in 2022 the Raiders are LV
    ({"home_team": "x" * 5000}, "home_team", "unknown_team"),
    ({"home_team": "BUF"}, "away_team", "home_is_away"),
    ({"season": "2019", "gameday": "2019-09-08", "home_team": "OAK", "away_team": "LV"}, "away_team", "home_is_away"),
    ({"season": ""}, "season", "season_range"),
    ({"season": "22"}, "season", "season_range"),
    ({"season": "9999"}, "season", "season_range"),
    ({"season": "2022.5"}, "season", "season_range"),
    ({"season": "twenty"}, "season", "season_range"),
    ({"season": "２０２２"}, "season", "season_range"),  # full-width digits
    ({"week": "0"}, "week", "week_number"),
    ({"week": "-1"}, "week", "week_number"),
    ({"week": "1.5"}, "week", "week_number"),
    ({"week": ""}, "week", "week_number"),
    ({"week": "999999999999999999999"}, "week", "week_number"),
    ({"game_type": "XYZ"}, "game_type", "game_type"),
    ({"game_type": ""}, "game_type", "game_type"),
    ({"game_id": ""}, "game_id", "game_id"),
    ({"game_id": "2022_" * 20}, "game_id", "game_id"),
    ({"gameday": ""}, "gameday", "game_date"),
    ({"gameday": "2022-13-45"}, "gameday", "game_date"),
    ({"gameday": "2022-02-30"}, "gameday", "game_date"),
    ({"gameday": "09/08/2022"}, "gameday", "game_date"),
    ({"gameday": "2022-9-8"}, "gameday", "game_date"),
    ({"gameday": "0001-01-01"}, "gameday", "game_date"),
    ({"gameday": "9999-12-31"}, "gameday", "game_date"),
    ({"gameday": "2022-09-08T20:20"}, "gameday", "game_date"),
    ({"gameday": "2010-09-08"}, "gameday", "date_outside_season"),
    ({"gametime": "25:00"}, "gametime", "game_time"),
    ({"gametime": "13:61"}, "gametime", "game_time"),
    ({"gametime": "1 PM"}, "gametime", "game_time"),
    ({"gametime": "TBD"}, "gametime", "game_time"),
    ({"gameday": "2022-11-06", "gametime": "01:30"}, "gametime", "game_time"),  # the clocks show it twice
    ({"gameday": "2023-03-12", "gametime": "02:30"}, "gametime", "game_time"),  # the clocks skip it
    ({"home_score": "-3"}, "home_score", "score"),
    ({"home_score": "ten"}, "home_score", "score"),
    ({"home_score": "10.5"}, "home_score", "score"),
    ({"home_score": "NaN"}, "home_score", "score"),
    ({"home_score": "inf"}, "home_score", "score"),
    ({"away_score": "1e2"}, "away_score", "score"),
    ({"away_score": "4000"}, "away_score", "score"),
    ({"away_score": ""}, "away_score", "score_alone"),
    ({"home_score": ""}, "home_score", "score_alone"),
]  # fmt: skip

QUOTE_REJECTED = [
    ({"home_moneyline": "0"}, "home_moneyline", "price", ("moneyline", "home")),
    ({"home_moneyline": "99"}, "home_moneyline", "price", ("moneyline", "home")),
    ({"away_moneyline": "-99"}, "away_moneyline", "price", ("moneyline", "away")),
    ({"away_moneyline": "-110.5"}, "away_moneyline", "price", ("moneyline", "away")),
    ({"away_moneyline": "NaN"}, "away_moneyline", "price", ("moneyline", "away")),
    ({"home_spread_odds": "inf"}, "home_spread_odds", "price", ("spread", "home")),
    ({"home_spread_odds": "even"}, "home_spread_odds", "price", ("spread", "home")),
    ({"over_odds": "-2147483648"}, "over_odds", "price", ("total", "over")),
    ({"under_odds": "1.91"}, "under_odds", "price", ("total", "under")),
    ({"under_odds": "−110"}, "under_odds", "price", ("total", "under")),  # a typographic minus
    ({"spread_line": "3.3"}, "spread_line", "line", ("spread", None)),
    ({"spread_line": "61"}, "spread_line", "line", ("spread", None)),
    ({"spread_line": "-1000"}, "spread_line", "line", ("spread", None)),
    ({"spread_line": "pk"}, "spread_line", "line", ("spread", None)),
    ({"total_line": "9.5"}, "total_line", "line", ("total", None)),
    ({"total_line": "121"}, "total_line", "line", ("total", None)),
    ({"total_line": "-44"}, "total_line", "line", ("total", None)),
    ({"total_line": "44.51"}, "total_line", "line", ("total", None)),
]

WARNED = [
    ({"result": "20"}, "result", "result_differs"),
    ({"result": "lost"}, "result", "result_differs"),
    ({"overtime": "2"}, "overtime", "overtime"),
    ({"overtime": "yes"}, "overtime", "overtime"),
    ({"location": "Moon"}, "location", "unknown_location"),
    ({"stadium_id": "ZZZ99"}, "stadium_id", "unknown_venue"),
    ({"stadium_id": ""}, "stadium_id", "venue_missing"),
    ({"stadium_id": "ZZZ99", "stadium": "s" * 10_000, "surface": "g" * 900}, "stadium_id", "unknown_venue"),
    ({"home_moneyline": "150", "away_moneyline": "-120"}, "home_moneyline", "negative_overround"),
    ({"home_spread_odds": "120", "away_spread_odds": "120"}, "home_spread_odds", "negative_overround"),
    ({"over_odds": "105", "under_odds": "105"}, "over_odds", "negative_overround"),
]

UNREADABLE = [
    (b"", "empty"),
    (b"\n\n \n", "header"),
    (b",,,\n", "empty"),
    (b"\xef\xbb\xbf", "empty"),
    (b'{"games": [1, 2]}', "lacks the columns game_id"),
    (b"<html><body>404</body></html>", "lacks the columns game_id"),
    (b"PK\x03\x04\x14\x00\x06\x00", "NUL byte"),
    (b"PAR1\x15\x04\x15\xfe\x8f", "not UTF-8"),
    ("game_id,season".encode("utf-16"), "not UTF-8"),
    (gzip.compress(b"", mtime=0), "empty"),
    (b"\x1f\x8b", "truncated"),
    (b"\x1f\x8b\x08\x00garbage garbage", "damaged"),
]  # fmt: skip


def read(data: bytes):
    return nflverse.read(data, name="games.csv")


@pytest.mark.parametrize(("cells", "column", "rule"), REJECTED)
def test_a_wrong_cell_rejects_its_game_and_names_its_place(file_of, cells, column, rule):
    batch = read(file_of(**cells))
    found = {(f.file, f.line, f.column, f.rule, f.severity) for f in batch.findings}
    assert ("games.csv", 2, column, rule, Severity.CRITICAL) in found
    assert {f.line for f in batch.findings} == {2}
    assert list(batch.games["game"]) == [GOOD]
    assert set(batch.quotes["game"]) == set(batch.closing["game"]) == {GOOD}
    assert batch.rows_read == 2


@pytest.mark.parametrize(("cells", "column", "rule", "lost"), QUOTE_REJECTED)
def test_a_wrong_price_or_line_loses_only_its_quote(file_of, cells, column, rule, lost):
    batch = read(file_of(**cells))
    [finding] = batch.findings
    assert (finding.line, finding.column, finding.rule) == (2, column, rule)
    assert finding.severity is Severity.CRITICAL
    assert len(batch.games) == 2
    market, side = lost
    mine = batch.quotes[batch.quotes["game"] != GOOD]
    gone = mine[(mine["market"] == market) & ((mine["selection"] == side) | (side is None))]
    assert gone.empty
    assert len(mine) == (5 if side else 4)
    assert (mine["price"].abs() >= 100).all()


@pytest.mark.parametrize(("cells", "column", "rule"), WARNED)
def test_a_doubtful_cell_is_marked_and_lands(file_of, cells, column, rule):
    batch = read(file_of(**cells))
    [finding] = batch.findings
    assert (finding.line, finding.column, finding.rule) == (2, column, rule)
    assert finding.severity is Severity.WARNING
    assert (len(batch.games), len(batch.quotes)) == (2, 12)


@pytest.mark.parametrize(("data", "said"), UNREADABLE)
def test_what_is_no_csv_of_games_is_one_clear_error(data, said):
    with pytest.raises(DataFileError, match=r"games\.csv.*" + said if said != "header" else r"games\.csv"):
        read(data)


def test_a_truncated_gzip_says_so(file_of):
    packed = gzip.compress(file_of())
    for cut in (len(packed) // 2, len(packed) - 3):
        with pytest.raises(DataFileError, match="truncated"):
            read(packed[:cut])


def test_a_gzip_with_flipped_bits_is_an_error(file_of):
    packed = bytearray(gzip.compress(file_of()))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(DataFileError):
        read(bytes(packed))


@pytest.mark.parametrize("column", [*nflverse.GAME_FIELDS, *nflverse.nflverse_odds.FIELDS])
def test_a_missing_column_is_named(file_of, column):
    data = file_of().replace(column.encode() + b",", b"other_" + column.encode() + b",", 1)
    if column == "stadium":
        data = file_of().replace(b",stadium\n", b",other\n", 1)
    header = data.split(b"\n", 1)[0].decode().split(",")
    if column in header:
        pytest.fail(f"the sample still has {column}")
    with pytest.raises(DataFileError, match=rf"lacks the columns.* {column}"):
        read(data)


def test_a_column_named_twice_is_an_error(file_of):
    with pytest.raises(DataFileError, match="twice"):
        read(file_of().replace(b"weekday", b"season", 1))


def test_a_wrong_encoding_names_the_line(file_of):
    with pytest.raises(DataFileError, match=r"line 2.*not UTF-8") as caught:
        read(file_of(stadium="Estadio Azteca á").decode().encode("latin-1"))
    assert caught.value.line == 2


def test_a_nul_byte_names_the_line(file_of):
    with pytest.raises(DataFileError, match=r"line 3.*NUL"):
        read(file_of().replace(b"CLE,26", b"CLE,2\x006"))


def test_an_open_quote_names_the_line(file_of):
    with pytest.raises(DataFileError, match=r"line 2.*not valid CSV"):
        read(file_of().replace(b"2022_01_BUF", b'"2022_01_BUF'))


def test_a_cell_of_a_million_characters_is_an_error_with_its_line(file_of):
    with pytest.raises(DataFileError, match="line 2"):
        read(file_of(stadium="x" * 1_000_000))


def test_a_long_cell_is_shortened_in_the_finding(file_of):
    [finding] = read(file_of(home_team="y" * 100_000)).findings
    assert len(finding.value) < MAX_SHOWN + 40
    assert "100000 characters" in finding.value


def test_control_characters_do_not_reach_a_terminal(file_of):
    [finding] = read(file_of(home_team="\x1b[31mLA")).findings
    assert "\x1b" not in finding.value + finding.message


@pytest.mark.parametrize("broken", [b"2022_02_X,2022\n", b"1," * 60 + b"1\n"])
def test_a_row_of_the_wrong_width_is_a_finding(file_of, broken):
    batch = read(file_of() + broken)
    [finding] = batch.findings
    assert (finding.line, finding.rule) == (4, "row_width")
    assert (len(batch.games), batch.rows_read) == (2, 3)


def test_a_repeated_game_lands_once(file_of_rows):
    batch = read(file_of_rows({}, {}))
    assert [(f.line, f.rule, f.severity) for f in batch.findings] == [(3, "duplicate_game", Severity.CRITICAL)]
    assert len(batch.games) == 1
    assert len(batch.quotes) == 6


def test_the_first_of_two_versions_of_a_game_counts(file_of_rows):
    batch = read(file_of_rows({}, {"home_score": "30", "result": "-1"}))
    assert list(batch.games["home_score"]) == [10]


def test_the_same_teams_in_the_same_week_are_the_same_game_whatever_the_id(file_of_rows):
    batch = read(file_of_rows({}, {"game_id": "other"}))
    assert [f.rule for f in batch.findings] == ["duplicate_game"]
    assert len(batch.games) == 1


def test_a_rejected_row_does_not_stand_in_the_way_of_its_good_repetition(file_of_rows):
    batch = read(file_of_rows({"home_score": "x"}, {}))
    assert [f.rule for f in batch.findings] == ["score"]
    assert list(batch.games["line_number"]) == [3]


def test_an_unknown_team_is_told_its_likeliest_codes(file_of):
    [finding] = read(file_of(home_team="OAK")).findings
    assert "LV" in finding.message


def test_a_price_without_its_line_does_not_land(file_of):
    batch = read(file_of(total_line=""))
    assert [(f.column, f.rule) for f in batch.findings] == [
        ("over_odds", "price_without_line"),
        ("under_odds", "price_without_line"),
    ]
    assert "total" not in set(batch.closing[batch.closing["game"] != GOOD]["market"])


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_do_no_harm(file_of):
    data = b"\xef\xbb\xbf" + file_of().replace(b"\n", b"\r\n\r\n") + b"\r\n"
    batch = read(data)
    assert batch.findings == ()
    assert list(batch.games["line_number"]) == [3, 5]
    assert read(file_of()).quotes.equals(batch.quotes)


def test_a_line_break_inside_a_quoted_cell_keeps_line_numbers_right(file_of_rows):
    rows = ({"stadium": "SoFi\nStadium"}, {"game_id": "b", "home_team": "XXX"})
    [finding] = read(file_of_rows(*rows)).findings
    assert finding.line == 4
