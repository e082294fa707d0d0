"""The platform from Python, on a small generated league: each method does what its command does."""

import subprocess
import sys
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

import aipro_ml
from aipro_ml.api.platform import Platform
from aipro_ml.api.results import PREDICTION_COLUMNS
from aipro_ml.errors import GuardError, LeakError, UsageError
from aipro_ml.jobs.promote import PromotionRefusedError
from tests.docs_reference import ROOT
from tests.fixtures_commands import environment
from tests.fixtures_platform import LOGISTIC, NOW, OPEN_WEEK, PAST_WEEK, SEASON, SPORT

LIGHT = "import sys, aipro_ml; print(sorted({'pandas', 'numpy', 'sqlalchemy', 'pydantic'} & set(sys.modules)))"


@pytest.fixture
def opened(trained):
    return Platform(trained.settings, trained.engine, lambda: NOW)


@pytest.fixture
def model(opened):
    return opened.models(SPORT, "moneyline").index[0]


def test_importing_the_package_brings_neither_pandas_nor_a_database() -> None:
    said = subprocess.run([sys.executable, "-c", LIGHT], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "[]"


def test_every_public_name_is_there_and_told_on_the_page() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names = [name for name in dir(Platform) if not name.startswith("_")]
    methods = [f"{name}(" for name in names if callable(getattr(Platform, name))]
    assert len(methods) > 20
    assert [name for name in [*aipro_ml.__all__, *methods] if f"`{name}" not in page and f".{name}" not in page] == []
    assert all(getattr(aipro_ml, name) is not None for name in aipro_ml.__all__)
    assert set(aipro_ml.__all__) <= set(dir(aipro_ml))
    with pytest.raises(AttributeError, match="no attribute 'open_plattform'"):
        _ = aipro_ml.open_plattform


def test_the_platform_opens_on_the_environment_and_gives_its_connections_back(trained, monkeypatch) -> None:
    for name, value in environment(trained).items():
        monkeypatch.setenv(name, value)
    with aipro_ml.open_platform(clock=lambda: NOW) as platform:
        assert platform.settings.home == trained.settings.home
        assert len(platform.models(SPORT)) == 3
        with platform.engine.connect():
            assert platform.engine.pool.checkedout() == 1
    assert platform.engine.pool.checkedout() == 0


def test_the_sports_are_listed_with_their_bet_types(opened) -> None:
    sports = opened.sports()
    assert sports.loc["NFL", "bet_types"] == "moneyline, spread, total"
    assert (sports["features"] > 10).all()


def test_a_league_is_simulated_and_its_games_listed_and_a_file_imported(database_settings, engine, tmp_path) -> None:
    platform = Platform(database_settings, engine, lambda: NOW)
    done = platform.simulate("NFL", seasons=2, books=2)
    games = platform.games(SPORT)
    assert done.games_read == len(platform.games(SPORT, 2024)) + len(games)
    assert {"home", "away", "kickoff", "status"} <= set(games.columns)
    with pytest.raises(UsageError, match="reads files"):
        platform.import_data("nflverse")


def test_features_are_stored_once_and_come_with_labels_by_group(opened) -> None:
    built = opened.build_features(SPORT, ["moneyline"])
    assert (list(built.index), built["written"].tolist()) == (["moneyline"], [0])
    free, market, every = (opened.features(SPORT, "moneyline", group) for group in ("market_free", "market", "all"))
    assert [*free.feature_names, *market.feature_names] == list(every.feature_names)
    assert not [name for name in free.feature_names if name.startswith("market_")]
    assert set(pd.Series(free.y).dropna()) == {0.0, 1.0}
    assert list(free.X.index) == list(pd.Series(free.y).index) == list(free.meta.index)
    with pytest.raises(UsageError, match="no group of features is called 'odds'"):
        opened.features(SPORT, "moneyline", "odds")
    with pytest.raises(UsageError, match="no bet type is called 'money'"):
        opened.features(SPORT, "money")


def test_training_gives_the_leaderboard_and_the_models_it_stored(opened, own_artifacts, untracked) -> None:
    platform = Platform(own_artifacts.settings, opened.engine, lambda: NOW)
    good = LOGISTIC.model_copy(update={"name": "mine", "params": {"C": 0.02}})
    bad = LOGISTIC.model_copy(update={"name": "bad", "params": {"depth": 3}})
    with pytest.warns(UserWarning, match="bad failed: logistic_regression: parameter 'depth'"):
        done = platform.train(SPORT, "moneyline", [good, bad], test_seasons=(2023, 2024))
    assert {"mine", "market", "elo", "constant"} == set(done.leaderboard.index)
    assert done.leaderboard.loc["mine", "model_id"] == done.models["mine"]
    assert done.leaderboard["log_loss"].is_monotonic_increasing
    assert "depth" in done.failures["bad"]
    stored = platform.model(done.models["mine"])
    assert sorted(stored.oof["season"].unique()) == [2023, 2024]
    loss = -np.log(np.where(stored.oof["y"] == 1, stored.oof["p"], 1 - stored.oof["p"])).mean()
    assert loss == pytest.approx(done.leaderboard.loc["mine", "log_loss"])
    with pytest.raises(UsageError, match="depth"):
        platform.train(SPORT, "moneyline", [bad], test_seasons=(2023, 2024))


def test_stored_models_are_compared_calibrated_and_promoted(opened, own_artifacts, model) -> None:
    platform = Platform(own_artifacts.settings, opened.engine, lambda: NOW)
    board = platform.compare(SPORT, "moneyline", against="constant")
    assert board.loc["constant", "verdict"] == "-"
    assert board.loc["logistic", "model"] == f"{model}*"
    report = platform.calibrate(model, "platt", dry_run=True)
    assert (report.choice.method, report.diagram.parent.name) == ("platt", f"{report.model.id}.calibration")
    with pytest.raises(UsageError, match="no method of calibration is called 'temper'"):
        platform.calibrate(model, "temper")
    done = platform.promote(model, "still the best", actor="tests", dry_run=True)
    assert (str(done.model.id)[:8], done.changed) == (model, False)


def test_predicting_writes_nothing_and_says_what_publishing_then_writes(opened, trained) -> None:
    before = trained.snapshot()
    said = opened.predict(SPORT, season=SEASON, week=OPEN_WEEK, as_of=NOW)
    assert trained.snapshot() == before
    assert (list(said.predictions.columns), said.published) == (list(PREDICTION_COLUMNS), False)
    assert len(said.predictions) + len(said.abstentions) == 3 * said.runs["games"].sum()
    assert said.predictions["probability"].between(0, 1).all()
    done = opened.publish(SPORT, season=SEASON, week=OPEN_WEEK, as_of=NOW)
    pd.testing.assert_frame_equal(done.predictions, said.predictions)
    listed = opened.predictions(SPORT)
    assert sorted(listed.index) == sorted(name[:8] for name in said.predictions.index)


def test_what_was_published_is_graded_summed_up_and_proved(opened) -> None:
    opened.publish(SPORT, season=SEASON, week=PAST_WEEK)
    graded = opened.grade(SPORT)
    assert graded.inserted == graded.accounting.graded == graded.accounting.total == len(graded.rows) > 0
    assert opened.grade(SPORT).inserted == 0
    assert opened.performance(SPORT).empty
    by_tier = opened.performance(SPORT, backfilled=True)
    assert by_tier["n"].sum() == len(graded.rows)
    assert opened.verify_ledger().empty
    assert list(opened.verify_ledger(f"1:{'0' * 64}")["kind"]) == ["rewrite"]
    with pytest.raises(UsageError, match="is no head"):
        opened.verify_ledger("1:beef")
    with pytest.raises(GuardError, match="no champion before the present one"):
        opened.rollback(SPORT, "moneyline", "worse than before", actor="tests")


def test_a_moment_without_a_time_zone_and_a_model_that_knows_the_future_are_refused(opened) -> None:
    with pytest.raises(UsageError, match="has no time zone"):
        opened.predict(SPORT, season=SEASON, week=OPEN_WEEK, as_of=datetime(2025, 12, 24))  # noqa: DTZ001
    with pytest.raises(LeakError, match="learned from games up to"):
        opened.predict(SPORT, season=2023, week=PAST_WEEK)


def test_an_explanation_adds_up_to_the_published_probability(opened) -> None:
    row = opened.publish(SPORT, season=SEASON, week=OPEN_WEEK, as_of=NOW).predictions.iloc[0]
    why = opened.explain(row.name)
    p = row["probability"]
    assert why["shap_value"].sum() == pytest.approx(np.log(p / (1 - p)), abs=1e-6)


def test_contributions_of_any_rows_add_up_to_the_models_log_odds(opened, model) -> None:
    matrix = opened.features(SPORT, "moneyline")
    found = opened.contributions(model, matrix)
    p = opened.model(model).model.predict_proba(matrix.X)[:, 0]
    assert found.columns[-1] == "(base)"
    np.testing.assert_allclose(found.sum(axis=1), np.log(p / (1 - p)), atol=1e-9)
    pd.testing.assert_frame_equal(opened.contributions(model, matrix.X), found)
    with pytest.raises(UsageError, match="needs the feature"):
        opened.contributions(model, matrix.X.iloc[:, 1:])


def test_a_refused_promotion_has_the_gates_numbers(opened, own_artifacts, untracked) -> None:
    platform = Platform(own_artifacts.settings, opened.engine, lambda: NOW)
    weak = LOGISTIC.model_copy(update={"name": "weak", "params": {"C": 100.0}})
    done = platform.train(SPORT, "moneyline", [weak], test_seasons=(2023, 2024))
    platform.calibrate(done.models["weak"])
    with pytest.raises(PromotionRefusedError) as refused:
        platform.promote(done.models["weak"], "just to see", actor="tests", dry_run=True)
    assert refused.value.gate.checks
    platform.publish(SPORT, season=SEASON, week=OPEN_WEEK, as_of=NOW, model=done.models["weak"])
    assert platform.predictions(SPORT).empty
    shadows = platform.predictions(SPORT, shadow=True)
    assert set(shadows["role"]) == {"shadow"}
    assert set(shadows["model"]) == {done.models["weak"][:8]}
    platform.publish(SPORT, season=SEASON, week=OPEN_WEEK, as_of=NOW)
    assert set(platform.predictions(SPORT)["role"]) == {"production"}
    assert len(platform.predictions(SPORT, shadow=True)) == len(shadows) + len(platform.predictions(SPORT))
    assert list(platform.predictions(SPORT, model=done.models["weak"]).index) == list(shadows.index)
