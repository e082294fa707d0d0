"""Betting BMR's NFL openers of 2018 to 2022: what an edge was worth, and that noise is worth nothing."""

from datetime import UTC, datetime

import numpy as np
import pytest

from aipro_ml import resources
from aipro_ml.config import policy_config, training_config
from aipro_ml.enums import BetType
from aipro_ml.evaluation.backtest_config import backtest_config
from aipro_ml.evaluation.backtest_result import CLV_TEST, EVERY
from aipro_ml.features.history import History
from aipro_ml.features.sport import sport
from aipro_ml.inference.policy import build_policy
from aipro_ml.jobs.backtest import Bench, backtested
from aipro_ml.jobs.backtest_request import BacktestRequest
from benchmarks.numbers.opening import bmr_records
from tests.soak import size

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
SEEDS = size(1, 20)
NOISE_FROM = size(2022, 2018)
MARGIN = -0.0454
"""What a bet at −110 on either side costs where the market is fair."""


@pytest.fixture(scope="module")
def facts(shared_data):
    records = bmr_records(shared_data)
    return records, History(records)


def bet(facts, settings, candidate, *, seed=20260101, first=2018):
    """Return the backtest of spreads at openers, without what was heard in the two days before them."""
    records, history = facts
    league = sport("NFL")
    how = backtest_config(decide="openers", lag_hours=48, probability="model")
    training = training_config(resources.configs_dir() / "training" / "openers.yaml")
    training = training.model_copy(update={"seed": seed})
    request = BacktestRequest(
        "NFL", (BetType.SPREAD,), first, 2022, datetime(2026, 1, 1, tzinfo=UTC), how, training, candidate
    )
    bench = Bench(league, records, history, build_policy(policy_config(), "NFL"), {}, request)
    return backtested(bench, settings).result


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("AIPRO_HOME", str(tmp_path))
    from aipro_ml.config import load_settings

    return load_settings()


def test_closing_line_value_rises_with_the_edge_at_the_opener(facts, settings):
    result = bet(facts, settings, "margins")
    assert 1300 < sum(each.n for each in result.bins) < 1372
    values = [each.value for each in result.bins]
    assert values == sorted(values)
    assert values[0] < -0.03
    assert -0.02 < values[-1] < 0.015  # the largest edges only about break even
    assert result.slope.ci_low > 0.1
    test = next(test for test in result.tests if test.figure == CLV_TEST)
    assert test.p < 0.005
    assert result.figures[0].clv.high < 0  # more than chance, and still less than the price


def test_noise_pays_the_margin_whatever_its_seed(facts, settings):
    results = [bet(facts, settings, "noise", seed=seed, first=NOISE_FROM) for seed in range(SEEDS)]
    tests = [next(test for test in result.tests if test.figure == CLV_TEST) for result in results]
    clv = [next(each for each in result.figures if each.name == EVERY).clv for result in results]
    assert all(each.high < 0 for each in clv)
    assert np.mean([each.mean for each in clv]) == pytest.approx(MARGIN, abs=size(0.02, 0.005))
    assert min(test.p for test in tests) > 0.005
    assert sum(test.p < 0.05 for test in tests) <= size(0, 4)
    assert sum(result.slope.ci_low > 0 for result in results) <= size(0, 2)
