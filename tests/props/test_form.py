"""What is known of a player before a game: against a naive loop, and untouched by anything later."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.props.form import FEATURES, POSITION_HALF_LIFE, Past, player_form
from aipro_ml.props.frames import learning_rows
from tests.props.random_props import CONFIG, DAY, HOUR, random_props


@pytest.fixture(scope="module")
def league():
    return random_props(5, weeks=12)


def decayed(values, half_life):
    """Return the decayed mean of values (the latest last) and their weight."""
    weights = 0.5 ** (np.arange(len(values))[::-1] / half_life)
    return (float(weights @ values) / weights.sum(), float(weights.sum())) if len(values) else (0.0, 0.0)


def naive(league, row, figure):
    """Return ln of the shrunk average of `figure`, in a loop over everything known by then."""
    ordered = league.versions.sort_values(["known_at", "game_id", "team_id", "player_id"])
    known = ordered.loc[ordered["known_at"] <= row.decided_at]
    mine = known.loc[known["player_id"] == row.player_id, figure].to_numpy()
    usual, _ = decayed(known[figure].to_numpy(), POSITION_HALF_LIFE)
    mean, weight = decayed(mine, CONFIG.half_life)
    return np.log((mean * weight + usual * CONFIG.own_weight) / (weight + CONFIG.own_weight))


def test_a_players_average_is_that_of_a_loop_over_what_was_known(league):
    rows = learning_rows(league.past, league.decided, CONFIG)
    catches = rows.loc[rows["prop"] == "catches"].sample(25, random_state=1)
    assert [naive(league, row, "Rec") for row in catches.itertuples()] == pytest.approx(catches["own"].tolist())
    assert [naive(league, row, "Targets") for row in catches.itertuples()] == pytest.approx(catches["usage"].tolist())


def test_planted_later_boxes_change_no_feature(league):
    before = learning_rows(league.past, league.decided, CONFIG)
    cut = league.games["kickoff"].quantile(0.6)
    planted = league.versions.assign(
        known_at=cut + pd.to_timedelta(np.arange(len(league.versions)), unit="s"),
        game_id=[f"later {number}" for number in range(len(league.versions))],
        **dict.fromkeys(("Rec", "Targets", "Yards"), 999.0),
    )
    sides = pd.DataFrame({"home_team_id": planted["team_id"].array, "away_team_id": "T9"}, index=planted["game_id"])
    later = Past(
        pd.concat([league.versions, planted]).sort_values("known_at", kind="stable", ignore_index=True),
        pd.concat([league.games, sides]),
        league.players["position"],
    )
    after = learning_rows(later, league.decided, CONFIG)
    known = [rows.loc[rows["decided_at"] < cut].reset_index(drop=True) for rows in (before, after)]
    assert len(known[0]) > 200
    pd.testing.assert_frame_equal(known[0], known[1], check_exact=True)


def test_a_correction_counts_from_its_own_time_and_not_before(league):
    changed = league.versions.iloc[[40]].assign(Rec=50.0)
    changed["known_at"] += 20 * DAY
    moment = changed["known_at"].iloc[0]
    corrected = pd.concat([league.versions, changed]).sort_values("known_at", kind="stable", ignore_index=True)
    past = Past(corrected, league.games, league.players["position"])
    first, second = (learning_rows(each, league.decided, CONFIG) for each in (league.past, past))
    keys = ["game_id", "player_id", "prop"]
    both = first.merge(second, on=keys, suffixes=("", "_corrected"))
    who = (both["player_id"] == changed["player_id"].iloc[0]) & (both["prop"] == "catches")
    early, late = both.loc[who & (both["decided_at"] < moment)], both.loc[who & (both["decided_at"] >= moment)]
    assert np.array_equal(early["own"], early["own_corrected"])
    assert len(late) > 2
    assert (late["own_corrected"] > late["own"] + 0.1).all()
    label = both.loc[who & (both["game_id"] == changed["game_id"].iloc[0])]
    assert (label["value_corrected"].item(), label["label_known_at_corrected"].item()) == (50.0, moment)


def test_somebody_without_a_game_or_long_absent_has_no_form(league):
    one = league.versions.iloc[0]
    asked = pd.DataFrame(
        {
            "player_id": ["nobody", one["player_id"], one["player_id"]],
            "game_id": "next",
            "team_id": one["team_id"],
            "opponent_id": None,
            "position": "WR",
            "is_home": 1.0,
            "as_of": [one["known_at"] + HOUR, one["known_at"] + HOUR, one["known_at"] + 400 * DAY],
        }
    )
    told = player_form(asked, league.past, CONFIG)["catches"][list(FEATURES)].notna().all(axis=1)
    assert told.tolist() == [False, True, False]
