"""The matrix: one row out for each row in, honest labels and lines, and feature sets that know their code."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, LeakError, UsageError
from aipro_ml.features.build import MatrixRequest, build_matrices, build_matrix
from aipro_ml.features.definition import view_hash
from aipro_ml.features.history import History
from aipro_ml.features.records import CLOSING_COLUMNS, ODDS_COLUMNS, Records, no_rows
from aipro_ml.features.sport import Sport, sport
from aipro_ml.features.view import FeatureView
from tests.features.point_in_time import league_of
from tests.features.random_league import random_league

NFL = sport("NFL")
ELO = NFL.views_of(["elo_prob"])[0]


@pytest.fixture(scope="module")
def records() -> Records:
    return random_league(1)


def _constant(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
    return pd.DataFrame({"one": 1.0}, index=entities.index)


ONE = FeatureView("one", ("one",), _constant)


def test_one_row_in_is_one_row_out_in_the_order_given(records: Records) -> None:
    games = History(records).game_ids()[40::17][::-1]
    matrix = build_matrix(records, NFL, BetType.TOTAL, MatrixRequest(game_ids=games))
    assert list(matrix.X.index) == list(matrix.meta.index) == list(matrix.y.index) == games
    assert matrix.feature_names == NFL.columns()
    assert set(matrix.X.dtypes) == {np.dtype("float64")}
    assert (matrix.as_of == matrix.meta["kickoff"] - pd.Timedelta(minutes=1)).all()


def test_no_games_give_an_empty_matrix_of_all_columns(records: Records) -> None:
    matrix = build_matrix(records, NFL, BetType.MONEYLINE, MatrixRequest(game_ids=[]))
    assert matrix.X.shape == (0, len(NFL.columns()))


def test_only_the_views_of_the_chosen_columns_run(records: Records) -> None:
    def never(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
        raise AssertionError

    league = league_of(ONE, FeatureView("never", ("boom",), never))
    matrix = build_matrix(records, league, BetType.SPREAD, MatrixRequest(columns=("one",)))
    assert matrix.feature_names == ("one",)
    with pytest.raises(UsageError, match="no feature two"):
        build_matrix(records, league, BetType.SPREAD, MatrixRequest(columns=("two",)))


def test_a_training_row_decided_after_kickoff_is_refused_and_an_open_one_stays_empty(records: Records) -> None:
    game = History(records).game_ids()[5]
    late = pd.Series({game: History(records).latest_schedule()["kickoff"][game]})
    request = MatrixRequest([game], late)
    with pytest.raises(LeakError, match="after its kick-off"):
        build_matrix(records, league_of(ONE), BetType.SPREAD, request)
    matrix = build_matrix(records, league_of(ONE), BetType.SPREAD, replace(request, with_labels=False))
    assert matrix.X["one"].isna().tolist() == [True]
    assert matrix.y is None


@pytest.mark.parametrize("bet_type", list(BetType))
def test_labels_settle_the_final_score_on_the_line_of_the_matrix(records: Records, bet_type: BetType) -> None:
    matrix = build_matrix(records, league_of(ONE), bet_type)
    scores = History(records).results().set_index("game_id").reindex(matrix.X.index)
    for game, y in matrix.y.items():
        home, away, line = scores.loc[game, "home_score"], scores.loc[game, "away_score"], matrix.meta.line[game]
        ahead = {
            BetType.MONEYLINE: home - away,
            BetType.SPREAD: home - away + line,
            BetType.TOTAL: home + away - line,
        }[bet_type]
        assert (y == 1.0, y == 0.0) == (ahead > 0, ahead < 0)
    assert matrix.y.notna().any()
    assert matrix.meta["line"].isna().all() == (bet_type is BetType.MONEYLINE)


def test_a_line_without_a_price_is_the_close_already_known_and_has_no_market_probability(records: Records) -> None:
    priceless = replace(records, odds=no_rows(ODDS_COLUMNS))
    matrix = build_matrix(priceless, league_of(ONE), BetType.SPREAD)
    assert matrix.meta["line"].notna().mean() > 0.9
    assert matrix.meta["market_prob"].isna().all()
    as_of = matrix.as_of - pd.Timedelta(hours=1)
    earlier = build_matrix(priceless, league_of(ONE), BetType.SPREAD, MatrixRequest(as_of=as_of))
    closed = records.closing.groupby("game_id")["closed_at"].min().reindex(as_of.index) <= as_of
    assert closed.sum() < len(closed) / 4  # only games postponed after their close
    assert (earlier.meta["line"].notna() == closed).all()
    nothing = replace(priceless, closing=no_rows(CLOSING_COLUMNS))
    assert build_matrix(nothing, NFL, BetType.SPREAD).y.isna().all()


def test_labels_known_at_hides_later_results(records: Records) -> None:
    moment = pd.Timestamp("2002-10-01", tz="UTC")
    matrix = build_matrix(records, league_of(ONE), BetType.MONEYLINE, MatrixRequest(labels_known_at=moment))
    assert matrix.y[matrix.meta["result_known_at"] > moment].isna().all()
    assert matrix.y[matrix.meta["result_known_at"] <= moment].notna().any()


def test_matrices_of_several_bet_types_share_their_features(records: Records) -> None:
    matrices = build_matrices(records, league_of(ELO), tuple(BetType))
    alone = build_matrix(records, league_of(ELO), BetType.TOTAL)
    assert matrices[BetType.TOTAL].sha256 == alone.sha256
    assert matrices[BetType.TOTAL].X.equals(matrices[BetType.SPREAD].X)


def test_a_view_that_drops_a_row_or_a_column_is_named(records: Records) -> None:
    def short(entities: pd.DataFrame, history: History, config: object) -> pd.DataFrame:
        return pd.DataFrame({"x": 1.0}, index=entities.index[1:])

    with pytest.raises(AiproError, match="feature view short"):
        build_matrix(records, league_of(FeatureView("short", ("x",), short)), BetType.SPREAD)


@pytest.mark.parametrize("column", ["home_score", "result", "closing_line", "overtime"])
def test_an_outcome_cannot_be_a_feature(column: str) -> None:
    with pytest.raises(LeakError, match=column):
        league_of(FeatureView("outcome", (column,), _constant))


def test_two_views_cannot_share_a_column() -> None:
    with pytest.raises(UsageError, match="column one"):
        league_of(ONE, FeatureView("again", ("one",), _constant))


def test_sports_are_found_in_any_case_and_unknown_ones_name_the_known() -> None:
    assert sport("nfl") is NFL
    simulated = sport("SIM-NFL")
    assert (simulated.config.code, simulated.config.elo) == ("SIM-NFL", NFL.config.elo)
    with pytest.raises(UsageError, match="NFL, NHL"):
        sport("curling")


def test_a_feature_set_version_changes_with_its_columns_figures_and_code() -> None:
    columns = NFL.columns(["market_free"])
    versions = {NFL.version(columns), NFL.version(columns[::-1]), sport("SIM-NFL").version(columns)}
    assert len(versions) == 3
    assert NFL.version(columns) == NFL.version(columns)
    renamed = replace(ELO, name="rating")
    assert len({view_hash(ELO), view_hash(renamed), view_hash(replace(ELO, compute=_constant))}) == 3


def test_market_free_views_read_no_odds(records: Records) -> None:
    free = NFL.columns(["market_free"])
    bare = replace(records, odds=no_rows(ODDS_COLUMNS), closing=no_rows(CLOSING_COLUMNS))
    request = MatrixRequest(columns=free)
    with_odds, without = (build_matrix(one, NFL, BetType.MONEYLINE, request) for one in (records, bare))
    assert with_odds.X.equals(without.X)
    assert len(free) + len(NFL.columns(["market"])) == len(NFL.columns())


def test_a_sport_is_a_readable_value() -> None:
    assert isinstance(NFL, Sport)
    assert NFL.bet_types == (BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL)


@pytest.mark.real_data
def test_the_real_file_meets_the_acceptance_numbers(nflverse_file: Path) -> None:
    """Walk-forward 2012–2022 by season, trained from 2001 (methods §12)."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from tests.features.real_records import read_records

    matrix = build_matrix(read_records(nflverse_file), NFL, BetType.MONEYLINE)
    free, season = matrix.select(NFL.columns(["market_free"])).X.to_numpy(), matrix.meta["season"].to_numpy()
    y, probability = matrix.y.to_numpy(), np.full(len(matrix.X), np.nan)
    for year in range(2012, 2023):
        train, test = (season >= 2001) & (season < year) & ~np.isnan(y), season == year
        model = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=0.01, max_iter=1000),
        )
        probability[test] = model.fit(free[train], y[train]).predict_proba(free[test])[:, 1]
    market = matrix.meta["market_prob"].to_numpy()
    scored = (season >= 2012) & ~np.isnan(y) & ~np.isnan(market)
    won = y[scored] == 1

    def log_loss(p: np.ndarray) -> float:
        return float(-np.log(np.where(won, p[scored], 1 - p[scored])).mean())

    assert scored.sum() == 2961
    assert log_loss(market) == pytest.approx(0.6094, abs=0.0005)
    assert log_loss(matrix.X["elo_prob"].to_numpy()) == pytest.approx(0.631, abs=0.003)
    assert log_loss(probability) == pytest.approx(0.6277, abs=0.004)
