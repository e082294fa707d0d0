"""Any table with a mapping becomes canonical frames; what is wrong with it becomes findings."""

import pandas as pd
import pytest
import yaml

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.sources import mapped
from aipro_ml.sources.mapped_proposal import cells_of, propose
from aipro_ml.sources.mapping import load_mapping, mapping_of
from tests.sources import contract
from tests.sources.football_files import as_csv as football_csv
from tests.sources.football_files import game_row as football_row
from tests.sources.mapped_files import MAPPING, as_csv, as_xlsx, other_row, reading_of, table_row
from tests.sources.readings_mapped import SNAPSHOT_ROWS, SNAPSHOTS

GOOD = "2022:2022-09-12:DEN@SEA:1"


def batch_of(*rows, **changes):
    content = as_csv(*rows)
    return reading_of(content, **changes).read(content)


def lines_of(batch, market, frame="closing", line="closing_line"):
    rows = getattr(batch, frame).query("market == @market").drop_duplicates("selection")
    return rows.set_index("selection")[line].to_dict()


def spread(sign, **cells):
    market = {"market": "spread", "book": "b", "line": "Line", "sign": sign, "prices": {"home": "Line H"}}
    market |= {"favourite": "Fav"} if sign == "unsigned" else {}
    return batch_of(table_row(**cells), markets=[{**market, "prices": {"home": "Line H", "away": "Line V"}}])


def test_a_mapped_row_becomes_a_game_of_the_sport():
    batch = batch_of(table_row(), other_row())
    first, second = batch.games.to_dict("records")
    assert first["game"] == "2022:2022-09-11:NO@ATL:1"
    assert (first["kickoff"], first["kickoff_estimated"]) == (pd.Timestamp("2022-09-11T17:00Z"), False)
    assert (first["home_score"], first["away_score"], first["status"]) == (26, 27, "final")
    assert (second["kickoff"], second["kickoff_estimated"]) == (pd.Timestamp("2022-09-12T17:00Z"), True)
    assert second["status"] == "scheduled"
    assert batch.findings == ()


def test_opening_and_closing_prices_have_their_times():
    rows = batch_of(table_row()).quotes.query("market == 'moneyline' and selection == 'home'")
    assert dict(zip(rows["price"], rows["recorded_at"], strict=True)) == {
        200: pd.Timestamp("2022-09-11T16:59Z"),
        165: pd.Timestamp("2022-09-05T17:00Z"),
    }
    rows = batch_of(table_row(), opening_hours=24).quotes
    assert pd.Timestamp("2022-09-10T17:00Z") in set(rows["recorded_at"])


def test_a_line_without_a_price_is_a_closing_line_only():
    batch = batch_of(table_row(), other_row())
    total = batch.closing.query("market == 'total'")
    assert set(total["selection"]) == {"over", "under"}
    assert total["closing_price"].isna().all()
    assert "total" not in set(batch.quotes["market"])
    assert GOOD not in set(batch.closing["game"])  # not played yet


@pytest.mark.parametrize(
    ("sign", "cells", "home"),
    [
        ("home_handicap", {"Line": "5.5"}, 5.5),
        ("home_handicap", {"Line": "-3"}, -3),
        ("home_favoured_by", {"Line": "5.5"}, -5.5),
        ("home_favoured_by", {"Line": "0"}, 0),
        ("unsigned", {"Line": "5.5", "Fav": "Home"}, -5.5),
        ("unsigned", {"Line": "5.5", "Fav": "away"}, 5.5),
        ("unsigned", {"Line": "0", "Fav": ""}, 0),
    ],
)
def test_every_sign_convention_ends_in_the_sides_own_line(sign, cells, home):
    assert lines_of(spread(sign, **cells), "spread") == {"home": home, "away": -home}


@pytest.mark.parametrize("cells", [{"Line": "-5.5", "Fav": "home"}, {"Line": "5.5", "Fav": "both"}])
def test_an_unsigned_spread_needs_a_favourite_and_no_sign(cells):
    batch = spread("unsigned", **cells)
    assert {f.rule for f in batch.findings} <= {"line", "favourite"}
    assert len(batch.findings) == 1
    assert batch.quotes.empty


def test_recorded_prices_are_a_path_and_the_last_before_kickoff_closes():
    batch = batch_of(*SNAPSHOT_ROWS, **SNAPSHOTS)
    assert len(batch.games) == 1
    assert len(batch.quotes) == 12
    assert set(batch.closing["closed_at"]) == {pd.Timestamp("2022-09-11T16:30Z")}  # 18:30 is in play
    assert {book.name for book in batch.books} == {"One", "Two"}


def test_the_same_book_and_time_twice_counts_once():
    batch = batch_of(SNAPSHOT_ROWS[0], SNAPSHOT_ROWS[0], **SNAPSHOTS)
    assert [(f.line, f.rule) for f in batch.findings] == [(3, "duplicate_quote")]
    assert len(batch.quotes) == 2


def test_another_score_in_a_later_row_is_marked():
    batch = batch_of(SNAPSHOT_ROWS[0], SNAPSHOT_ROWS[1] | {"HP": "3"}, **SNAPSHOTS)
    assert [(f.line, f.rule, f.severity) for f in batch.findings] == [(3, "score_differs", Severity.WARNING)]
    assert list(batch.games["home_score"]) == [26]


def test_decimal_odds_and_a_season_and_week_column():
    changes = {"odds": "decimal", "season": "Year", "season_starts_month": None, "week": "W"}
    cells = {"ML H": "3", "ML V": "1.42", "Open H": "2.65", "Open V": "1.53", "Line H": "1.91", "Line V": "1.91"}
    batch = batch_of(table_row(**cells, Year="2022", W="1"), **changes)
    assert batch.games.loc[0, "game"] == "2022:regular:1:NO@ATL"
    assert batch.quotes["price"].tolist() == [200, -238, 165, -189, -110, -110]
    assert batch.findings == ()


def test_a_workbook_reads_as_its_text_would():
    numbers = {"VP": 27, "HP": 26, "Neutral": 0, "ML V": -240, "ML H": 200, "Open V": -190, "Open H": 165, "Line": 5.5}
    numbers |= {"Line H": -110, "Line V": -110, "Total": 42.5}
    reading = reading_of(as_xlsx(table_row(**numbers)), "table.xlsx", is_text=False)
    contract.check_equal(contract.check_source(reading), batch_of(table_row()))


def test_a_truncated_workbook_is_one_clear_error():
    content = as_xlsx(table_row())
    for cut in (6, len(content) // 2, len(content) - 20):
        assert contract.check_malformed(reading_of(content), content[:cut], games_left=0) is None


def test_nothing_is_seen_after_a_live_fetch():
    content, fetched = as_csv(other_row()), pd.Timestamp("2022-09-06T00:00Z").to_pydatetime()
    batch = mapped.read(content, name="t.csv", mapping=mapping_of(MAPPING, name="m"), known_from=fetched)
    assert (batch.quotes["recorded_at"] <= fetched).all()
    contract.check_batch(batch)
    early = pd.Timestamp("2022-01-01T00:00Z").to_pydatetime()
    batch = mapped.read(content, name="t.csv", mapping=mapping_of(MAPPING, name="m"), known_from=early)
    assert batch.findings == ()
    contract.check_batch(batch)


REJECTED = [
    *(({"Day": cell}, "Day", "game_date") for cell in (
        "", "2022-09-11", "31/02/2022", "11/09/22", "11/09/9999", "0/9/2022", "NaN", "soon", "１１/09/2022", "x" * 999,
    )),
    *(({"Start": cell}, "Start", "game_time") for cell in ("13:00", "25:00 PM", "1 PM", "TBD", "1:61 PM")),
    ({"Day": "13/03/2022", "Start": "2:30 AM"}, "Start", "game_time"),  # the clocks skip it
    *(({"Home": cell}, "Home", "unknown_team") for cell in ("", "Atlanta Flacons", "???", "y" * 9999)),
    ({"Visitor": "ATL"}, "Visitor", "home_is_away"),
    *(({"HP": cell}, "HP", "score") for cell in ("-1", "x", "2.5", "inf", "4001", "NaN")),
    ({"VP": ""}, "VP", "score_alone"),
]  # fmt: skip
PRICES = ["0", "99", "-99", "1.91", "NaN", "inf", "EVEN", "-110.5", "−110", "-2147483648", "1e3"]
LOST = [
    *(({column: cell}, column, "price", 1) for column in ("ML H", "Open V", "Line V") for cell in PRICES),
    *(({"Line": cell}, "Line", "line", 2) for cell in ("5.3", "pk", "101", "NaN", "−3", "5.5.5")),
    *(({"Total": cell}, "Total", "line", 0) for cell in ("0", "-44", "44.1", "401", "over")),
    ({"Line": ""}, "Line H", "price_without_line", 2),
]
WARNED = [
    ({"Neutral": "yes"}, "Neutral", "neutral_site"),
    ({"ML H": "250", "ML V": "-200"}, "ML H", "negative_overround"),
]


def variant(cells):
    content = as_csv(table_row(**cells), other_row())
    return contract.check_malformed(reading_of(content), content, games_left=1)


@pytest.mark.parametrize(("cells", "column", "rule"), REJECTED)
def test_a_wrong_cell_rejects_its_game_and_names_its_place(cells, column, rule):
    batch = variant(cells)
    assert (2, column, rule) in {(f.line, f.column, f.rule) for f in batch.findings}
    assert {f.line for f in batch.findings} == {2}
    assert list(batch.games["game"]) == [GOOD]


@pytest.mark.parametrize(("cells", "column", "rule", "lost"), LOST)
def test_a_wrong_price_or_line_loses_only_its_quote(cells, column, rule, lost):
    batch = variant(cells)
    assert (2, column, rule) in {(f.line, f.column, f.rule) for f in batch.findings}
    assert len(batch.games) == 2
    assert len(batch.quotes) == 12 - lost


@pytest.mark.parametrize(("cells", "column", "rule"), WARNED)
def test_a_doubtful_cell_is_marked_and_lands(cells, column, rule):
    batch = variant(cells)
    assert [(f.line, f.column, f.rule, f.severity) for f in batch.findings] == [(2, column, rule, Severity.WARNING)]
    assert len(batch.quotes) == 12


def test_a_game_told_twice_lands_once():
    batch = batch_of(table_row(), table_row(), other_row())
    assert [(f.line, f.rule) for f in batch.findings] == [(3, "duplicate_game")]
    assert len(batch.games) == 2


def test_a_missing_time_or_book_in_a_snapshot_loses_its_prices_only():
    rows = [SNAPSHOT_ROWS[0] | {"Seen": "noon"}, SNAPSHOT_ROWS[1] | {"Book": ""}, SNAPSHOT_ROWS[2]]
    batch = batch_of(*rows, **SNAPSHOTS)
    assert [(f.line, f.rule) for f in batch.findings] == [(2, "recorded_at"), (3, "book")]
    assert (len(batch.games), len(batch.quotes)) == (1, 2)


@pytest.mark.parametrize("content", [b"", b"Day,Home\n1,2\n", b"\x89PNG\r\n", b"PK\x03\x04garbage"])
def test_what_is_no_such_table_is_one_clear_error(content):
    with pytest.raises(DataFileError, match=r"table\.csv"):
        reading_of(content).read(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sport": "?"}, "key sport: still to be filled in"),
        ({"date": {"column": "Day", "format": "? %d/%m/%Y or %m/%d/%Y"}}, "key date.format: still to be filled in"),
        ({"timezone": "Mars/Phobos"}, "no IANA time zone"),
        ({"date": {"column": "Day", "format": "%d %b"}}, "no year"),
        ({"date": {"column": "Day", "format": "%Y-%m-%d%z"}}, "no zone"),
        ({"time": None, "usual_time": None}, "usual_time"),
        ({"usual_time": "1 PM"}, "key usual_time"),
        ({"season": "Year"}, "either season"),
        ({"home_score": None}, "go together"),
        ({"odds": "fractional"}, "key odds"),
        ({"colour": "red"}, "key colour"),
        ({"markets": [{"market": "spread", "book": "b", "line": "L"}]}, "sign"),
        ({"markets": [{"market": "spread", "book": "b", "line": "L", "sign": "unsigned"}]}, "favourite"),
        ({"markets": [{"market": "total", "book": "b", "prices": {"home": "x"}, "line": "L"}]}, "no side home"),
        ({"markets": [{"market": "moneyline", "book": "b", "line": "L", "prices": {"home": "x"}}]}, "moneylines"),
        ({"markets": [{"market": "moneyline", "book": "b"}]}, "needs prices"),
        ({"markets": [{"market": "total", "book": "b", "line": "L", "seen": "open"}]}, "kept at the close"),
        ({"markets": [{"market": "total", "line": "L"}]}, "needs its book"),
        ({"markets": [{"market": "moneyline", "book": "b", "prices": {"home": "x"}, "seen": "recorded"}]}, "recorded"),
    ],
)
def test_a_wrong_mapping_says_which_key(change, said):
    with pytest.raises(UsageError, match=r"map\.yaml") as caught:
        mapping_of(MAPPING | change, name="map.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"a: [", b"- 1", b"", b"\xff\xfe"])
def test_a_mapping_that_is_no_yaml_mapping_is_a_usage_error(content):
    with pytest.raises(UsageError, match=r"map\.yaml"):
        load_mapping(content, name="map.yaml")


def test_a_mapping_file_reads_as_its_values():
    assert load_mapping(yaml.safe_dump(MAPPING), name="m") == mapping_of(MAPPING, name="m")


def test_a_proposal_knows_the_usual_headers_and_asks_for_the_rest():
    told = propose(cells_of(football_csv(football_row(Date="17/08/2019", Season="2019")), name="f.csv"))
    assert (told["home"], told["away"], told["season"]) == ("HomeTeam", "AwayTeam", "Season")
    assert told["date"] == {"column": "Date", "format": "%d/%m/%Y"}
    assert told["time"] == {"column": "Time", "format": "%H:%M"}
    assert told["odds"] == "decimal"
    moneyline = told["markets"][0]
    assert moneyline["prices"] == {"home": "B365H", "draw": "B365D", "away": "B365A"}
    with pytest.raises(UsageError, match="key sport: still to be filled in"):
        mapping_of(told, name="proposal")


def test_a_date_that_may_be_two_days_is_asked_for():
    told = propose(cells_of(football_csv(football_row(Date="07/08/2019")), name="f.csv"))
    assert told["date"]["format"] == "? %d/%m/%Y or %m/%d/%Y"


@pytest.mark.parametrize(
    ("lines", "sign"), [(("-3.5", "7"), "home_handicap"), (("3.5", "-7"), "home_favoured_by"), (("", "7"), "?")]
)
def test_the_moneyline_tells_the_sign_of_the_spread(lines, sign):
    rows = [
        {"Spread": line, "Home ML": ml, "Away ML": other}
        for line, (ml, other) in zip(lines, (("-180", "150"), ("250", "-300")), strict=True)
    ]
    [_, market] = propose(cells_of(as_csv(*rows), name="f.csv"))["markets"]
    assert (market["line"], market["sign"]) == ("Spread", sign)


def test_a_filled_in_proposal_reads_the_table():
    row = {"date": "2022-09-11", "home_team": "ATL", "away_team": "NO", "home_score": "26", "away_score": "27"}
    content = as_csv(row | {"home_moneyline": "200", "away_moneyline": "-240", "total_line": "42.5"})
    told = propose(cells_of(content, name="t.csv"))
    told |= {"sport": "NFL", "source": "mine", "timezone": "America/New_York"}
    told |= {"usual_time": "13:00", "season_starts_month": 7}
    for market in told["markets"]:
        market |= {"book": "b", "seen": "close"}
    batch = mapped.read(content, name="t.csv", mapping=mapping_of(told, name="p"))
    contract.check_batch(batch)
    assert (len(batch.games), len(batch.quotes), len(batch.closing)) == (1, 2, 4)


def test_a_proposal_reads_workbooks_and_empty_tables_too():
    told = propose(cells_of(as_xlsx(table_row()), name="t.xlsx"))
    assert (told["home"], told.get("home_score")) == ("Home", None)
    assert propose(pd.DataFrame())["home"] == "?"


@pytest.mark.real_data
def test_the_real_nflverse_file_is_proposed_almost_whole(nflverse_file):
    told = propose(cells_of(nflverse_file.read_bytes(), name=nflverse_file.name))
    assert told["date"] == {"column": "gameday", "format": "%Y-%m-%d"}
    assert told["time"] == {"column": "gametime", "format": "%H:%M"}
    assert told["odds"] == "american"
    assert {market["market"]: market.get("sign") for market in told["markets"]} == {
        "moneyline": None, "spread": "home_favoured_by", "total": None,
    }  # fmt: skip
