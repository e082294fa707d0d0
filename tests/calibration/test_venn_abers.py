"""Venn-Abers intervals: equal to refitting isotonic regression with the new game, lost and won."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from aipro_ml.calibration.logits import expit
from aipro_ml.calibration.venn_abers import VennAbers, load_venn_abers
from aipro_ml.errors import ArtifactError

grid = st.integers(0, 12).map(lambda k: k / 12)  # few values: many ties


def refitted(scores, y, asked):
    """The oracle: isotonic regression fitted anew for each asked score, with outcome 0 and with outcome 1."""
    ends = [
        [IsotonicRegression().fit(np.append(scores, s), np.append(y, won)).predict([s])[0] for s in asked]
        for won in (0.0, 1.0)
    ]
    return np.array(ends)


def games(n, seed=1):
    random = np.random.default_rng(seed)
    z = random.normal(scale=1.0, size=n)
    return expit(z), (random.random(n) < expit(0.7 * z)).astype("float64")


@settings(max_examples=25, deadline=None)
@given(pairs=st.lists(st.tuples(grid, st.booleans()), min_size=1, max_size=40))
def test_the_fast_form_equals_two_refits_for_every_score(pairs):
    scores, y = np.array(pairs, dtype="float64").T
    asked = np.arange(25) / 24  # the scores themselves, and between them
    np.testing.assert_allclose(VennAbers().fit(scores, y).interval(asked), refitted(scores, y, asked), atol=1e-9)


def test_the_fast_form_equals_two_refits_on_a_season():
    scores, y = games(800)
    asked = np.concatenate([scores[:30], np.linspace(0, 1, 30)])
    np.testing.assert_allclose(VennAbers().fit(scores, y).interval(asked), refitted(scores, y, asked), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_intervals_are_open_rise_with_the_score_and_lie_in_the_unit(pairs):
    scores, y = np.array(pairs, dtype="float64").T
    low, high = VennAbers().fit(scores, y).interval(np.linspace(0, 1, 41))
    assert (low < high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()


def test_more_games_make_narrower_intervals():
    asked = np.linspace(0.2, 0.8, 50)
    widths = [np.subtract(*VennAbers().fit(*games(n)).interval(asked)[::-1]).mean() for n in (100, 1000, 10_000)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_the_order_of_games_is_irrelevant_and_the_input_stays_untouched():
    scores, y = games(500)
    before = scores.copy()
    first, turned = VennAbers().fit(scores, y), VennAbers().fit(scores[::-1], y[::-1])
    assert first == turned
    assert first.version == turned.version
    np.testing.assert_array_equal(scores, before)


def test_saved_intervals_load_equal(tmp_path):
    fitted = VennAbers().fit(*games(500))
    fitted.save(tmp_path / "interval.json")
    loaded = load_venn_abers(tmp_path / "interval.json")
    assert loaded == fitted
    assert loaded.version == fitted.version
    np.testing.assert_array_equal(loaded.interval(np.linspace(0, 1, 9)), fitted.interval(np.linspace(0, 1, 9)))


@pytest.mark.parametrize("text", ["{}", '{"interval": "oracle"}', '{"interval": "venn_abers", "lower": [1], "n": 3}'])
def test_damaged_intervals_are_one_clear_error(text, tmp_path):
    (tmp_path / "interval.json").write_text(text)
    with pytest.raises(ArtifactError, match="damaged interval"):
        load_venn_abers(tmp_path / "interval.json")
