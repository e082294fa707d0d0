"""No view may know the future: every column of every view, on leagues with corrections and postponements."""

from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.features.asof import asof_join
from aipro_ml.features.history import History
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import sport
from aipro_ml.features.sports import sports
from aipro_ml.features.view import FeatureView
from tests.features.point_in_time import decision_times, league_of, leaking_columns, leaks, shuffled, unlabelled
from tests.features.random_league import SHAPES, random_league
from tests.soak import size

VIEWS = sport("NFL").views
NFL = league_of(*VIEWS)
CASES = [(code, view) for code in SHAPES for view in sport(code).views]
SAMPLED = size(4, 24)
"""How many games of a league are computed again."""


@cache
def records_of(code: str) -> Records:
    return random_league(3, SHAPES[code])


@cache
def matrix_of(code: str) -> FeatureMatrix:
    return unlabelled(records_of(code), sport(code), decision_times(records_of(code)), None)


@cache
def leaking_of(code: str) -> set[str]:
    """Columns of a sport that leak, on a league of its shape: every view of it, computed together."""
    return leaks(sport(code), records_of(code), matrix_of(code), len(matrix_of(code).X) // SAMPLED)


@pytest.fixture(scope="module", params=size((2,), (1, 2, 4, 5)))
def records(request: pytest.FixtureRequest) -> Records:
    return random_league(request.param)


@pytest.fixture(scope="module")
def matrix(records: Records) -> FeatureMatrix:
    return unlabelled(records, NFL, decision_times(records), None)


@pytest.fixture(scope="module")
def leaking(records: Records, matrix: FeatureMatrix) -> set[str]:
    return leaks(NFL, records, matrix, size(29, 7))


@pytest.mark.parametrize(("code", "view"), CASES, ids=[f"{code} {view.name}" for code, view in CASES])
def test_a_view_computes_the_same_bits_from_a_database_cut_or_changed_after_as_of(code: str, view: FeatureView) -> None:
    assert leaking_of(code).intersection(view.columns) == set()


def test_every_sport_with_views_of_its_own_has_a_league_of_its_shape() -> None:
    own = {tuple(view.name for view in league.views) for league in sports().values()}
    assert {tuple(view.name for view in sport(code).views) for code in SHAPES} == own


@pytest.mark.parametrize("code", SHAPES)
def test_a_league_of_a_sport_fills_every_column(code: str) -> None:
    matrix = matrix_of(code)
    of_boxes = {name for view in sport(code).views if view.team_figures or view.player_figures for name in view.columns}
    assert 45 <= len(set(matrix.feature_names) - of_boxes) <= 60
    assert matrix.X.notna().mean().gt(0.3).all()
    assert (matrix.X.nunique() > 1).all()


def test_the_nfl_shows_no_leak_on_other_leagues_either(leaking: set[str]) -> None:
    assert leaking.intersection(column for view in VIEWS for column in view.columns) == set()


def test_line_and_market_probability_know_only_what_was_quoted_at_as_of(leaking: set[str]) -> None:
    assert leaking.intersection({"line", "market_prob"}) == set()


def test_the_league_has_corrections_that_change_features(records: Records, matrix: FeatureMatrix) -> None:
    assert len(History(records).correction_times()) >= 3
    first_only = records.games.loc[~(records.games["known_at"].isin(History(records).correction_times()))]
    uncorrected = replace(records, games=first_only.reset_index(drop=True))
    other = unlabelled(uncorrected, NFL, decision_times(records), None)
    assert not matrix.X.equals(other.X.reindex(matrix.X.index))


def test_the_order_of_rows_is_irrelevant(records: Records, matrix: FeatureMatrix) -> None:
    mixed = unlabelled(shuffled(records, 5), NFL, decision_times(records), None)
    assert mixed.sha256 == matrix.sha256
    pd.testing.assert_frame_equal(mixed.meta, matrix.meta)


def _difference(entities: pd.DataFrame, value: pd.Series) -> pd.Series:
    home, away = (value.reindex(entities[f"{side}_team_id"]).to_numpy() for side in ("home", "away"))
    return pd.Series(home - away, index=entities.index)


def _season_statistics(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    stats = history.team_season_stats().set_index(["team_id", "season"])["value"]
    sides = [
        stats.reindex(pd.MultiIndex.from_frame(entities[[f"{side}_team_id", "season"]])).to_numpy()
        for side in ("home", "away")
    ]
    return pd.DataFrame({"stats_diff": sides[0] - sides[1]}, index=entities.index)


def _current_rating(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    rating = history.team_games().groupby("team_id")["margin"].sum()  # what teams.elo_rating is: today's
    return pd.DataFrame({"elo_now_diff": _difference(entities, rating)})


def _rolling_with_the_game_itself(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    games = history.team_games()
    rolled = games.groupby("team_id")["margin"].rolling(3, min_periods=1).mean()
    games["last3"] = rolled.reset_index(0, drop=True)
    own = games.loc[games["is_home"]].set_index("game_id")["last3"]
    return pd.DataFrame({"last3_home": own.reindex(entities.index)})


def _late_closing(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    closing = history.closing_lines(BetType.SPREAD).set_index("game_id")["line"]
    return pd.DataFrame({"close": closing.reindex(entities.index)})


def _honest_statistics(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    left = entities[["as_of"]].assign(team_id=entities["home_team_id"])
    return asof_join(left, history.team_season_stats(), ["team_id"], ["value"])


PLANTED = (
    FeatureView("season_statistics", ("stats_diff",), _season_statistics),
    FeatureView("current_rating", ("elo_now_diff",), _current_rating),
    FeatureView("rolling_with_itself", ("last3_home",), _rolling_with_the_game_itself),
    FeatureView("late_closing", ("close",), _late_closing, "market"),
)
HONEST = FeatureView("honest_statistics", ("value",), _honest_statistics)


@pytest.fixture(scope="module")
def planted_leaks() -> set[str]:
    return leaking_columns((*PLANTED, HONEST), random_league(1), every=24)


@pytest.mark.parametrize("view", PLANTED, ids=lambda view: view.name)
def test_a_planted_leak_is_caught(view: FeatureView, planted_leaks: set[str]) -> None:
    assert planted_leaks.issuperset(view.columns)


def test_season_statistics_joined_as_known_are_no_leak(planted_leaks: set[str]) -> None:
    assert "value" not in planted_leaks
    assert unlabelled(random_league(1), league_of(HONEST), None, None).X["value"].notna().any()
