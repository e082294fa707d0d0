"""Matching of incoming games with stored ones, on frames alone."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from aipro_ml.jobs.ingest_match import AMBIGUOUS, SIDES, match_games

ZONE = ZoneInfo("America/New_York")


def game(name, kickoff, home="BOS", away="NYK", **facts):
    """One game; `name` is its stored id, or what the source calls it."""
    row = {
        "game_id": name, "own_id": f"own {name}", "external_id": name, "game": f"own {name}",
        "season": 2022, "season_type": "regular", "week": pd.NA, "game_number": 1,
        "kickoff": pd.Timestamp(kickoff, tz="UTC"), "kickoff_estimated": False,
        "home": home, "away": away, "neutral_site": False, "status": "scheduled", "home_score": pd.NA,
        "away_score": pd.NA,
    }  # fmt: skip
    return row | facts


def final(name, kickoff, score, **facts):
    """One game that was played; `score` is home's and away's."""
    return game(name, kickoff, status="final", home_score=score[0], away_score=score[1], **facts)


def frame(*rows):
    kinds = {"week": "Int64", "game_number": "Int64", "home_score": "Int64", "away_score": "Int64"}
    columns = list(game("x", "2022-01-01"))
    return pd.DataFrame(list(rows), columns=columns).astype(kinds).astype({"kickoff": "datetime64[us, UTC]"})


def matched(incoming, stored, crosswalk=None):
    """Return what each incoming game is: a stored id, None for a new one, or its problem."""
    known = pd.Series(crosswalk or {}, dtype=object)
    found = match_games(frame(*incoming), frame(*stored), known, ZONE)
    told = zip(found.problem, found.game_id, strict=True)
    return [problem or (None if pd.isna(game_id) else game_id) for problem, game_id in told]


def test_a_game_of_the_same_local_day_is_the_same_game_whatever_the_hour():
    late = game("in", "2022-12-02 03:30")  # 1 December, half past ten at night in New York
    assert matched([late], [game("st", "2022-12-02 00:30", kickoff_estimated=True)]) == ["st"]


def test_nothing_stored_makes_every_game_new():
    assert matched([game("in", "2022-12-02")], []) == [None]


def test_other_teams_another_season_and_a_game_three_days_away_are_other_games():
    stored = [game("st", "2022-12-02")]
    assert matched([game("in", "2022-12-02", home="MIA")], stored) == [None]
    assert matched([game("in", "2022-12-02", season=2021)], stored) == [None]
    assert matched([game("in", "2022-12-05")], stored) == [None]


def test_a_week_holds_one_game_of_a_pair_even_if_it_was_put_off_by_days():
    stored = [game("st", "2022-12-01", week=13)]
    assert matched([game("in", "2022-12-06", week=13)], stored) == ["st"]
    assert matched([game("in", "2022-12-06", week=14)], stored) == [None]


def test_a_game_on_the_next_day_with_another_score_is_the_next_game_of_a_series():
    stored = [final("st", "2022-12-02", (101, 99))]
    assert matched([final("in", "2022-12-03", (88, 90))], stored) == [None]
    assert matched([final("in", "2022-12-03", (101, 99))], stored) == ["st"]


def test_a_postponed_game_told_under_its_first_day_is_known_by_its_score():
    stored = [final("st", "2023-02-16", (140, 137))]
    assert matched([final("in", "2023-01-18", (140, 137))], stored) == ["st"]
    assert matched([final("in", "2023-01-18", (140, 136))], stored) == [None]
    low = [final("st", "2023-02-16", (2, 1))]
    assert matched([final("in", "2023-01-18", (2, 1))], low) == [None]


def test_two_games_on_consecutive_days_each_find_their_own():
    stored = [game("one", "2022-12-02 00:00"), game("two", "2022-12-03 00:00")]
    incoming = [game("b", "2022-12-03 00:10"), game("a", "2022-12-02 00:10")]
    assert matched(incoming, stored) == ["two", "one"]


def test_the_games_of_a_doubleheader_are_told_apart_by_time():
    stored = [game("one", "2022-07-02 17:00"), game("two", "2022-07-02 23:00", game_number=2)]
    assert matched([game("b", "2022-07-02 22:30"), game("a", "2022-07-02 17:30")], stored) == ["two", "one"]


def test_the_games_of_a_doubleheader_without_hours_are_told_apart_by_number_or_score():
    stored = [final("one", "2022-07-02 17:00", (3, 2)), final("two", "2022-07-02 23:00", (1, 0), game_number=2)]
    numbered = [
        game("b", "2022-07-02 20:00", kickoff_estimated=True, game_number=2),
        game("a", "2022-07-02 20:00", kickoff_estimated=True),
    ]
    assert matched(numbered, stored) == ["two", "one"]
    scored = final("in", "2022-07-02 20:00", (1, 0), kickoff_estimated=True)
    assert matched([scored], stored) == ["two"]


def test_a_game_without_hour_or_score_that_fits_two_is_neither():
    stored = [game("one", "2022-07-02 17:00"), game("two", "2022-07-02 23:00", game_number=2)]
    lone = game("in", "2022-07-02 20:00", kickoff_estimated=True)
    found = match_games(frame(lone), frame(*stored), pd.Series(dtype=object), ZONE)
    assert list(found.problem) == [AMBIGUOUS]
    assert "one (2022-07-02 17:00Z)" in found.candidates.iloc[0]
    assert "two" in found.candidates.iloc[0]


def test_two_games_of_a_feed_that_fit_one_stored_game_are_neither():
    twice = [game(name, "2022-07-02 20:00", kickoff_estimated=True) for name in ("a", "b")]
    assert matched(twice, [game("one", "2022-07-02 17:00")]) == [AMBIGUOUS, AMBIGUOUS]


def test_on_neutral_ground_the_sides_may_be_named_the_other_way_round():
    turned = game("in", "2022-12-02", home="NYK", away="BOS")
    stored = frame(game("st", "2022-12-02", neutral_site=True))
    found = match_games(frame(turned), stored, pd.Series(dtype=object), ZONE)
    assert (found.game_id.iloc[0], found.swapped.iloc[0]) == ("st", True)
    assert matched([turned | {"neutral_site": True}], [game("st", "2022-12-02")]) == ["st"]


def test_sides_the_other_way_round_elsewhere_are_a_contradiction():
    turned = game("in", "2022-12-02", home="NYK", away="BOS")
    assert matched([turned], [game("st", "2022-12-02")]) == [SIDES]


def test_the_return_game_weeks_later_is_a_game_of_its_own():
    back = game("in", "2022-12-20", home="NYK", away="BOS")
    assert matched([back], [game("st", "2022-12-02")]) == [None]


def test_the_sources_own_id_goes_before_nearness():
    stored = [game("near", "2022-12-02 00:00"), game("far", "2022-12-03 01:00")]
    assert matched([game("in", "2022-12-02 00:00")], stored, {"in": "far"}) == ["far"]
    other_teams = [game("x", "2022-12-02", home="MIA")]
    assert matched([game("in", "2022-12-02")], other_teams, {"in": "x"}) == [None]


@pytest.mark.parametrize("kickoff", ["2022-07-02 23:05", "2022-07-03 17:05"])
def test_two_numbers_of_one_source_are_two_games_where_one_ends_before_the_other_begins(kickoff):
    stored, known = [game("one", "2022-07-02 17:05")], {"one's number": "one"}
    assert matched([game("another number", kickoff)], stored, known) == [None]
    assert matched([game("another number", "2022-07-02 17:35")], stored, known) == ["one"]  # the feed counts anew
    assert matched([game("another source's", kickoff)], stored) == ["one"]
    assert matched([game("no number", kickoff, game="no number")], stored, known) == ["one"]  # a corrected date


@pytest.mark.parametrize("hours", [35, 37])
def test_a_timed_game_is_near_within_a_day_and_a_half(hours):
    moved = pd.Timestamp("2022-12-02 01:00") + pd.Timedelta(hours=hours)
    assert matched([game("in", moved)], [game("st", "2022-12-02 01:00")]) == ["st" if hours < 36 else None]
