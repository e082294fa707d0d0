"""Noise proves nothing, knowledge does, a mere bias does not; and what many trials leave of a result."""

import numpy as np
import pytest

from aipro_ml import metrics
from aipro_ml.evaluation.backtest import signals_of
from aipro_ml.evaluation.backtest_statistics import (
    by_block,
    deflated_sharpe,
    expected_maximum,
    fair_market_test,
    permutation_test,
    probabilistic_sharpe,
    ratio_interval,
)
from tests.evaluation.backtest_books import DECIMAL, book
from tests.soak import size

SEEDS = size(60, 1000)


def clv_p(seed, **told):
    return permutation_test(signals_of(book(seed, **told), "clv"), "CLV", seed=seed, draws=size(199, 999)).p


def test_a_model_that_knows_nothing_is_found_significant_as_often_as_chance_has_it():
    p = np.array([clv_p(seed) for seed in range(SEEDS)])
    allowed = 3.5 * np.sqrt(0.1 * 0.9 / SEEDS)
    assert abs((p <= 0.1).mean() - 0.1) < allowed
    assert abs(p.mean() - 0.5) < 3.5 / np.sqrt(12 * SEEDS)


def test_a_model_that_knows_where_the_close_will_go_is_found():
    p = np.array([clv_p(seed, skill=0.5) for seed in range(20)])
    assert (p <= 0.01).all()


def test_a_leaning_towards_home_alone_proves_nothing():
    p = np.array([clv_p(seed, bias=0.5) for seed in range(20)])
    assert p.min() > 0.005
    assert 0.2 < p.mean() < 0.8


def test_signals_stay_within_their_season_and_the_observed_figure_is_that_of_the_bets():
    table = book(1)
    test = permutation_test(signals_of(table, "clv"), "CLV", seed=1, draws=100)
    bets = table.loc[table["ev"] > 0]
    taken = np.where(bets["reference"], bets["clv_reference"], bets["clv_other"])
    assert test.observed == pytest.approx(taken.mean())
    assert test.n == len(bets)
    one_signal = table.assign(probability=np.where(table["season"] == 2021, 0.6, 0.4))
    still = permutation_test(signals_of(one_signal, "clv"), "CLV", seed=1, draws=100)
    assert np.allclose(still.draws, still.observed)  # all of a season are alike: nothing can change places
    assert still.p == 1.0


def test_bonferroni_counts_the_trials_and_the_p_is_never_zero():
    signals = signals_of(book(3, skill=0.9), "clv")
    test = permutation_test(signals, "CLV", seed=1, draws=99, trials=7)
    assert test.p == pytest.approx(0.01)
    assert test.adjusted == pytest.approx(0.07)


def test_results_of_a_fair_market_are_among_those_drawn_from_it():
    rng = np.random.default_rng(5)
    n, p = 400, []
    for seed in range(40):
        won = rng.random(n) < 0.5
        profit = np.where(won, DECIMAL - 1, -1.0)
        p.append(fair_market_test(np.full(n, DECIMAL - 1), np.full(n, 0.5), profit, seed=seed, draws=200).p)
    assert 0.35 < np.mean(p) < 0.65
    lucky = np.where(rng.random(n) < 0.62, DECIMAL - 1, -1.0)
    assert fair_market_test(np.full(n, DECIMAL - 1), np.full(n, 0.5), lucky, seed=1, draws=400).p < 0.01


def test_of_a_half_result_the_fair_market_draws_half_a_stake():
    rng = np.random.default_rng(5)
    odds, decided = rng.uniform(0.5, 2.0, 800), rng.choice([0.5, 1.0], 800)
    profit = np.where(rng.random(800) < 1 / (1 + odds), odds, -1.0) * decided
    test = fair_market_test(odds, 1 / (1 + odds), profit, seed=1, draws=800)
    assert test.null_sd == pytest.approx(np.sqrt(np.sum(odds * decided**2)) / 800, rel=0.1)  # a fair bet's variance: b
    assert test.null_mean == pytest.approx(0.0, abs=4 * test.null_sd / np.sqrt(800))


def test_nothing_bet_is_no_figure_and_no_proof():
    signals = signals_of(book(1).assign(probability=0.5), "clv")
    test = permutation_test(signals, "CLV", seed=1, draws=50)
    assert test.n == 0
    assert np.isnan(test.p)
    assert np.isnan(fair_market_test([], [], [], seed=1, draws=50).p)


def test_the_interval_resamples_whole_weeks_as_the_metrics_do():
    rng = np.random.default_rng(2)
    values, weeks = rng.standard_normal(200), np.arange(200) // 10
    found = ratio_interval(values, np.ones(200), weeks, seed=4, draws=2000)
    assert (found.low, found.high) == pytest.approx(metrics.block_bootstrap_interval(values, weeks, seed=4))
    assert found.mean == pytest.approx(values.mean())
    assert found.blocks == 20
    missing = ratio_interval([1.0, np.nan], [1.0, 1.0], [0, 1], seed=4, draws=100)
    assert (missing.n, missing.mean) == (1, 1.0)
    assert np.isnan(missing.low)


def test_the_deflated_ratio_is_that_of_the_published_example():
    # Bailey and López de Prado (2014): 100 trials whose annual ratios have variance ½; 1,250 days, ratio 2.5 a year
    bar = np.sqrt(0.5 / 250) * expected_maximum(100)
    assert bar == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(2.5 / np.sqrt(250), bar, (1250, -3.0, 10.0)) == pytest.approx(0.9004, abs=5e-4)


def test_more_trials_leave_less_of_the_same_result():
    weekly = np.random.default_rng(8).normal(0.25, 1.0, 100)
    found = [deflated_sharpe(weekly, trials).probability for trials in (1, 5, 50, 500)]
    assert found == sorted(found, reverse=True)
    assert deflated_sharpe(weekly, 1).probability == deflated_sharpe(weekly, 500).undeflated
    spread = deflated_sharpe(weekly, 5, others=(0.5, -0.6, 0.4, -0.1))
    assert spread.expected_best > deflated_sharpe(weekly, 5).expected_best
    assert np.isnan(deflated_sharpe([1.0, 1.0, 1.0], 1).probability)


def test_the_best_of_many_worthless_trials_is_seldom_believed():
    rng = np.random.default_rng(11)
    best = [max(rng.standard_normal((20, 80)), key=lambda x: x.mean() / x.std()) for _ in range(size(100, 1000))]
    believed = np.array([deflated_sharpe(weekly, 20).probability for weekly in best])
    alone = np.array([deflated_sharpe(weekly, 20).undeflated for weekly in best])
    assert (believed > 0.95).mean() < 0.1
    assert (alone > 0.95).mean() > 0.4


def test_sums_by_week_leave_out_what_is_unknown():
    assert by_block([1.0, np.nan, 2.0, 4.0], [3, 3, 1, 3]).tolist() == [2.0, 5.0]
    assert len(by_block([np.nan], [1])) == 0
