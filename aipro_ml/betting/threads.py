"""Rows shared out among threads: NumPy and SciPy let go of the interpreter while they work on arrays."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

ENOUGH = 4096
"""From so many rows a thread on, handing them over costs next to nothing."""


def by_rows(solve: Callable[..., FloatArray], arrays: Sequence[FloatArray], threads: int | None = None) -> FloatArray:
    """Return `solve(*arrays)` of arrays (n,) whose rows do not hang on each other, computed in parts side by side.

    `threads` at most, where None as many as `available`; fewer than ENOUGH rows a thread are not worth one.
    """
    count = min(available() if threads is None else threads, len(arrays[0]) // ENOUGH)
    if count < 2:
        return solve(*arrays)
    parts = zip(*(np.array_split(array, count) for array in arrays), strict=True)
    with ThreadPoolExecutor(count) as pool:
        return np.concatenate(list(pool.map(lambda part: solve(*part), parts)))


def available() -> int:
    """Return how many threads this process is to use: its processors, or OMP_NUM_THREADS where that is fewer.

    A worker beside others is started with its share in OMP_NUM_THREADS.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(processors, int(told)) if told.isdigit() and int(told) else processors
