"""What is wrong with an answer of The Odds API becomes a finding or one clear error, and the good event lands."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import odds_api
from tests.soak import size
from tests.sources.contract import Reading, check_batch, check_malformed
from tests.sources.odds_api_files import ALABAMA_GAME, answer, book, event, other_event, wrapper

NAMES = {"home": "Miami Hurricanes", "away": "Louisville Cardinals"}
READING = Reading("live", lambda data: odds_api.read(data, name="live.json", sport="NCAAF"), b"")
LONG = "x" * 1_000_000

EVENT_FAULTS = [
    ({"home_team": "Miami Hurricane Lamps"}, "unknown_team"),
    ({"home_team": ""}, "unknown_team"),
    ({"home_team": None}, "unknown_team"),
    ({"home_team": 7}, "unknown_team"),
    ({"home_team": ["Miami Hurricanes"]}, "unknown_team"),
    ({"home_team": LONG}, "unknown_team"),
    ({"home_team": "\x00\x1b[31m\u2028"}, "unknown_team"),
    ({"away_team": "Dallas Cowboys"}, "unknown_team"),
    ({"away_team": "\ud800"}, "unknown_team"),
    ({"away_team": "Miami Hurricanes"}, "home_is_away"),
    ({"away_team": "MIAMI (FL)"}, "home_is_away"),
    ({"id": None}, "event_id"),
    ({"id": ""}, "event_id"),
    ({"id": "x" * 51}, "event_id"),
    ({"id": "a\nb"}, "event_id"),
    ({"id": {"a": 1}}, "event_id"),
    ({"commence_time": None}, "commence_time"),
    ({"commence_time": "2025-10-17"}, "commence_time"),
    ({"commence_time": "2025-10-17T23:00:00"}, "commence_time"),
    ({"commence_time": "2025-13-17T23:00:00Z"}, "commence_time"),
    ({"commence_time": "2025-02-30T23:00:00Z"}, "commence_time"),
    ({"commence_time": "2025-10-17T25:00:00Z"}, "commence_time"),
    ({"commence_time": "1925-10-17T23:00:00Z"}, "commence_time"),
    ({"commence_time": "17/10/2025 23:00"}, "commence_time"),
    ({"commence_time": 1760742000}, "commence_time"),
    ({"commence_time": "２０25-10-17T23:00:00Z"}, "commence_time"),
    ({"commence_time": "2025-10-17T23:00:00+99:00"}, "commence_time"),
    ({"commence_time": LONG}, "commence_time"),
    ({"sport_key": "icehockey_nhl"}, "other_sport"),
    ({"sport_key": "cricket"}, "other_sport"),
    ({"sport_key": [1]}, "other_sport"),
    ({"bookmakers": "none"}, "shape"),
    ({"bookmakers": None}, "shape"),
    ({"bookmakers": [1, 2]}, "shape"),
    ({"bookmakers": [[]]}, "shape"),
    ({"bookmakers": [{"key": "fanduel", "markets": {}}]}, "shape"),
    ({"bookmakers": [{"key": "fanduel", "markets": ["h2h"]}]}, "shape"),
    ({"bookmakers": [{"key": "fanduel", "markets": [{"key": "h2h", "outcomes": 3}]}]}, "shape"),
    ({"bookmakers": [{"key": "fanduel", "markets": [{"key": "h2h", "outcomes": [3]}]}]}, "shape"),
]

PRICE_FAULTS = [0, -99, 99, 1.0, 1.91, -110.5, float("nan"), float("inf"), -2147483648, 10**30, True, "even", "−110",
                "1e3", "0x6e", "-1 10", [110], {"price": 110}, LONG]  # fmt: skip
LINE_FAULTS = [None, "", "pk", "-24.4", -13.3, 81, -81, float("nan"), float("-inf"), True, [3], "−3.5", "３", 1e12]

OFFER_FAULTS = [
    *[({"ml_home": price}, "price", 5) for price in PRICE_FAULTS],
    *[({"over": price}, "price", 5) for price in PRICE_FAULTS[:6]],
    ({"ml_home": None}, "price_missing", 5),
    ({"under": ""}, "price_missing", 5),
    *[({"spread": line, "away_spread": 13.5}, "line", 5) for line in LINE_FAULTS],
    ({"total": 9.5}, "line", 4),
    ({"total": 151}, "line", 4),
    ({"total": -50.5}, "line", 4),
    ({"total": 50.51}, "line", 4),
    ({"total": None}, "line", 4),
    ({"away_spread": -13.5}, "sides_disagree", 4),
    ({"away_spread": 14}, "sides_disagree", 4),
    ({"under_total": 51.5}, "sides_disagree", 4),
]

WARNED = [
    ({"ml_home": 150, "ml_away": -120}, "negative_overround"),
    ({"over": 105, "under": 105}, "negative_overround"),
    ({"home_price": 120, "away_price": 120}, "negative_overround"),
]

UNREADABLE = [
    (b"", "empty"),
    (b"  \n", "empty"),
    (b"\xef\xbb\xbf", "empty"),
    (b"{", "not valid JSON"),
    (b'[{"id": 1},]', "not valid JSON"),
    (b"[1, 2", "not valid JSON"),
    (b"<html></html>", "not valid JSON"),
    (b"null", "a list of events"),
    (b"7", "a list of events"),
    (b'"text"', "a list of events"),
    (b"{}", "a list of events"),
    (b'{"timestamp": "2025-10-17T12:45:00Z", "data": 3}', "a list of events"),
    (b'{"message": "Usage quota has been reached", "error_code": "OUT_OF_USAGE_CREDITS"}', "quota has been reached"),
    (b'{"timestamp": "yesterday", "data": []}', "timestamp"),
    (b'{"timestamp": 5, "data": []}', "timestamp"),
    (b"[" * 200_000, "not an answer"),
    (b"[" + b"9" * 10_000 + b"]", "not an answer"),
]


@pytest.mark.parametrize(("cells", "rule"), EVENT_FAULTS)
def test_a_wrong_event_is_told_and_the_other_lands(cells, rule):
    batch = check_malformed(READING, answer(event(**cells), other_event()), games_left=1)
    found = [finding for finding in batch.findings if finding.rule == rule]
    assert found
    assert {(f.file, f.line, f.severity) for f in found} == {("live.json", 1, Severity.CRITICAL)}
    assert found[0].column.startswith("[0]")
    assert ALABAMA_GAME in set(batch.games["game"])
    assert (batch.quotes["game"] == ALABAMA_GAME).sum() == 6
    if rule != "shape":
        assert len(batch.games) == 1


@pytest.mark.parametrize("thing", [1, None, "event", [], [[]], True])
def test_what_is_no_event_is_told_with_its_place(thing):
    batch = check_malformed(READING, answer(other_event(), thing), games_left=1)
    [finding] = batch.findings
    assert (finding.line, finding.column, finding.rule) == (2, "[1]", "shape")


@pytest.mark.parametrize(("cells", "rule", "left"), OFFER_FAULTS)
def test_a_wrong_price_or_line_loses_only_its_quote(cells, rule, left):
    batch = check_malformed(READING, answer(event(of_book=cells), other_event()), games_left=2)
    assert {(f.rule, f.line, f.severity) for f in batch.findings} == {(rule, 1, Severity.CRITICAL)}
    expected = "price" if rule.startswith("price") else "point"
    assert all(f.column.startswith("[0].bookmakers[0].markets[") for f in batch.findings)
    assert all(f.column.endswith(f"].{expected}") for f in batch.findings)
    assert (batch.quotes["game"] != ALABAMA_GAME).sum() == left


@pytest.mark.parametrize(("cells", "rule"), WARNED)
def test_a_doubtful_market_is_marked_and_lands(cells, rule):
    batch = check_malformed(READING, answer(event(of_book=cells), other_event()), games_left=2)
    assert [(f.rule, f.severity) for f in batch.findings] == [(rule, Severity.WARNING)]
    assert len(batch.quotes) == 12


@pytest.mark.parametrize("key", [None, "", "k" * 101, "fan\x07duel"])
def test_a_book_without_a_usable_name_does_not_land(key):
    maker = book(**NAMES) | {"key": key, "title": key}
    batch = check_malformed(READING, answer(event(bookmakers=[maker]), other_event()), games_left=2)
    assert {f.rule for f in batch.findings} == {"book"}
    assert len(batch.quotes) == 6


@pytest.mark.parametrize("name", ["Miami", "over", "", None, 4, "Tie", "Alabama Crimson Tide", LONG])
def test_an_outcome_that_is_no_side_of_the_market_does_not_land(name):
    maker = book(**NAMES)
    maker["markets"][0]["outcomes"][0]["name"] = name
    maker["markets"][2]["outcomes"][1]["name"] = name
    batch = check_malformed(READING, answer(event(bookmakers=[maker]), other_event()), games_left=2)
    assert [f.rule for f in batch.findings] == ["outcome", "outcome"]
    assert len(batch.quotes) == 10


def test_a_market_that_is_not_imported_is_told_once():
    maker = book(**NAMES)
    maker["markets"] += [{"key": "h2h_lay", "outcomes": [{"name": NAMES["home"], "price": 110}]}] * 3
    batch = check_malformed(READING, answer(event(bookmakers=[maker]), other_event()), games_left=2)
    assert [(f.rule, f.value, f.severity) for f in batch.findings] == [("unknown_market", "h2h_lay", Severity.WARNING)]


@pytest.mark.parametrize("updated", [None, "", "noon", "2025-10-17 12:40", 1760704800, "2025-10-17T12:40:00"])
def test_a_price_without_a_time_lands_only_where_the_snapshot_has_one(updated):
    bad = event(of_book={"updated": updated})
    batch = check_malformed(READING, answer(bad, other_event()), games_left=2)
    assert {f.rule for f in batch.findings} == {"last_update"}
    assert set(batch.quotes["game"]) == {ALABAMA_GAME}
    timed = odds_api.read(wrapper("2025-10-17T12:45:00Z", bad), name="x.json", sport="NCAAF")
    assert len(timed.quotes) == 6
    assert {f.severity for f in timed.findings} <= {Severity.WARNING}


def test_a_repeated_bookmaker_counts_once():
    makers = [book(**NAMES), book(**NAMES, ml_home=-600)]
    batch = check_malformed(READING, answer(event(bookmakers=makers)), games_left=1)
    assert {f.rule for f in batch.findings} == {"duplicate_quote"}
    assert len(batch.quotes) == 6
    assert -600 not in set(batch.quotes["price"])


@pytest.mark.parametrize(
    "cells",
    [{"id": "9" * 32}, {"id": "9" * 32, "commence_time": "2025-10-17T23:30:00Z"},
     {"id": "9" * 32, "home_team": NAMES["away"], "away_team": NAMES["home"]}],
)  # fmt: skip
def test_a_second_event_of_the_same_teams_at_the_same_time_is_refused(cells):
    batch = check_malformed(READING, answer(event(), event(**cells)), games_left=1)
    assert [(f.rule, f.line) for f in batch.findings if f.rule != "outcome"] == [("duplicate_game", 2)]
    assert len(batch.games) == 1
    assert len(batch.quotes) == 6


def test_an_event_whose_teams_are_swapped_later_keeps_its_first():
    swapped = event(home_team=NAMES["away"], away_team=NAMES["home"])
    files = {"a_20251017T124448Z.json": answer(event()), "a_20251017T134448Z.json": answer(swapped)}
    batch = odds_api.read_folder(files, sport="NCAAF")
    [finding] = batch.findings
    assert (finding.file, finding.rule) == ("a_20251017T134448Z.json", "event_teams")
    assert list(batch.games["home"]) == ["MIA"]
    assert len(batch.quotes) == 6


def test_the_same_event_twice_in_one_answer_gives_no_second_quotes():
    batch = check_malformed(READING, answer(event(), event()), games_left=1)
    assert {f.rule for f in batch.findings} == {"duplicate_quote"}
    assert len(batch.quotes) == 6


@pytest.mark.parametrize(("data", "said"), UNREADABLE)
def test_what_is_no_answer_is_one_clear_error(data, said):
    with pytest.raises(DataFileError, match=r"live\.json.*" + said):
        odds_api.read(data, name="live.json", sport="NCAAF")


def test_invalid_json_names_its_line():
    with pytest.raises(DataFileError, match="line 3") as caught:
        odds_api.read(b'[\n{"id": 1},\n{"id" 2}]', name="live.json", sport="NCAAF")
    assert caught.value.line == 3


def test_an_unknown_team_is_told_its_likeliest_codes():
    [finding] = odds_api.read(answer(event(home_team="Miami Hurricane")), name="x", sport="NCAAF").findings[:1]
    assert "MIA" in finding.message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "outcomes", "x"]), inner),
    max_leaves=4,
)


@settings(max_examples=size(6, 50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["book", "market", "outcome", "event"]), st.integers(0, 5), ANYTHING)
def test_anything_in_any_field_leaves_the_other_game_whole(level, place, thing):
    spoilt = event()
    holder = {
        "event": spoilt,
        "book": spoilt["bookmakers"][0],
        "market": spoilt["bookmakers"][0]["markets"][1],
        "outcome": spoilt["bookmakers"][0]["markets"][1]["outcomes"][0],
    }[level]
    holder[list(holder)[place % len(holder)]] = thing
    batch = odds_api.read(json.dumps([spoilt, other_event()]).encode(), name="x.json", sport="NCAAF")
    check_batch(batch)
    assert (batch.quotes["game"] == ALABAMA_GAME).sum() == 6
