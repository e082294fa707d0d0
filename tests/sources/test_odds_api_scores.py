"""The Odds API's scores: final games, open ones, and what is no score."""

import json

import pytest

from aipro_ml.errors import DataFileError
from aipro_ml.sources import odds_api_scores
from tests.sources.contract import check_batch

GOOD = {
    "id": "e" * 32,
    "sport_key": "baseball_mlb",
    "commence_time": "2019-06-01T23:05:00Z",
    "completed": True,
    "home_team": "Boston Red Sox",
    "away_team": "Cleveland Indians",
    "scores": [{"name": "Boston Red Sox", "score": "5"}, {"name": "Cleveland Indians", "score": "3"}],
    "last_update": "2019-06-02T02:30:00Z",
}
OTHER = GOOD | {"id": "f" * 32, "home_team": "Chicago Cubs", "away_team": "Miami Marlins"}
OTHER |= {"scores": [{"name": "Miami Marlins", "score": "2"}, {"name": "Chicago Cubs", "score": "7"}]}


def read(*events):
    return odds_api_scores.read(json.dumps(list(events)).encode(), name="scores.json", sport="MLB")


def test_a_completed_game_is_final_with_both_scores_whatever_their_order():
    batch = read(GOOD, OTHER)
    check_batch(batch)
    rows = batch.games.set_index("home")[["away", "status", "home_score", "away_score", "season"]]
    assert rows.loc["BOS"].tolist() == ["CLE", "final", 5, 3, 2019]
    assert rows.loc["CHC"].tolist() == ["MIA", "final", 7, 2, 2019]
    assert batch.findings == ()


def test_a_game_that_is_not_completed_is_scheduled_and_has_no_score():
    games = read(GOOD | {"completed": False}, OTHER | {"completed": False, "scores": None}).games
    assert set(games["status"]) == {"scheduled"}
    assert games["home_score"].isna().all()


@pytest.mark.parametrize("score", ["-1", "999", "3.5", "five", "", None, [1]])
def test_a_completed_game_without_two_whole_scores_is_refused(score):
    bad = GOOD | {"scores": [{"name": "Boston Red Sox", "score": score}, {"name": "Cleveland Indians", "score": "3"}]}
    batch = read(bad, OTHER)
    assert batch.games["home"].tolist() == ["CHC"]
    assert [(one.line, one.column, one.rule) for one in batch.findings] == [(1, "[0].home_score", "score")]


def test_what_is_no_event_of_the_sport_is_a_finding_and_the_others_land():
    batch = read("nothing", GOOD | {"sport_key": "basketball_nba"}, OTHER)
    assert [one.rule for one in batch.findings] == ["shape", "other_sport"]
    assert len(batch.games) == 1


def test_what_is_no_answer_is_one_error():
    with pytest.raises(DataFileError, match="not valid JSON"):
        odds_api_scores.read(b"{", name="scores.json", sport="MLB")
