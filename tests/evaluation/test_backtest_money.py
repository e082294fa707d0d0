"""Stakes through time against a naive loop, and what a bettor could not have known or had."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.evaluation.backtest_money import Bank, drawdown, run_bankroll, shares_of, stressed, unit_profits

T0 = pd.Timestamp("2022-09-01", tz="UTC")
HOUR = pd.Timedelta(hours=1)


def random_bets(seed, n=60):
    """Return bets of a few slates whose results come in while later slates are decided."""
    rng = np.random.default_rng(seed)
    as_of = T0 + HOUR * pd.Series(rng.integers(0, 12, n))
    known = as_of + HOUR * pd.Series(rng.integers(1, 8, n))
    return pd.DataFrame(
        {
            "game_id": [f"g{number}" for number in range(n)],
            "bet_type": "spread",
            "as_of": as_of,
            "result_known_at": known.mask(rng.random(n) < 0.05),
            "fraction": rng.choice([0.0, 0.01, 0.05, 0.3], n),
            "decimal": rng.uniform(1.2, 4.0, n),
            "share": rng.choice([1.0, 0.5, 0.0, -0.5, -1.0], n),
        }
    )


def naive(bets, bank, stress=0.0):
    """Return each bet's stake, asking anew at every bet what was known and open when it was placed."""
    stakes = {}
    for as_of in sorted(bets["as_of"].unique()):
        slate = bets.loc[bets["as_of"] == as_of]
        bankroll, waiting = bank.bankroll, 0.0
        for number, stake in stakes.items():
            row = bets.loc[number]
            if row["result_known_at"] <= as_of:
                won = row["share"]
                bankroll += stake * (won * (max(1, row["decimal"] * (1 - stress)) - 1) if won > 0 else won)
            else:
                waiting += stake
        asked = {n: min(row["fraction"] * bankroll, bank.largest or np.inf) for n, row in slate.iterrows()}
        scale = min(1.0, max(bankroll - waiting, 0) / sum(asked.values())) if sum(asked.values()) else 1.0
        for number, stake in asked.items():
            stakes[number] = stake * scale if stake * scale >= bank.smallest else 0.0
    return pd.Series(stakes).reindex(bets.index)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("bank", "stress"), [(Bank(1000.0), 0.0), (Bank(1000.0, largest=60.0, smallest=5.0), 0.02)])
def test_stakes_are_those_of_a_naive_loop_over_what_was_known(seed, bank, stress):
    bets = random_bets(seed)
    found = run_bankroll(bets, bank, stress)
    pd.testing.assert_series_equal(found.stakes, naive(bets, bank, stress), check_names=False, rtol=1e-9)
    assert found.final == pytest.approx(bank.bankroll + found.profits.sum())
    assert found.profits.isna().equals(bets["result_known_at"].isna())


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_rows_changes_nothing(seed):
    bets = random_bets(seed)
    shuffled = bets.sample(frac=1.0, random_state=seed)
    one, other = run_bankroll(bets, Bank(1000.0)), run_bankroll(shuffled, Bank(1000.0))
    pd.testing.assert_series_equal(one.stakes, other.stakes.reindex(bets.index), check_exact=True)
    pd.testing.assert_frame_equal(one.curve, other.curve, check_exact=True)


def slate(**changed):
    plain = {"bet_type": "spread", "as_of": T0, "result_known_at": T0 + HOUR, "fraction": 0.1, "decimal": 3.0}
    return pd.DataFrame({"game_id": ["a", "b", "c"], **plain, "share": [1.0, 1.0, -1.0], **changed})


def test_bets_of_one_slate_do_not_use_each_others_results():
    found = run_bankroll(slate(), Bank(100.0))
    assert found.stakes.tolist() == [10.0, 10.0, 10.0]
    assert found.final == pytest.approx(100 + 20 + 20 - 10)
    assert found.curve["bankroll"].tolist() == pytest.approx([100.0, 130.0])  # results of one moment enter together


def test_a_result_is_money_only_once_it_is_known():
    later = [T0, T0 + HOUR / 2, T0 + 2 * HOUR]
    found = run_bankroll(slate(as_of=later), Bank(100.0))
    assert found.stakes.tolist() == pytest.approx(
        [10.0, 10.0, 14.0]
    )  # what a and b won is known to c, and a's not yet to b


def test_what_is_on_open_bets_cannot_be_staked_again():
    found = run_bankroll(slate(fraction=0.6, as_of=[T0, T0 + HOUR / 4, T0 + HOUR / 2]), Bank(100.0))
    assert found.stakes.tolist() == pytest.approx([60.0, 40.0, 0.0])


def test_an_open_bet_blocks_its_stake_and_brings_nothing():
    found = run_bankroll(slate(share=[np.nan, 1.0, -1.0]), Bank(100.0))
    assert np.isnan(found.profits.iloc[0])
    assert found.final == pytest.approx(110.0)
    assert found.curve["open"].iloc[-1] == pytest.approx(10.0)


def test_a_stressed_price_pays_less_and_never_less_than_the_stake():
    assert stressed([2.0, 1.005], 0.03).tolist() == pytest.approx([1.94, 1.0])
    profits = unit_profits([2.0, 2.0, 2.0, 2.0, 1.01], [1.0, 0.5, 0.0, -1.0, 1.0], 0.03)
    assert profits.tolist() == pytest.approx([0.94, 0.47, 0.0, -1.0, 0.0])
    assert unit_profits([2.0, 2.0], [1.0, np.nan]).tolist() == pytest.approx([1.0, np.nan], nan_ok=True)


def test_results_are_shares_of_the_stake():
    words = ["win", "half_win", "push", "void", "half_loss", "loss", "pending", None]
    assert shares_of(words).tolist() == pytest.approx([1, 0.5, 0, 0, -0.5, -1, np.nan, np.nan], nan_ok=True)


def test_the_deepest_fall_and_the_longest_time_below_a_peak():
    value = [100, 120, 90, 110, 125, 130, 104, 130]
    curve = pd.DataFrame({"at": T0 + pd.to_timedelta([0, 1, 2, 9, 12, 13, 14, 20], unit="D"), "bankroll": value})
    found = drawdown(curve)
    assert found.depth == pytest.approx(0.25)
    assert (found.peak_at, found.trough_at) == (T0 + 24 * HOUR, T0 + 48 * HOUR)
    assert found.days == pytest.approx(11.0)  # from the second day until 125 on the twelfth
    rising = drawdown(curve.assign(bankroll=range(100, 108)))
    assert (rising.depth, rising.days) == (0.0, 0.0)
