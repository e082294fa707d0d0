"""Revisions: the last import wins, and a corrected score labels no row from before its correction."""

from dataclasses import replace

import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.features.build import MatrixRequest, build_matrix
from aipro_ml.features.history import History
from aipro_ml.features.records import REVISION_COLUMNS, frame_of
from tests.features.point_in_time import league_of
from tests.features.random_league import DAY, HOUR, random_league
from tests.features.test_build import ONE

LEAGUE = league_of(ONE)


@pytest.fixture(scope="module")
def records():
    return random_league(1)


def told(records, *rows):
    """The records with further revisions of the first game that was played as planned: (score, when, revision)."""
    games = records.games
    played = games.loc[games["status"].eq("final") & games.groupby("game_id")["game_id"].transform("size").eq(2)].iloc[
        0
    ]
    more = [
        {**played, "home_score": home, "away_score": 3.0, "known_at": played["known_at"] + after, "revision": number}
        for home, after, number in rows
    ]
    added = frame_of(pd.concat([games, pd.DataFrame(more)], ignore_index=True), REVISION_COLUMNS)
    return played, replace(records, games=added)


@pytest.mark.parametrize("scores", [(50.0, 40.0), (40.0, 50.0)])
def test_of_two_revisions_of_one_moment_the_one_imported_last_stands(records, scores):
    played, changed = told(records, (scores[0], DAY, 3), (scores[1], DAY, 4))
    mixed = replace(changed, games=changed.games.sample(frac=1.0, random_state=2))
    for one in (changed, mixed):
        result = History(one).results().set_index("game_id").loc[played["game_id"]]
        assert result["home_score"] == scores[1]


def test_a_label_is_known_from_the_correction_that_made_it_on(records):
    played, changed = told(records, (50.0, 9 * DAY, 3))
    game = played["game_id"]
    meta = build_matrix(changed, LEAGUE, BetType.MONEYLINE).meta
    assert meta.loc[game, "result_known_at"] == played["known_at"] + 9 * DAY
    assert build_matrix(records, LEAGUE, BetType.MONEYLINE).meta.loc[game, "result_known_at"] == played["known_at"]


def test_a_revision_that_leaves_the_score_alone_leaves_its_time_alone(records):
    played, changed = told(records, (50.0, DAY, 3), (50.0, 5 * DAY, 4))
    assert History(changed).scored_at()[played["game_id"]] == played["known_at"] + DAY


def test_a_score_taken_back_and_told_again_is_known_from_the_second_time_on(records):
    played, changed = told(records, (50.0, DAY, 3), (20.0, 2 * DAY, 4), (50.0, 3 * DAY, 5))
    assert History(changed).scored_at()[played["game_id"]] == played["known_at"] + 3 * DAY


def test_labels_known_before_a_correction_do_not_know_the_corrected_score(records):
    played, changed = told(records, (99.0, 9 * DAY, 3))
    game, first = played["game_id"], played["known_at"]
    for moment, known in ((first + HOUR, False), (first + 9 * DAY, True)):
        request = MatrixRequest([game], labels_known_at=moment)
        assert build_matrix(changed, LEAGUE, BetType.MONEYLINE, request).y.notna().tolist() == [known]


def test_a_game_called_off_after_its_result_has_no_scored_time(records):
    games = records.games
    cancelled = games.loc[games["status"] == "cancelled", "game_id"]
    assert len(cancelled) > 0
    assert not History(records).scored_at().index.intersection(cancelled).size
