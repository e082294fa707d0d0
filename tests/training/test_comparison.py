"""Comparison of contestants on their common games, against one of them."""

import numpy as np
import pytest

from aipro_ml.errors import UsageError
from aipro_ml.training.comparison import compared
from aipro_ml.training.leaderboard import Entry
from aipro_ml.training.oof import losses, market_rows, scored_rows
from tests.training.league import league


@pytest.fixture(scope="module")
def entries():
    matrix = league(seasons=2, games=200)
    p = matrix.meta["market_prob"].to_numpy("float64")
    knows = scored_rows(matrix, np.arange(400), p)
    blind = knows.assign(p=0.5)
    return [Entry("knows", "sklearn", knows), Entry("blind", "baseline", blind.iloc[40:])]


def test_rows_stand_on_common_games_and_are_paired_with_the_reference(entries):
    best, other = compared(entries, "blind", 1)
    assert (best.name, best.n, other.n) == ("knows", 360, 360)
    paired = losses(entries[0].oof.iloc[40:]) - losses(entries[1].oof)
    assert best.delta_log_loss == pytest.approx(paired.mean())
    assert best.ci_low < best.delta_log_loss < best.ci_high < 0
    assert (best.verdict, other.verdict) == ("better", "-")
    assert (other.delta_log_loss, other.ci_low, other.ci_high) == (0, 0, 0)


def test_the_other_way_round_it_is_worse_and_with_an_equal_one_even(entries):
    again = [*entries, Entry("market", "baseline", market_rows(entries[0].oof))]
    rows = {row.name: row for row in compared(again, "knows", 1)}
    assert rows["blind"].verdict == "worse"
    assert rows["market"].verdict == "even"
    assert rows["blind"].fields["delta_log_loss"] > 0


def test_an_unknown_reference_lists_the_known(entries):
    with pytest.raises(UsageError, match="there are: knows, blind"):
        compared(entries, "oracle", 1)
