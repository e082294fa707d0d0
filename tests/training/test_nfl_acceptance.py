"""The figures a right implementation shows on real NFL moneylines, 2012 to 2022 (methods §12)."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.calibration.blend import fit_blend
from aipro_ml.calibration.choice import choose, walk_forward_calibrated
from aipro_ml.calibration.isotonic import IsotonicCalibrator
from aipro_ml.calibration.venn_abers import VennAbers
from aipro_ml.config import ModelConfig, training_config
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.features.build import build_matrix
from aipro_ml.features.sport import sport
from aipro_ml.metrics import log_loss
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, baseline_entries, leaderboard
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import out_of_fold
from tests.features.real_records import read_records

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

LIBRARY_DEFAULT = ModelConfig(name="default", framework="sklearn", estimator="lightgbm")


@pytest.fixture(scope="module")
def matrix(nflverse_file):
    return build_matrix(read_records(nflverse_file), sport("NFL"), BetType.MONEYLINE)


@pytest.fixture(scope="module")
def folds(matrix):
    return walk_forward(matrix, test_from=2012, test_to=2022, train_from=2001)


@pytest.fixture(scope="module")
def oofs(matrix, folds):
    views = sport("NFL").views
    free = tuple(name for view in views if view.group == "market_free" for name in view.columns)
    configs = [*training_config().models[BetType.MONEYLINE], LIBRARY_DEFAULT]
    return {
        config.name: out_of_fold(candidate(config, BetType.MONEYLINE, 20260101), matrix.select(free), folds)
        for config in configs
    }


def test_the_leaderboard_meets_the_acceptance_numbers(matrix, folds, oofs):
    entries = baseline_entries(baselines(matrix, folds, BetType.MONEYLINE))
    entries += [Entry(name, "sklearn", oof) for name, oof in oofs.items()]
    rows = {row.name: row for row in leaderboard(entries, seed=1)}
    assert {row.n for row in rows.values()} == {2961}
    assert rows["market"].log_loss == pytest.approx(0.6094, abs=0.0005)
    assert rows["elo"].log_loss == pytest.approx(0.631, abs=0.003)
    assert rows["logistic"].log_loss == pytest.approx(0.6277, abs=0.004)
    assert rows["lightgbm_small"].log_loss == pytest.approx(0.6306, abs=0.004)
    # nobody beats the close with games alone: who does has seen it
    assert all(row.ci_low > 0 for name, row in rows.items() if name != "market")


def test_platt_repairs_an_overfitted_model(oofs):
    losses = choose(oofs["default"]).log_losses
    assert losses[CalibrationMethod.NONE] - losses[CalibrationMethod.PLATT] > 0.012


def test_isotonic_of_one_season_is_worse_than_platt_of_all_earlier_ones(oofs):
    oof = oofs["default"]
    pooled = walk_forward_calibrated(oof, CalibrationMethod.PLATT)
    single = pd.Series(np.nan, index=oof.index)
    for season in range(2013, 2023):
        last, now = oof[oof["season"] == season - 1], oof["season"] == season
        fitted = IsotonicCalibrator().fit(last["p"].to_numpy(), last["y"].to_numpy())
        single[now] = fitted.calibrate(oof.loc[now, "p"].to_numpy())
    rows = single.notna()
    assert log_loss(single[rows], oof.loc[rows, "y"]) - log_loss(pooled[rows], oof.loc[rows, "y"]) > 0.01


def test_the_interval_of_real_games_is_narrow_where_most_games_are(oofs):
    oof = oofs["logistic"]
    low, high = VennAbers().fit(oof["p"].to_numpy(), oof["y"].to_numpy()).interval(oof["p"].to_numpy())
    assert 0 < np.median(high - low) < 0.02
    assert (high - low).max() > 0.05


def test_the_blend_gives_the_market_nearly_all_the_weight(oofs):
    oof = oofs["logistic"]
    calibrated = walk_forward_calibrated(oof, choose(oof).method)
    blend = fit_blend(calibrated, oof["market_prob"], oof["y"])
    assert abs(blend.model_coef) < 0.2
    assert blend.market_coef > 0.7
