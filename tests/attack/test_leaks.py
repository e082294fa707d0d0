"""Attempts to carry the future into what was decided before it."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.jobs.matrices import BuildOptions, build_features
from tests.fixtures_platform import LATER, NOW, SPORT, load, with_score


def _build(platform, now):
    return build_features(platform.engine, SPORT, tuple(BetType), BuildOptions(now))


def _only_the_open_week_is_new(platform, league):
    """Build at LATER: a changed vector would raise, and only games decided since the first build are written."""
    ahead = (league.games["kickoff"] > pd.Timestamp(NOW)).sum()
    assert [report.written for report in _build(platform, LATER)] == [ahead] * 3


def test_a_corrected_close_changes_no_feature_decided_before_the_correction(trained, league):
    closing = league.closing
    past = (closing["market"] == "spread") & (closing["closed_at"] < pd.Timestamp("2023-12-01", tz="UTC"))
    game = closing.loc[past, "game"].iloc[-1]
    this = (closing["game"] == game) & (closing["market"] == "spread")
    moved = closing["closing_line"].where(~this, closing["closing_line"] * 2 + 1.0)
    load(trained, replace(league, closing=closing.assign(closing_line=moved)), b"corrected close")
    _only_the_open_week_is_new(trained, league)


def test_a_corrected_score_changes_no_feature_decided_before_the_correction(trained, league):
    game = league.games.loc[league.games["season"] == 2023, "external_id"].iloc[100]
    load(trained, with_score(league, game, 77, 3), b"corrected score")
    _only_the_open_week_is_new(trained, league)


def test_a_moved_venue_of_a_changed_game_changes_no_feature_decided_before(trained, league):
    games = league.games
    this = games["external_id"] == games.loc[games["season"] == 2023, "external_id"].iloc[100]
    other = games.loc[~this, "venue"].iloc[0]
    changed = games.assign(venue=games["venue"].mask(this, other), home_score=games["home_score"].mask(this, 77))
    load(trained, replace(league, games=changed), b"moved venue")
    _only_the_open_week_is_new(trained, league)


def test_a_score_of_a_game_still_to_come_does_not_lock_the_sport(trained, league):
    games = league.games
    ahead = games["kickoff"] > pd.Timestamp(NOW)
    wrong = games.assign(
        status=games["status"].mask(ahead, "final"),
        home_score=games["home_score"].mask(ahead, 3),
        away_score=games["away_score"].mask(ahead, 0),
    )
    report = load(trained, replace(league, games=wrong), b"too early", NOW)
    assert report.rejected == ahead.sum()
    load(trained, league, b"taken back", NOW + timedelta(hours=1))
    _build(trained, NOW + timedelta(hours=2))


def test_a_kick_off_corrected_to_a_later_one_after_the_game_keeps_its_decision_and_its_features(trained, league):
    games = league.games
    this = games["external_id"] == games.loc[games["season"] == 2023, "external_id"].iloc[100]
    later = games.assign(kickoff=games["kickoff"].mask(this, games["kickoff"] + pd.Timedelta(hours=3)))
    load(trained, replace(league, games=later), b"moved kick-off")
    _only_the_open_week_is_new(trained, league)


def test_a_kick_off_moved_in_time_moves_the_decision(trained, league):
    games = league.games
    this = games["kickoff"] > pd.Timestamp(NOW)
    later = games.assign(kickoff=games["kickoff"].mask(this, games["kickoff"] + pd.Timedelta(hours=3)))
    load(trained, replace(league, games=later), b"moved slate", NOW)
    assert [report.written for report in _build(trained, LATER)] == [this.sum()] * 3
