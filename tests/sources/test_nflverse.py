"""nflverse's games file as canonical frames."""

import gzip
from datetime import UTC, datetime

import pandas as pd
import pytest

from aipro_ml.enums import Severity
from aipro_ml.sources import base, nflverse

KICKOFF = pd.Timestamp("2022-09-09T00:20Z")
MOVED = {
    "OAK": ("LV", "2019"), "LV": ("LV", "2020"), "SD": ("LAC", "2016"), "LAC": ("LAC", "2017"),
    "STL": ("LA", "2015"), "LA": ("LA", "2016"),
}  # fmt: skip


def batch_of(data: bytes, **options) -> base.SourceBatch:
    return nflverse.read(data, name="games.csv", **options)


def offer(frame: pd.DataFrame, market: str, selection: str) -> pd.Series:
    [(_, row)] = frame[(frame["market"] == market) & (frame["selection"] == selection)].iterrows()
    return row


def only_game(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["game"] == "2022:regular:1:BUF@LA"]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        ("teams", base.TEAM_COLUMNS),
        ("venues", base.VENUE_COLUMNS),
        ("seasons", base.SEASON_COLUMNS),
        ("games", base.GAME_COLUMNS),
        ("quotes", base.QUOTE_COLUMNS),
        ("closing", base.CLOSING_COLUMNS),
    ],
)
@pytest.mark.parametrize("rows", [0, 2])
def test_every_frame_has_its_fixed_columns_and_types(file_of, frame, columns, rows):
    data = file_of() if rows else file_of().splitlines()[0]
    found = getattr(batch_of(data), frame)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: str(pd.Series(dtype=kind).dtype) for name, kind in columns.items()
    }
    assert list(found.index) == list(range(len(found)))


def test_a_good_file_has_no_findings(file_of):
    batch = batch_of(file_of())
    assert batch.findings == ()
    assert (batch.rows_read, len(batch.games)) == (2, 2)


def test_a_game_lands_with_its_facts(file_of):
    game = batch_of(file_of()).games.iloc[0]
    assert game["game"] == "2022:regular:1:BUF@LA"
    assert (game["kickoff"], bool(game["kickoff_estimated"])) == (KICKOFF, False)
    assert (game["home"], game["away"], game["home_score"], game["away_score"]) == ("LA", "BUF", 10, 31)
    assert (game["status"], bool(game["overtime"]), bool(game["neutral_site"])) == ("final", False, False)
    assert (game["venue"], game["line_number"], game["external_id"]) == ("LAX01", 2, "2022_01_BUF_LA")


def test_the_spread_is_signed_for_the_selection_not_as_in_the_file(file_of):
    quotes = only_game(batch_of(file_of(spread_line="-2.5")).quotes)
    home, away = offer(quotes, "spread", "home"), offer(quotes, "spread", "away")
    assert (home["line"], home["price"]) == (2.5, -106)
    assert (away["line"], away["price"]) == (-2.5, -104)


def test_a_pick_em_line_is_zero_without_a_sign(file_of):
    quotes = only_game(batch_of(file_of(spread_line="0")).quotes)
    assert str(float(offer(quotes, "spread", "home")["line"])) == "0.0"


def test_over_and_under_share_the_total(file_of):
    quotes = only_game(batch_of(file_of()).quotes)
    over, under = offer(quotes, "total", "over"), offer(quotes, "total", "under")
    assert (over["line"], over["price"]) == (52.0, -108)
    assert (under["line"], under["price"]) == (52.0, -110)


def test_moneylines_have_no_line(file_of):
    home = offer(only_game(batch_of(file_of()).quotes), "moneyline", "home")
    assert home["price"] == 110
    assert pd.isna(home["line"])


def test_prices_count_as_seen_a_minute_before_kickoff_under_the_named_book(file_of):
    batch = batch_of(file_of(), book="some close")
    minute_before = KICKOFF - pd.Timedelta(seconds=60)
    assert set(only_game(batch.quotes)["recorded_at"]) == {minute_before}
    assert set(only_game(batch.closing)["closed_at"]) == {minute_before}
    assert [book.name for book in batch.books] == ["some close"]
    assert set(batch.quotes["book"]) == set(batch.closing["book"]) == {"some close"}


def test_a_live_price_counts_as_seen_when_it_was_fetched(file_of):
    fetched = datetime(2022, 9, 7, 12, tzinfo=UTC)
    batch = batch_of(file_of(home_score="", away_score="", result=""), known_from=fetched)
    assert set(only_game(batch.quotes)["recorded_at"]) == {pd.Timestamp(fetched)}
    assert batch.known_from == fetched


def test_a_line_without_a_price_is_a_closing_line_and_no_quote(file_of):
    bare = dict.fromkeys(
        ["home_moneyline", "away_moneyline", "home_spread_odds", "away_spread_odds", "over_odds", "under_odds"], ""
    )
    batch = batch_of(file_of(**bare))
    closing = only_game(batch.closing)
    assert only_game(batch.quotes).empty
    assert sorted(closing["market"]) == ["spread", "spread", "total", "total"]
    assert closing["closing_price"].isna().all()
    assert batch.findings == ()


def test_a_missing_side_is_simply_missing(file_of):
    batch = batch_of(file_of(home_moneyline="", away_spread_odds="NA"))
    quotes = only_game(batch.quotes)
    assert set(zip(quotes["market"], quotes["selection"], strict=True)) == {
        ("moneyline", "away"), ("spread", "home"), ("total", "over"), ("total", "under"),
    }  # fmt: skip
    assert pd.isna(offer(only_game(batch.closing), "spread", "away")["closing_price"])
    assert batch.findings == ()


@pytest.mark.parametrize(
    ("day", "clock", "utc"),
    [
        ("2022-11-05", "13:00", "2022-11-05T17:00Z"),  # the day before the clocks go back
        ("2022-11-06", "13:00", "2022-11-06T18:00Z"),
        ("2022-09-11", "9:30", "2022-09-11T13:30Z"),
        ("2022-12-31", "20:15", "2023-01-01T01:15Z"),
    ],
)
def test_kickoffs_are_eastern_wall_clock_with_the_days_own_offset(file_of, day, clock, utc):
    assert batch_of(file_of(gameday=day, gametime=clock)).games.iloc[0]["kickoff"] == pd.Timestamp(utc)


def test_a_missing_time_is_one_o_clock_eastern_and_marked(file_of):
    batch = batch_of(file_of(gametime=""))
    game = batch.games.iloc[0]
    assert game["kickoff"] == pd.Timestamp("2022-09-08T17:00Z")
    assert bool(game["kickoff_estimated"])
    assert batch.findings == ()


@pytest.mark.parametrize(("code", "today", "season"), [(code, *rest) for code, rest in MOVED.items()])
def test_a_moved_team_stays_one_franchise(file_of, code, today, season):
    game = batch_of(file_of(home_team=code, season=season, gameday=f"{season}-09-08")).games.iloc[0]
    assert game["home"] == today
    assert game["game"] == f"{season}:regular:1:BUF@{today}"


@pytest.mark.parametrize(
    ("game_type", "season_type"),
    [("REG", "regular"), ("WC", "postseason"), ("SB", "postseason"), ("PRE", "preseason")],
)
def test_the_game_type_says_the_part_of_the_season(file_of, game_type, season_type):
    assert batch_of(file_of(game_type=game_type)).games.iloc[0]["season_type"] == season_type


def test_a_game_keeps_its_identity_when_it_is_moved(file_of):
    first = batch_of(file_of()).games.iloc[0]["game"]
    moved = batch_of(file_of(gameday="2022-10-03", gametime="19:00", stadium_id="CAR00", location="Neutral"))
    assert moved.games.iloc[0]["game"] == first


def test_a_game_without_scores_is_scheduled_and_has_no_close(file_of):
    batch = batch_of(file_of(home_score="", away_score="NA", result="", overtime=""))
    game = batch.games.iloc[0]
    assert game["status"] == "scheduled"
    assert pd.isna(game["home_score"])
    assert only_game(batch.closing).empty
    assert len(only_game(batch.quotes)) == 6
    assert batch.findings == ()


def test_a_tie_after_overtime_is_final(file_of):
    game = batch_of(file_of(home_score="20", away_score="20", result="0", overtime="1")).games.iloc[0]
    assert (game["status"], bool(game["overtime"])) == ("final", True)


def test_a_neutral_game_is_marked(file_of):
    assert bool(batch_of(file_of(location="Neutral")).games.iloc[0]["neutral_site"])


def test_seasons_run_from_the_first_to_the_last_kickoff_day(file_of):
    [season] = batch_of(file_of()).seasons.to_dict("records")
    assert (season["season"], season["name"]) == (2022, "2022")
    assert season["start_date"] == pd.Timestamp("2022-09-09T00:00Z")
    assert season["end_date"] == pd.Timestamp("2022-09-11T00:00Z")


def test_an_unknown_stadium_lands_under_the_files_own_words(file_of):
    batch = batch_of(file_of(stadium_id="XYZ00", stadium="New Field", surface="grass ", roof="dome"))
    venue = batch.venues.set_index("venue").loc["XYZ00"]
    assert (venue["name"], venue["surface_type"], bool(venue["is_dome"])) == ("New Field", "grass", True)
    assert pd.isna(venue["timezone"])
    assert [(f.rule, f.severity) for f in batch.findings] == [("unknown_venue", Severity.WARNING)]


def test_gzip_is_told_by_its_first_bytes_not_by_the_name(file_of):
    plain, packed = batch_of(file_of()), batch_of(gzip.compress(file_of()))
    assert plain.games.equals(packed.games)
    assert plain.quotes.equals(packed.quotes)


def test_extra_columns_and_column_order_do_not_matter(file_of):
    lines = [line.split(",") for line in file_of().decode().splitlines()]
    turned = "\n".join(",".join([str(n), *reversed(line)]) for n, line in enumerate(lines)).encode()
    assert batch_of(turned).games.equals(batch_of(file_of()).games)


@pytest.mark.real_data
def test_the_real_file_is_read_whole(nflverse_file):
    batch = nflverse.read(nflverse_file.read_bytes(), name=nflverse_file.name)
    games = batch.games
    assert (batch.rows_read, len(games), len(batch.seasons), len(batch.venues)) == (6421, 6421, 24, 60)
    assert ((games["home_score"] == games["away_score"]) & (games["status"] == "final")).sum() == 14
    assert games["game"].is_unique
    assert set(games["home"]) | set(games["away"]) == set(batch.teams["team"])
    assert int(games["kickoff_estimated"].sum()) == 259
    assert batch.venues["timezone"].notna().all()
    assert [(f.line, f.column, f.rule, f.severity) for f in batch.findings] == [
        (5589, "home_moneyline", "negative_overround", Severity.WARNING)
    ]


@pytest.mark.real_data
def test_the_real_files_favourites_give_points_and_win_more(nflverse_file):
    batch = nflverse.read(nflverse_file.read_bytes(), name=nflverse_file.name)
    home = batch.closing.query("market == 'spread' and selection == 'home'").set_index("game")["closing_line"]
    games = batch.games.set_index("game")
    margin = (games["home_score"] - games["away_score"]).astype(float)
    assert margin.corr(home.astype(float)) < -0.35
    priced = batch.quotes.groupby("market").size().to_dict()
    assert priced == {"moneyline": 8880, "spread": 8880, "total": 8874}
    assert len(batch.closing) == 8880 + 4 * 6421
