"""Medians and spreads of many small groups at once: a table with one row a group instead of a loop over groups."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def coded(column: pd.Series) -> tuple[npt.NDArray[np.signedinteger], npt.NDArray[np.object_]]:
    """Return the column as positions in its sorted words, and the words; a categorical's codes as they are.

    A missing word is −1.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, words = column.cat.codes.to_numpy(), column.cat.categories.to_numpy(dtype=object)
    else:
        codes, named = pd.factorize(column)
        words = np.asarray(named, dtype=object)
    if not (words[1:] >= words[:-1]).all():
        order = np.argsort(words)
        place = np.append(np.argsort(order), -1).astype(codes.dtype)
        codes, words = place[codes], words[order]
    return codes, words


def row_medians(table: FloatArray) -> FloatArray:
    """Return each row's median (n,) of a table (n, k), missing values left out; NaN for a row without any."""
    ordered = np.sort(table, axis=1)  # NaN last
    known = table.shape[1] - np.isnan(table).sum(axis=1)
    rows = np.flatnonzero(known)
    upper, lower = ordered[rows, known[rows] // 2], ordered[rows, (known[rows] - 1) // 2]
    median = np.full(len(table), np.nan)
    median[rows] = np.where(known[rows] % 2, upper, (upper + lower) / 2)
    return median


@dataclass(frozen=True)
class Groups:
    """Which group each of n values belongs to (`group`, from 0 to `count` − 1), and its place there in row order."""

    group: IntArray
    place: IntArray
    sizes: IntArray

    @classmethod
    def of(cls, group: IntArray, count: int) -> "Groups":
        """Return the groups of n rows; a group may be empty."""
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group, minlength=count)
        place = np.empty(len(group), dtype=np.int64)
        place[order] = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return cls(group, place, sizes)

    def table(self, values: FloatArray) -> FloatArray:
        """Return (count, size of the largest group): each group's values from the left, then NaN."""
        table = np.full((len(self.sizes), int(self.sizes.max(initial=0))), np.nan)
        table[self.group, self.place] = values
        return table

    def medians(self, values: FloatArray) -> FloatArray:
        """Return each group's median (count,), as pandas takes it: missing values left out, NaN without any."""
        return row_medians(self.table(values))

    def deviations(self, values: FloatArray) -> FloatArray:
        """Return each group's standard deviation (ddof 0), NaN without values, to the bit as pandas computes it.

        That is Welford's way, value by value in row order; here a step takes the next value of every group.
        """
        table = self.table(values)
        seen, mean, squares = np.zeros((3, len(table)))
        for column in table.T:
            known = ~np.isnan(column)
            seen += known
            off = np.where(known, column - mean, 0.0)
            mean += np.divide(off, seen, out=np.zeros(len(seen)), where=known)
            squares += np.where(known, (column - mean) * off, 0.0)
        variance = np.divide(squares, seen, out=np.full(len(seen), np.nan), where=seen > 0)
        deviation: FloatArray = np.sqrt(variance)
        return deviation
