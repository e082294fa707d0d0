"""The Odds API flattened into CSV files: hourly changes, and one snapshot a day."""

import gzip

import pandas as pd
import pytest

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import odds_api_flat
from tests.sources.contract import Reading, check_batch, check_malformed
from tests.sources.odds_api_files import (
    ALABAMA_GAME,
    MIAMI_GAME,
    as_csv,
    changes,
    day_row,
    event,
    other_day_row,
    other_event,
)

CHANGES = Reading("changes", lambda data: odds_api_flat.read_changes(data, name="changes.csv", sport="NCAAF"), b"")
DAYS = Reading("days", lambda files: odds_api_flat.read_days(files, sport="NHL"), {})
NIGHT = "odds_2023-10-10.csv"
BLUES_GAME = "2023:2023-10-10:MTL@STL:1"

CHANGE_FAULTS = [
    ({"snapshot_utc": "noon"}, "snapshot_utc", "snapshot_time"),
    ({"snapshot_utc": ""}, "snapshot_utc", "snapshot_time"),
    ({"snapshot_utc": "2025-10-17 12:44:48"}, "snapshot_utc", "snapshot_time"),
    ({"snapshot_utc": "2025-10-17T12:44:48+25:00"}, "snapshot_utc", "snapshot_time"),
    ({"event_id": ""}, "event_id", "event_id"),
    ({"event_id": "x" * 60}, "event_id", "event_id"),
    ({"event_id": "a b"}, "event_id", "event_id"),
    ({"commence_time": ""}, "commence_time", "commence_time"),
    ({"commence_time": "17.10.2025"}, "commence_time", "commence_time"),
    ({"commence_time": "2025-10-32T00:00:00Z"}, "commence_time", "commence_time"),
    ({"home_team": "Miami Dolphins"}, "home_team", "unknown_team"),
    ({"home_team": ""}, "home_team", "unknown_team"),
    ({"away_team": "y" * 100_000}, "away_team", "unknown_team"),
    ({"away_team": "Miami Hurricanes"}, "away_team", "home_is_away"),
    ({"bookmaker": ""}, "bookmaker", "book"),
    ({"bookmaker": "k" * 101}, "bookmaker", "book"),
    ({"market": "player_points"}, "market", "unknown_market"),
    ({"market": ""}, "market", "unknown_market"),
    ({"outcome": "Over"}, "outcome", "outcome"),
    ({"outcome": ""}, "outcome", "outcome"),
    ({"outcome": "Tennessee Volunteers"}, "outcome", "outcome"),
    *[({"price": price}, "price", "price") for price in ("0", "-99", "99", "1.91", "1.0", "NaN", "nan", "inf", "even",
                                                         "-2147483648", "1e3", "−110", "-110.5", "9" * 5000)],
    ({"price": ""}, "price", "price_missing"),
    ({"price": "NA"}, "price", "price_missing"),
    ({"last_update": "later"}, "last_update", "last_update"),
    ({"last_update": "2025-10-17T23:59:00Z"}, "last_update", "update_after_snapshot"),
]  # fmt: skip

SPREAD_FAULTS = ["", "NA", "-24.4", "pk", "−13.5", "81", "1e1", "NaN", "-1000", "13.5.5"]

DAY_FAULTS = [
    ({"sport": "NBA"}, "sport", "other_sport"),
    ({"sport": ""}, "sport", "other_sport"),
    ({"game_id": ""}, "game_id", "event_id"),
    ({"game_id": "!" * 9}, "game_id", "event_id"),
    ({"commence_time": "tonight"}, "commence_time", "commence_time"),
    ({"commence_time": ""}, "commence_time", "commence_time"),
    ({"commence_time": "2023-10-10T21:30:00"}, "commence_time", "commence_time"),
    ({"home_team": "Tampa Bay Rays"}, "home_team", "unknown_team"),
    ({"away_team": ""}, "away_team", "unknown_team"),
    ({"away_team": "tampa bay lightning"}, "away_team", "home_is_away"),
    ({"bookmaker": ""}, "bookmaker", "book"),
    *[({"ml_home": price}, "ml_home", "price") for price in ("0", "-99", "1.0", "NaN", "-2147483648", "pk", "+-110")],
    ({"spread_away_odds": "99"}, "spread_away_odds", "price"),
    ({"total_over_odds": "1.91"}, "total_over_odds", "price"),
    ({"total_under_odds": ""}, "total_under_odds", "price_missing"),
    ({"spread_home": ""}, "spread_home", "line"),
    ({"spread_home": "-1.3"}, "spread_home", "line"),
    ({"spread_home": "-16"}, "spread_home", "line"),
    ({"spread_away": "pk"}, "spread_away", "line"),
    ({"total_line": ""}, "total_line", "line"),
    ({"total_line": "0"}, "total_line", "line"),
    ({"total_line": "65"}, "total_line", "line"),
    ({"spread_away": "-1.5"}, "spread_away", "sides_disagree"),
]

DAY_WARNED = [
    ({"date": "2023-10-11"}, "date", "date_differs"),
    ({"date": ""}, "date", "date_differs"),
    ({"ml_home": "150", "ml_away": "150"}, "ml_home", "negative_overround"),
]


def spoilt(cells: dict[str, str], market: str = "h2h") -> bytes:
    """A change file whose first row of `market` has these cells; Alabama's rows are good."""
    rows = changes(event())
    first = next(number for number, row in enumerate(rows) if row["market"] == market)
    rows[first] = rows[first] | cells
    return as_csv(rows + changes(other_event()))


def test_a_change_is_seen_at_its_snapshot():
    first, later = event(), event(of_book={"ml_home": -600})
    moved = [row for row in changes(later, snapshot="2025-10-17T14:00:00Z") if row["price"] == "-600"]
    batch = CHANGES.read(as_csv(changes(first) + moved))
    home = batch.quotes[(batch.quotes["market"] == "moneyline") & (batch.quotes["selection"] == "home")]
    assert list(home["price"]) == [-535, -600]
    assert list(home["recorded_at"]) == [pd.Timestamp("2025-10-17T12:44:48Z"), pd.Timestamp("2025-10-17T14:00Z")]
    assert len(batch.quotes) == 7
    assert batch.rows_read == 7


def test_the_close_is_each_sides_last_change_before_the_kickoff():
    moved = [row for row in changes(event(of_book={"ml_home": -600}), snapshot="2025-10-17T22:00:00Z")
             if row["price"] == "-600"]  # fmt: skip
    running = changes(event(of_book={"spread": -21.5}), snapshot="2025-10-17T23:30:00Z")
    closing = CHANGES.read(as_csv(changes(event()) + moved + running)).closing.set_index(["market", "selection"])
    assert closing.loc[("moneyline", "home"), "closing_price"] == -600
    assert closing.loc[("moneyline", "away"), "closing_price"] == 400
    assert closing.loc[("spread", "home"), "closing_line"] == -13.5
    assert len(closing) == 6


def test_a_side_left_at_a_line_the_book_no_longer_has_does_not_close():
    moved = [row for row in changes(event(of_book={"spread": -14}), snapshot="2025-10-17T22:00:00Z")
             if row["point"] == "-14"]  # fmt: skip
    after = changes(other_event(), snapshot="2025-10-17T23:30:00Z")
    closing = CHANGES.read(as_csv(changes(event()) + moved + after)).closing
    spread = closing[closing["market"] == "spread"]
    assert list(zip(spread["selection"], spread["closing_line"], strict=True)) == [("home", -14.0)]


def test_changes_and_answers_of_the_api_give_the_same_quotes():
    from aipro_ml.sources import odds_api
    from tests.sources.odds_api_files import wrapper

    flat = CHANGES.read(as_csv(changes(event(), other_event())))
    told = odds_api.read(wrapper("2025-10-17T12:44:48Z", event(), other_event()), name="x.json", sport="NCAAF")
    pd.testing.assert_frame_equal(flat.quotes, told.quotes)
    pd.testing.assert_frame_equal(flat.moves, told.moves)


@pytest.mark.parametrize(("cells", "column", "rule"), CHANGE_FAULTS)
def test_a_wrong_cell_of_a_change_is_told_and_the_rest_lands(cells, column, rule):
    batch = check_malformed(CHANGES, spoilt(cells), games_left=2)
    found = [finding for finding in batch.findings if finding.rule == rule]
    assert [(f.file, f.line, f.column) for f in found] == [("changes.csv", 2, column)]
    assert (batch.quotes["game"] == ALABAMA_GAME).sum() == 6
    assert (batch.quotes["game"] == MIAMI_GAME).sum() == (6 if found[0].severity is Severity.WARNING
                                                          and rule != "unknown_market" else 5)  # fmt: skip


@pytest.mark.parametrize("point", SPREAD_FAULTS)
def test_a_wrong_point_of_a_change_loses_its_quote(point):
    batch = check_malformed(CHANGES, spoilt({"point": point}, "spreads"), games_left=2)
    assert [(f.line, f.column, f.rule) for f in batch.findings] == [(4, "point", "line")]
    assert len(batch.quotes) == 11


def test_a_change_file_with_a_row_of_the_wrong_width_keeps_the_others():
    batch = check_malformed(CHANGES, spoilt({}) + b"1,2,3\n", games_left=2)
    assert [(f.rule, f.line) for f in batch.findings] == [("row_width", 14)]
    assert (batch.rows_read, len(batch.quotes)) == (13, 12)


@pytest.mark.parametrize("column", odds_api_flat.CHANGE_FIELDS)
def test_a_missing_column_of_a_change_file_is_named(column):
    data = spoilt({}).replace(column.encode(), b"other", 1)
    with pytest.raises(DataFileError, match=f"lacks the columns {column}"):
        CHANGES.read(data)


def test_a_cell_of_a_million_characters_is_an_error_with_its_line():
    with pytest.raises(DataFileError, match="line 2"):
        CHANGES.read(spoilt({"home_team": "x" * 1_000_000}))


def test_prices_of_a_daily_file_were_seen_at_its_hour():
    batch = DAYS.read({NIGHT: as_csv([day_row()])})
    assert set(batch.quotes["recorded_at"]) == {pd.Timestamp("2023-10-10T17:00Z")}
    assert list(batch.games["game"]) == ["2023:2023-10-10:NSH@TBL:1"]
    assert {book.name for book in batch.books} == {"Caesars"}
    spread = batch.quotes[batch.quotes["market"] == "spread"]
    assert dict(zip(spread["selection"], spread["line"], strict=True)) == {"home": -1.5, "away": 1.5}
    other = odds_api_flat.read_days({NIGHT: as_csv([day_row()])}, sport="NHL", clock="12:30")
    assert set(other.quotes["recorded_at"]) == {pd.Timestamp("2023-10-10T12:30Z")}


def test_accents_and_points_of_names_do_not_matter():
    batch = DAYS.read({NIGHT: gzip.compress(as_csv([other_day_row()]))})
    assert list(batch.games["game"]) == [BLUES_GAME]


def test_a_game_in_several_days_has_several_quotes_and_closes_with_the_last():
    late = {"commence_time": "2023-10-12T00:00:00Z"}
    days = {
        NIGHT: as_csv([day_row(**late)]),
        "odds_2023-10-11.csv": as_csv([day_row(**late, ml_home="-180", date="2023-10-11")]),
        "odds_2023-10-12.csv": as_csv([day_row(**late, ml_home="-900", date="2023-10-12")]),
    }
    batch = DAYS.read(days)
    home = batch.quotes[(batch.quotes["market"] == "moneyline") & (batch.quotes["selection"] == "home")]
    assert list(home["price"]) == [-160, -180, -900]
    closed = batch.closing[(batch.closing["market"] == "moneyline") & (batch.closing["selection"] == "home")]
    assert list(closed["closing_price"]) == [-180]
    assert len(batch.games) == 1


def test_a_market_wholly_missing_is_simply_missing():
    cells = dict.fromkeys(("total_line", "total_over_odds", "total_under_odds"), "")
    batch = DAYS.read({NIGHT: as_csv([day_row(**cells)])})
    assert batch.findings == ()
    assert set(batch.quotes["market"]) == {"moneyline", "spread"}


def test_the_calendar_decides_what_part_of_its_season_a_game_is():
    finals = day_row(date="2024-06-10", commence_time="2024-06-11T00:10:00Z")
    batch = DAYS.read({"odds_2024-06-10.csv": as_csv([finals])})
    assert list(batch.games["season_type"]) == ["postseason"]
    assert list(batch.games["season"]) == [2023]


def test_a_game_of_a_season_no_calendar_knows_has_the_season_of_its_month():
    future = day_row(date="2031-01-05", commence_time="2031-01-06T00:10:00Z")
    batch = DAYS.read({"odds_2031-01-05.csv": as_csv([future])})
    assert list(batch.games["season"]) == [2030]
    assert list(batch.games["season_type"]) == ["regular"]


@pytest.mark.parametrize(("cells", "column", "rule"), DAY_FAULTS)
def test_a_wrong_cell_of_a_day_is_told_and_the_rest_lands(cells, column, rule):
    batch = check_malformed(DAYS, {NIGHT: as_csv([day_row(**cells), other_day_row()])}, games_left=1)
    assert (NIGHT, 2, column, rule) in {(f.file, f.line, f.column, f.rule) for f in batch.findings}
    assert {f.line for f in batch.findings} == {2}
    assert (batch.quotes["game"] == BLUES_GAME).sum() == 6
    assert len(batch.quotes) < 12


@pytest.mark.parametrize(("cells", "column", "rule"), DAY_WARNED)
def test_a_doubtful_cell_of_a_day_is_marked_and_lands(cells, column, rule):
    batch = check_malformed(DAYS, {NIGHT: as_csv([day_row(**cells), other_day_row()])}, games_left=2)
    assert [(f.line, f.column, f.rule, f.severity) for f in batch.findings] == [(2, column, rule, Severity.WARNING)]
    assert len(batch.quotes) == 12


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("odds.csv", as_csv([day_row()])),
        ("odds_2023-13-10.csv", as_csv([day_row()])),
        ("odds_2023-10-11.csv", b""),
        ("odds_2023-10-11.csv", b"\x1f\x8b\x08"),
        ("odds_2023-10-11.csv", b"date,sport\n"),
        ("odds_2023-10-11.csv", "date".encode("utf-16")),
    ],
)
def test_a_day_that_cannot_be_read_is_told_and_the_others_land(name, data):
    batch = check_malformed(DAYS, {NIGHT: as_csv([day_row()]), name: data}, games_left=1)
    assert [(f.file, f.rule) for f in batch.findings] == [(name, "unreadable_file")]
    with pytest.raises(DataFileError, match=name):
        DAYS.read({name: data})


def test_no_files_are_an_empty_batch():
    batch = odds_api_flat.read_days({}, sport="NHL")
    check_batch(batch)
    assert batch.games.empty
