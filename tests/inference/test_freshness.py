"""Features are stale where a result that must be there is not, or where a team's last one is too long ago."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features import records as known
from aipro_ml.features.history import History
from aipro_ml.features.records import Records, frame_of, no_rows
from aipro_ml.inference.freshness import stale_games
from aipro_ml.inference.policy import Freshness
from tests.features.random_league import random_league
from tests.soak import size

HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
START = pd.Timestamp("2022-09-11T17:00", tz="UTC")
DURATION = 4 * HOUR


def revision(game, home, away, kickoff, known_at, **said):
    fields = {
        "season": 2022, "season_type": "regular", "week": 1.0, "game_number": 1, "venue_id": "", "neutral_site": False,
        "kickoff_estimated": False, "status": "scheduled", "home_score": np.nan, "away_score": np.nan,
        "overtime": False, "revision": 1,
    }  # fmt: skip
    own = {"game_id": game, "home_team_id": home, "away_team_id": away, "kickoff": kickoff, "known_at": known_at}
    return {**fields, **own, **said}


def final(game, home, away, kickoff, late=DURATION, **said):
    score = {"status": "final", "home_score": 20.0, "away_score": 17.0, "revision": 2}
    return revision(game, home, away, kickoff, kickoff + late, **{**score, **said})


def records(*rows):
    nothing = {
        name: no_rows(columns)
        for name, columns in (
            ("odds", known.ODDS_COLUMNS), ("closing", known.CLOSING_COLUMNS), ("teams", known.TEAM_COLUMNS),
            ("venues", known.VENUE_COLUMNS), ("team_stats", known.TEAM_STAT_COLUMNS),
        )
    }  # fmt: skip
    return Records(games=frame_of(pd.DataFrame(rows), known.REVISION_COLUMNS), **nothing)


def stale(facts, as_of, game="next", limits=None):
    history = History(facts)
    entities = history.schedule([game], pd.Series({game: as_of}))
    return bool(stale_games(entities, facts.games, DURATION, limits or Freshness(12)).iloc[0])


def a_week(*last_week):
    """The game `next`, B at A, a week after START, and what is told of A's game at START."""
    early = START - 30 * DAY
    return records(
        revision("next", "A", "B", START + 7 * DAY, early), revision("last", "A", "C", START, early), *last_week
    )


BEFORE_NEXT = START + 7 * DAY - HOUR


def test_a_game_whose_teams_results_are_all_known_is_fresh():
    assert not stale(a_week(final("last", "A", "C", START)), BEFORE_NEXT)


def test_a_result_that_must_be_there_and_is_not_makes_the_next_game_stale():
    assert stale(a_week(), BEFORE_NEXT)


@pytest.mark.parametrize(("hours", "expected"), [(15.9, False), (16.1, True)])
def test_a_result_is_overdue_so_long_after_the_game_s_usual_end(hours, expected):
    assert stale(a_week(), START + hours * HOUR) is expected


def test_a_result_that_came_late_was_missing_until_it_came():
    facts = a_week(final("last", "A", "C", START, late=30 * HOUR))
    assert stale(facts, START + 29 * HOUR)
    assert not stale(facts, START + 30 * HOUR)


@pytest.mark.parametrize("status", ["postponed", "cancelled"])
def test_a_game_called_off_is_not_waited_for(status):
    off = revision("last", "A", "C", START, START - HOUR, status=status, revision=2)
    assert not stale(a_week(off), BEFORE_NEXT)


def test_a_game_that_later_ones_have_followed_is_not_waited_for():
    later = final("between", "D", "A", START + 3 * DAY)
    assert not stale(a_week(later), BEFORE_NEXT)


def test_only_what_was_known_at_the_decision_counts():
    facts = a_week(revision("last", "A", "C", START, BEFORE_NEXT + HOUR, status="postponed", revision=2))
    assert stale(facts, BEFORE_NEXT)


def test_a_team_s_last_result_may_be_only_so_old_within_its_season():
    limits = Freshness(12, form_max_age_days=5)
    facts = a_week(final("last", "A", "C", START))
    assert stale(facts, BEFORE_NEXT, limits=limits)
    assert not stale(facts, BEFORE_NEXT, limits=Freshness(12, form_max_age_days=8))
    other_season = a_week(final("last", "A", "C", START, season=2021))
    assert not stale(other_season, BEFORE_NEXT, limits=limits)


def test_without_limits_nothing_is_stale():
    assert not stale(a_week(), BEFORE_NEXT, limits=Freshness())


@pytest.mark.parametrize("seed", range(size(2, 20)))
def test_a_plain_loop_over_the_facts_known_then_finds_the_same_games(seed):
    facts, limits = patchy(random_league(seed), seed), Freshness(2, form_max_age_days=15)
    history = History(facts)
    schedule = history.latest_schedule().sort_values("kickoff")
    as_of = schedule["kickoff"] - HOUR
    as_of = as_of[history.first_known().reindex(as_of.index) <= as_of]
    entities = history.schedule(list(as_of.index), as_of)
    found = stale_games(entities, facts.games, DURATION, limits)
    assert found.any()
    assert not found.all()
    for game, row in entities.iloc[::7].iterrows():
        assert found[game] == _naive(facts.games, row, limits), game


def patchy(facts, seed):
    """The league with a tenth of its revisions lost and another tenth told days late."""
    rng, games = np.random.default_rng(seed), facts.games
    games = games.loc[(rng.random(len(games)) > 0.1) | ~games.duplicated("game_id")]
    late = games["known_at"] + DAY * rng.integers(1, 12, len(games))
    first = ~games.duplicated("game_id")
    games = games.assign(known_at=games["known_at"].where((rng.random(len(games)) > 0.1) | first, late))
    games = games.sort_values(["game_id", "revision"], kind="stable")  # what is said later is known later
    told = games["known_at"].astype("int64").groupby(games["game_id"]).cummax()
    return replace(facts, games=games.assign(known_at=pd.to_datetime(told, unit="us", utc=True)))


def _naive(games, row, limits):
    then = games[games["known_at"] <= row["as_of"]].sort_values(["known_at", "revision"])
    then = then.groupby("game_id").tail(1)
    return any(_naive_side(then, games, row, team, limits) for team in (row["home_team_id"], row["away_team_id"]))


def _naive_side(then, games, row, team, limits):
    told = games[(games["known_at"] <= row["as_of"]) & (games["status"] == "final") & games["home_score"].notna()]
    told = told.sort_values("known_at").drop_duplicates("game_id")
    done = told[(told["home_team_id"] == team) | (told["away_team_id"] == team)].sort_values("kickoff")
    last = done.iloc[-1] if len(done) else None
    own = then[(then["home_team_id"] == team) | (then["away_team_id"] == team)]
    waiting = own[own["status"].isin(["scheduled", "in_progress"]) & (own["kickoff"] < row["kickoff"])]
    due = waiting[waiting["kickoff"] + DURATION + limits.result_delay_hours * HOUR <= row["as_of"]]
    if last is None:
        return len(due) > 0
    old = last["season"] == row["season"] and row["as_of"] - last["kickoff"] > limits.form_max_age_days * DAY
    return old or (due["kickoff"] > last["kickoff"]).any()
