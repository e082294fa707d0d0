"""Medians and spreads of many groups at once: to the bit those of pandas, group by group."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.betting.groups import Groups, coded

VALUE = st.one_of(st.floats(-1e3, 1e3), st.just(float("nan")), st.sampled_from([0.5, 1 / 3]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), VALUE), max_size=40))
def test_medians_and_deviations_have_the_bits_that_pandas_gives(rows):
    group = np.array([code for code, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    by_group = pd.Series(values).groupby(group)
    found, every = Groups.of(group, 6), range(6)
    np.testing.assert_array_equal(found.medians(values), by_group.median().reindex(every).to_numpy("float64"))
    np.testing.assert_array_equal(found.deviations(values), by_group.std(ddof=0).reindex(every).to_numpy("float64"))


def test_words_are_numbered_in_their_order_however_the_column_keeps_them():
    plain = pd.Series(["b", "a", None, "c", "a"], dtype=object)
    unordered = plain.astype(pd.CategoricalDtype(["c", "a", "b"]))
    for column in (plain, unordered):
        codes, words = coded(column)
        assert codes.tolist() == [1, 0, -1, 2, 0]
        assert words.tolist() == ["a", "b", "c"]
