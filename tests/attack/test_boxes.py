"""Box scores that come late, and what is said to stand behind a value."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.history import History
from aipro_ml.features.rows import explained_row, feature_rows
from aipro_ml.features.sport import sport
from tests.features.random_league import random_league

MINUTE = pd.Timedelta(minutes=1)


@pytest.fixture(scope="module")
def records():
    return random_league(3)


def _attacked(records, **changed):
    """The next game of a team with player boxes: as known before a row is told a minute later, and after."""
    schedule = History(records).latest_schedule().sort_values("kickoff")
    game = schedule.index[120]
    team, other = schedule.loc[game, ["home_team_id", "away_team_id"]]
    later = schedule.loc[schedule["kickoff"] > schedule.at[game, "kickoff"]]
    coming = later.index[(later["home_team_id"] == team) | (later["away_team_id"] == team)][0]
    as_of = schedule.at[coming, "kickoff"] - 60 * MINUTE
    boxes = records.player_boxes
    own = boxes.loc[(boxes["game_id"] == game) & (boxes["team_id"] == team)].iloc[:1]
    assert len(own)
    told = own.assign(known_at=as_of + MINUTE, **changed.get("cells", {}))
    if changed.get("turned"):
        told = told.assign(team_id=other)
    planted = replace(records, player_boxes=pd.concat([boxes, told], ignore_index=True))
    asked = pd.DataFrame({"game_id": [coming, coming], "as_of": [as_of, as_of + 2 * MINUTE]})
    return [feature_rows(asked, History(each), sport("NFL")).to_numpy() for each in (records, planted)]


@pytest.mark.parametrize("attack", [{"cells": {"player_id": "LATE"}}, {"turned": True}], ids=["joins", "changes team"])
def test_a_player_who_is_told_later_changes_no_feature_decided_before(records, attack):
    before, after = _attacked(records, **attack)
    assert np.array_equal(before[0], after[0], equal_nan=True)
    assert not np.array_equal(before[1], after[1], equal_nan=True)  # but it does one decided after it


def test_the_market_of_a_game_is_shown_as_odds_of_their_own_time(records):
    history = History(records)
    schedule = history.latest_schedule().sort_values("kickoff")
    game = schedule.index[120]
    as_of = schedule.at[game, "kickoff"] - 60 * MINUTE
    shown = explained_row(game, as_of, history, sport("NFL")).set_index("feature")
    entities = history.schedule([game], pd.Series({game: as_of}))
    newest = history.quotes(entities, 1000)["recorded_at"].max()
    assert shown.at["market_spread", "source"] == "odds"
    assert shown.at["market_spread", "source_time"] == newest
