"""Rows shared out among threads: the same bits, each row once, no thread for a few rows."""

import threading

import numpy as np
import pytest

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.betting.threads import ENOUGH, available, by_rows
from aipro_ml.enums import BetType


@pytest.mark.parametrize("rows", [0, 1, ENOUGH, 2 * ENOUGH, 3 * ENOUGH + 1])
def test_rows_shared_out_come_back_in_order_with_the_same_bits(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=rows)
    names = set()

    def solve(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        names.add(threading.current_thread().name)
        return np.exp(x) * y

    found = by_rows(solve, (values, values[::-1]), threads=3)
    np.testing.assert_array_equal(found, np.exp(values) * values[::-1])
    assert (names == {threading.current_thread().name}) == (rows < 2 * ENOUGH)


def test_an_error_in_a_thread_is_raised() -> None:
    def solve(x: np.ndarray) -> np.ndarray:
        raise ValueError(f"{len(x)} rows")

    with pytest.raises(ValueError, match=f"{ENOUGH} rows"):
        by_rows(solve, (np.zeros(2 * ENOUGH),), threads=2)


def test_a_worker_beside_others_keeps_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "a few")
    assert available() >= 1


def test_a_mean_solved_among_many_has_the_bits_of_the_same_row_alone() -> None:
    weights = tuple(1 + 0.5 * np.cos(np.arange(61)))
    scatter = MarginDistribution(BetType.SPREAD, 12.0, weights, -30)
    random = np.random.default_rng(3)
    line, p = random.integers(-40, 41, 2 * ENOUGH + 5) / 4, random.uniform(0.05, 0.95, 2 * ENOUGH + 5)
    means = scatter.match_mean(line, p)
    few = random.choice(len(line), 40)
    alone = np.concatenate([scatter.match_mean(line[[row]], p[[row]]) for row in few])
    np.testing.assert_array_equal(means[few], alone)
