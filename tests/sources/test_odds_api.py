"""Answers of The Odds API as games, moves, quotes and closing lines."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from aipro_ml.config import sport_config
from aipro_ml.enums import Severity
from aipro_ml.errors import DataFileError
from aipro_ml.sources import odds_api, odds_api_events
from tests.sources.odds_api_files import (
    ALABAMA_GAME,
    MIAMI,
    MIAMI_GAME,
    answer,
    book,
    event,
    other_event,
    wrapper,
)

NAMES = {"home": "Miami Hurricanes", "away": "Louisville Cardinals"}
NOON = "2025-10-17T12:44:48Z"


def read(data: bytes, **options):
    return odds_api.read(data, name="live.json", **({"sport": "NCAAF"} | options))


def folder(**snapshots: bytes):
    """Read snapshots named by their time, as `T124448=...` on 17 October 2025."""
    return odds_api.read_folder(
        {f"ncaaf_20251017{time}Z.json": data for time, data in snapshots.items()}, sport="NCAAF"
    )


def side(frame: pd.DataFrame, market: str, selection: str) -> pd.Series:
    return frame[(frame["market"] == market) & (frame["selection"] == selection)].iloc[-1]


def test_an_event_is_a_game_of_two_schools_named_with_their_nicknames():
    batch = read(answer(event(), other_event()))
    assert list(batch.games["game"]) == [MIAMI_GAME, ALABAMA_GAME]
    game = batch.games.iloc[0]
    assert (game["home"], game["away"], game["season"], game["external_id"]) == ("MIA", "LOU", 2025, MIAMI)
    assert game["kickoff"] == pd.Timestamp("2025-10-17T23:00Z")
    assert not game["kickoff_estimated"]
    assert (game["status"], game["season_type"]) == ("scheduled", "regular")
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("market", "selection", "line", "price"),
    [
        ("moneyline", "home", None, -535), ("moneyline", "away", None, 400),
        ("spread", "home", -13.5, -115), ("spread", "away", 13.5, -105),
        ("total", "over", 50.5, -112), ("total", "under", 50.5, -108),
    ],
)  # fmt: skip
def test_each_side_keeps_its_price_and_its_own_sign(market, selection, line, price):
    quote = side(read(answer(event())).quotes, market, selection)
    assert quote["price"] == price
    assert pd.isna(quote["line"]) if line is None else quote["line"] == line
    assert (quote["game"], quote["book"]) == (MIAMI_GAME, "FanDuel")


def test_an_event_without_bookmakers_is_still_a_game():
    batch = read(answer(event(bookmakers=[])))
    assert len(batch.games) == 1
    assert batch.quotes.empty
    assert batch.findings == ()


def test_an_answer_without_events_is_an_empty_batch():
    batch = read(b"[]")
    assert batch.games.empty
    assert batch.moves.empty
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("data", "options", "seen"),
    [
        (answer(event()), {}, "2025-10-17T12:40:00Z"),
        (answer(event()), {"taken_at": datetime(2025, 10, 17, 12, 44, 48, tzinfo=UTC)}, NOON),
        (answer(event()), {"name": "ncaaf_20251017T124448Z.json.gz"}, NOON),
        (answer(event()), {"name": "ncaaf-2025-10-17T12:44:48Z.json"}, NOON),
        (wrapper(NOON, event()), {}, NOON),
        (wrapper(NOON, event()), {"taken_at": datetime(2026, 1, 1, tzinfo=UTC)}, NOON),
    ],
)
def test_a_price_was_seen_at_its_snapshot_else_when_its_market_changed(data, options, seen):
    batch = odds_api.read(data, **({"name": "x.json", "sport": "NCAAF"} | options))
    assert set(batch.quotes["recorded_at"]) == {pd.Timestamp(seen)}
    assert set(batch.moves["known_at"]) == {pd.Timestamp(seen)}


def test_a_price_changed_after_its_snapshot_counts_from_its_change_and_is_marked():
    batch = read(wrapper(NOON, event(of_book={"updated": "2025-10-17T12:50:00Z"})))
    assert set(batch.quotes["recorded_at"]) == {pd.Timestamp("2025-10-17T12:50Z")}
    assert {(f.rule, f.severity) for f in batch.findings} == {("update_after_snapshot", Severity.WARNING)}


def test_the_historical_answer_for_one_event_is_read_too():
    data = wrapper(NOON, event()).replace(b"[{", b"{", 1)[::-1].replace(b"}]}"[::-1], b"}}"[::-1], 1)[::-1]
    assert len(read(data).games) == 1


def test_decimal_odds_are_rounded_to_whole_american_prices():
    prices = {"ml_home": 1.19, "ml_away": 5.0, "home_price": 1.87, "away_price": 1.95, "over": 1.893, "under": 2}
    batch = read(answer(event(of_book=prices)), odds_format="decimal")
    assert side(batch.quotes, "moneyline", "home")["price"] == -526
    assert side(batch.quotes, "moneyline", "away")["price"] == 400
    assert side(batch.quotes, "total", "under")["price"] == 100
    assert batch.findings == ()


def test_decimal_odds_read_as_american_are_all_refused():
    batch = read(answer(event(of_book={"ml_home": 1.19, "ml_away": 5.0})))
    assert [(f.rule, f.value) for f in batch.findings] == [("price", "5.0"), ("price", "1.19")]
    assert set(batch.quotes["market"]) == {"spread", "total"}


def test_a_soccer_match_has_a_draw(monkeypatch):
    monkeypatch.setattr(odds_api_events, "sport_config", lambda _: sport_config("NHL"))
    outcomes = [{"name": name, "price": price} for name, price in [("Arsenal", 120), ("Chelsea", 240), ("Draw", 230)]]
    maker = book(home="Arsenal", away="Chelsea", updated="2022-08-20T10:00:00Z")
    maker["markets"] = [{"key": "h2h", "outcomes": outcomes}]
    match = event(home_team="Arsenal", away_team="Chelsea", sport_key="soccer_epl", bookmakers=[maker])
    batch = read(answer(match | {"commence_time": "2022-08-20T14:00:00Z"}), sport="EPL")
    assert list(batch.quotes["selection"]) == ["home", "away", "draw"]
    assert batch.findings == ()


def test_a_draw_is_no_outcome_of_american_football():
    maker = book(**NAMES)
    maker["markets"][0]["outcomes"].append({"name": "Draw", "price": 5000})
    [finding] = read(answer(event(bookmakers=[maker]))).findings
    assert (finding.rule, finding.value) == ("outcome", "Draw")
    assert finding.column == "[0].bookmakers[0].markets[0].outcomes[2].name"


def test_books_are_named_alike_in_all_layouts_and_sharp_ones_are_marked():
    makers = [book(key, **NAMES) for key in ("williamhill_us", "lowvig", "newbook")]
    batch = read(answer(event(bookmakers=makers)))
    assert {(b.name, b.is_sharp) for b in batch.books} == {("Caesars", False), ("LowVig.ag", True), ("Newbook", False)}


def test_the_last_quote_before_the_kickoff_is_the_closing_line():
    batch = folder(
        T124448=answer(event()),
        T225900=answer(event(of_book={"spread": -14, "ml_home": -600})),
        T231000=answer(event(of_book={"spread": -20.5, "ml_home": -2000})),
    )
    closing = batch.closing.set_index(["market", "selection"])
    assert closing.loc[("moneyline", "home"), "closing_price"] == -600
    assert closing.loc[("spread", "home"), "closing_line"] == -14
    assert closing.loc[("spread", "away"), "closing_line"] == 14
    assert set(closing["closed_at"]) == {pd.Timestamp("2025-10-17T22:59Z")}
    assert -2000 in set(batch.quotes["price"])


def test_before_the_kickoff_nothing_has_closed():
    assert folder(T124448=answer(event()), T225900=answer(event())).closing.empty


def test_a_quote_at_the_very_kickoff_is_of_the_running_game():
    batch = folder(T124448=answer(event()), T230000=answer(event(of_book={"ml_home": -700})))
    assert set(batch.closing["closed_at"]) == {pd.Timestamp("2025-10-17T12:44:48Z")}


def test_a_moved_kickoff_moves_the_game_and_leaves_its_moves():
    batch = folder(
        T124448=answer(event()),
        T134448=answer(event(commence_time="2025-10-18T01:30:00Z")),
        T234448=answer(event(commence_time="2025-10-18T01:30:00Z", of_book={"ml_home": -650})),
        T235900=answer(event(commence_time="2025-10-18T01:30:00Z", bookmakers=[])),
    )
    assert list(batch.games["kickoff"]) == [pd.Timestamp("2025-10-18T01:30Z")]
    assert [(f"{row.kickoff:%d %H:%M}", f"{row.known_at:%d %H:%M}") for row in batch.moves.itertuples()] == [
        ("17 23:00", "17 12:44"), ("18 01:30", "17 13:44"),
    ]  # fmt: skip
    assert set(batch.moves["game"]) == set(batch.games["game"]) == {MIAMI_GAME}


def test_a_game_moved_to_another_day_is_named_by_the_day_it_is_played():
    moved = event(commence_time="2025-10-18T19:00:00Z")
    batch = folder(T124448=answer(event()), T134448=answer(moved))
    assert list(batch.games["game"]) == ["2025:2025-10-18:LOU@MIA:1"]
    assert set(batch.quotes["game"]) == set(batch.games["game"])


def test_a_delay_seen_late_lets_no_price_of_the_running_game_close():
    batch = folder(
        T225000=answer(event()),
        T230500=answer(event(of_book={"ml_home": -900})),
        T231500=answer(event(commence_time="2025-10-17T23:10:00Z", of_book={"ml_home": -1200})),
    )
    assert list(batch.games["kickoff"]) == [pd.Timestamp("2025-10-17T23:10Z")]
    assert set(batch.closing["closed_at"]) == {pd.Timestamp("2025-10-17T22:50Z")}


def test_a_kickoff_said_hours_back_of_a_running_game_is_refused():
    backdated = event(commence_time="2025-10-17T19:30:00Z", of_book={"ml_home": -2500})
    batch = folder(
        T214448=answer(event()), T224448=answer(event()), T233000=answer(backdated), T235500=answer(backdated)
    )
    [finding] = batch.findings
    assert (finding.rule, finding.severity, finding.value) == (
        "backdated_kickoff", Severity.WARNING, "2025-10-17T19:30:00Z",
    )  # fmt: skip
    assert list(batch.games["kickoff"]) == [pd.Timestamp("2025-10-17T23:00Z")]
    assert len(batch.moves) == 1
    assert set(batch.closing["closed_at"]) == {pd.Timestamp("2025-10-17T22:44:48Z")}


def test_a_game_found_to_have_begun_earlier_than_announced_closes_before_it_did():
    begun = event(commence_time="2025-10-17T20:00:00Z", of_book={"ml_home": -2500})
    batch = folder(T194448=answer(event()), T204448=answer(event(of_book={"ml_home": -999})), T214448=answer(begun))
    assert list(batch.games["kickoff"]) == [pd.Timestamp("2025-10-17T20:00Z")]
    assert set(batch.closing["closed_at"]) == {pd.Timestamp("2025-10-17T19:44:48Z")}


def test_a_start_a_few_minutes_early_is_believed():
    early = event(commence_time="2025-10-17T22:55:00Z")
    batch = folder(T225800=answer(event()), T230500=answer(early))
    assert list(batch.games["kickoff"]) == [pd.Timestamp("2025-10-17T22:55Z")]
    assert batch.closing.empty
    assert batch.findings == ()


def test_two_games_of_one_pair_are_told_apart_by_time():
    again = event(id="f" * 32, commence_time="2025-11-17T23:00:00Z")
    twice = event(id="e" * 32, commence_time="2025-10-17T17:00:00Z")
    batch = read(answer(event(), again, twice))
    assert sorted(batch.games["game"]) == [
        "2025:2025-10-17:LOU@MIA:1", "2025:2025-10-17:LOU@MIA:2", "2025:2025-11-17:LOU@MIA:1",
    ]  # fmt: skip
    numbers = batch.games.set_index("external_id")["game_number"]
    assert (numbers["e" * 32], numbers[MIAMI]) == (1, 2)


def test_an_unreadable_file_of_a_folder_is_a_finding_and_the_others_land():
    batch = folder(T124448=answer(event()), T134448=b"\x1f\x8b\x08")
    [finding] = batch.findings
    assert (finding.file, finding.rule) == ("ncaaf_20251017T134448Z.json", "unreadable_file")
    assert len(batch.games) == 1


def test_a_folder_of_which_no_file_can_be_read_is_an_error():
    with pytest.raises(DataFileError, match="ncaaf_20251017T124448Z"):
        folder(T124448=b"", T134448=b"{}")


def test_the_order_of_files_in_a_folder_does_not_matter():
    files = {f"x_20251017T{hour}0000Z.json": answer(event(), other_event()) for hour in (12, 13, 14)}
    there = odds_api.read_folder(files, sport="NCAAF")
    back = odds_api.read_folder(dict(reversed(files.items())), sport="NCAAF")
    pd.testing.assert_frame_equal(there.quotes, back.quotes)
    pd.testing.assert_frame_equal(there.games, back.games)
