"""The benchmarks' own timing: slow comparisons get few rounds, and a training job does the fits it is held against."""

import numpy as np

from aipro_ml.training.splits import walk_forward
from benchmarks import timing
from benchmarks.overhead import FEATURES, FIRST_SEASON, FOLDS, SEASONS, nfl_sized, overhead


def test_a_comparison_with_a_slow_case_is_measured_in_few_rounds(monkeypatch):
    monkeypatch.setattr(timing, "LONG_S", -1.0)
    assert len(timing.interleaved({"ours": list}, 5).seconds["ours"]) == timing.FEW_ROUNDS


def test_a_fast_comparison_has_all_its_rounds_and_every_case_in_each():
    order = []
    cases = {name: lambda name=name: order.append(name) for name in ("ours", "peer")}
    measured = timing.interleaved(cases, 3)
    assert order == ["ours", "peer"] * 4  # the first round warms
    assert {len(seconds) for seconds in measured.seconds.values()} == {3}


def test_the_training_overhead_is_that_of_two_candidates_on_the_size_of_the_nfl():
    matrix = nfl_sized()
    folds = walk_forward(matrix, test_from=FIRST_SEASON + SEASONS - FOLDS, test_to=FIRST_SEASON + SEASONS - 1)
    assert (len(folds), matrix.X.shape[1]) == (FOLDS, FEATURES)
    (figure,) = overhead(1)
    assert "2 candidates × 12 fits" in figure.name
    assert np.isfinite(figure.median)
    assert figure.median < 3  # the bar is 1.1 on a quiet machine
