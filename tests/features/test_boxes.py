"""Box scores in History: one version a box, at the place of its first, corrections from when they were known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.box_form import net_ratings, paired_games
from aipro_ml.features.history import History
from aipro_ml.features.records import PLAYER_BOX_COLUMNS, TEAM_BOX_COLUMNS, box_frame
from aipro_ml.features.sport import sport
from aipro_ml.features.view import FeatureView
from aipro_ml.features.views import efficiency_nba, efficiency_nfl, usage
from tests.features.point_in_time import league_of, leaking_columns, unlabelled
from tests.features.random_league import random_league
from tests.soak import size

VIEWS = (efficiency_nfl.VIEW, usage.NFL_VIEW)
NBA_VIEWS = (efficiency_nba.VIEW, usage.NBA_VIEW)


def test_a_corrected_box_keeps_its_place_and_is_read_from_its_correction_on():
    records = random_league(1)
    boxes = records.team_boxes
    key = ["team_id", "game_id"]
    corrected = boxes.loc[boxes.duplicated(key)].iloc[0]
    history = History(records)
    assert corrected["known_at"] in history.correction_times()
    same = (boxes[key] == corrected[key]).all(axis=1)
    first = boxes.loc[same].sort_values("known_at").iloc[0]
    for seen, told in ((history.before(corrected["known_at"]), first), (history, corrected)):
        row = seen.team_boxes(["attempts"]).set_index(key).loc[tuple(corrected[key])]
        assert row["known_at"] == first["known_at"]
        assert row["attempts"] == told["attempts"] or (np.isnan(row["attempts"]) and np.isnan(told["attempts"]))


def test_a_figure_nobody_stored_is_missing():
    assert History(random_league(1)).team_boxes(["no_such_figure"])["no_such_figure"].isna().all()


@pytest.mark.parametrize("views", [VIEWS, NBA_VIEWS], ids=["NFL", "NBA"])
def test_without_boxes_every_column_is_missing(views):
    records = random_league(1)
    bare = replace(
        records, team_boxes=box_frame(None, TEAM_BOX_COLUMNS), player_boxes=box_frame(None, PLAYER_BOX_COLUMNS)
    )
    assert unlabelled(bare, league_of(*views), None, None).X.isna().all().all()


@pytest.mark.parametrize("views", [VIEWS, NBA_VIEWS], ids=["NFL", "NBA"])
def test_with_boxes_no_column_is_empty_or_constant(views):
    X = unlabelled(random_league(1), league_of(*views), None, None).X
    assert X.nunique().min() > 20


@pytest.mark.parametrize("views", [VIEWS, NBA_VIEWS], ids=["NFL", "NBA"])
def test_no_column_knows_a_box_of_later(views):
    assert leaking_columns(views, random_league(2), every=size(29, 11)) == set()


def test_a_thousand_planted_future_boxes_change_no_feature():
    records = random_league(1)
    league, game = league_of(*VIEWS, *_renamed(NBA_VIEWS)), History(records).game_ids()[100]
    as_of = History(records).latest_schedule().loc[[game], "kickoff"]
    before = unlabelled(records, league, as_of, [game])
    planted = replace(
        records,
        team_boxes=_planted(records.team_boxes, as_of.iloc[0]),
        player_boxes=_planted(records.player_boxes, as_of.iloc[0]),
    )
    assert len(planted.team_boxes) - len(records.team_boxes) == 1000
    pd.testing.assert_frame_equal(unlabelled(planted, league, as_of, [game]).X, before.X)


def _renamed(views):
    """The views under other columns, so that both sports' stand in one league."""

    def renaming(view):
        return lambda entities, history, config: view.compute(entities, history, config).add_prefix("nba_")

    return tuple(FeatureView(f"nba_{v.name}", tuple(f"nba_{c}" for c in v.columns), renaming(v)) for v in views)


def _planted(boxes, moment):
    """The boxes and a thousand more of known games and teams, known only after `moment`."""
    rng = np.random.default_rng(5)
    rows = boxes.iloc[rng.integers(0, len(boxes), 1000)].copy()
    figures = [name for name, kind in rows.dtypes.items() if kind == "float64"]
    rows[figures] = rng.uniform(50, 900, (1000, len(figures)))
    rows["known_at"] = moment + pd.to_timedelta(rng.integers(1, 10_000, 1000), unit="s")
    return pd.concat([boxes, rows], ignore_index=True)


def _season_total(entities, history, config):
    stats = history.player_season_stats().set_index(["player_id", "season"])["value"]
    keys = pd.MultiIndex.from_arrays([entities["home_team_id"] + "-0", entities["season"]])
    return pd.DataFrame({"touches_home": stats.reindex(keys).to_numpy()}, index=entities.index)


def test_a_players_season_total_read_inside_its_season_is_caught():
    leak = FeatureView("season_total", ("touches_home",), _season_total)
    assert leaking_columns((leak,), random_league(1), every=24) == {"touches_home"}


def test_an_opponent_adjusted_rating_rises_more_against_the_better():
    games = pd.DataFrame(
        {
            "game_id": ["a", "b", "c"],
            "season": 2001,
            "home_team_id": ["strong", "new", "other"],
            "away_team_id": ["weak", "strong", "weak"],
            "neutral_site": True,
            "known_at": pd.date_range("2001-09-01", periods=3, tz="UTC"),
        }
    )
    events = net_ratings(games, pd.DataFrame({"epa": [10.0, 3.0, 3.0]}), 0.1, 0.5)
    after = events.drop_duplicates("team_id", keep="last").set_index("team_id")["epa"]
    assert after["new"] == pytest.approx(0.1 * (3 + 1))
    assert after["other"] == pytest.approx(0.1 * (3 - 1))


def test_a_game_with_one_teams_box_is_no_pair():
    records = random_league(1)
    games, home, away = paired_games(History(records), ["attempts"])
    both = records.team_boxes.drop_duplicates(["team_id", "game_id"])["game_id"].value_counts()
    assert set(games["game_id"]).issubset(both.index[both == 2])
    assert len(home) == len(away) == len(games) > 100


def test_the_sports_with_boxes_have_the_views():
    names = {code: {view.name for view in sport(code).views} for code in ("NFL", "NBA", "NHL")}
    assert names["NFL"].issuperset({"efficiency", "usage"})
    assert names["NBA"].issuperset({"efficiency", "usage"})
    assert not names["NHL"].intersection({"efficiency", "usage"})
