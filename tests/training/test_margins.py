"""Expected margins are learned from earlier seasons only."""

from dataclasses import replace

import numpy as np
import pytest

from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.margins import expected_margins
from aipro_ml.training.splits import walk_forward
from tests.training.league import league


@pytest.fixture(scope="module")
def margins():
    matrix = league(seasons=5, games=300)
    random = np.random.default_rng(9)
    played = 7 * matrix.X["form"] - 2.5 + random.normal(scale=12, size=len(matrix.X))
    return replace(matrix, y=played.round())


def test_a_margin_that_features_foretell_is_foretold(margins):
    found = expected_margins(margins, walk_forward(margins, test_from=2002), alpha=10.0)
    truth = 7 * margins.X["form"].loc[found.index] - 2.5
    assert len(found) == 900
    assert np.corrcoef(found, truth)[0, 1] > 0.95
    assert (found - truth).abs().mean() < 2.0


def test_strong_regularisation_pulls_towards_the_mean_margin(margins):
    folds = walk_forward(margins, test_from=2004)
    weak, strong = (expected_margins(margins, folds, alpha) for alpha in (1.0, 1e6))
    assert strong.std() < 0.01 * weak.std()
    assert strong.mean() == pytest.approx(margins.y.iloc[folds.folds[0].train].mean(), abs=0.1)


def test_later_seasons_change_no_expectation(margins):
    folds = walk_forward(margins, test_from=2003)
    later = margins.meta["season"] >= 2004
    changed = FeatureMatrix(margins.X.where(~later, 9.0), margins.as_of, margins.meta, margins.y.where(~later, -30.0))
    first = margins.meta["season"] == 2003
    again = expected_margins(changed, folds)
    np.testing.assert_array_equal(expected_margins(margins, folds)[first[first].index], again[first[first].index])


def test_a_matrix_without_margins_is_refused(margins):
    with pytest.raises(ValueError, match="margins"):
        expected_margins(replace(margins, y=None), walk_forward(margins))
