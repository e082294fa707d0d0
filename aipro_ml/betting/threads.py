"""Rows shared out among threads: NumPy and SciPy let go of the interpreter while they work on arrays."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Part = TypeVar("Part")

ENOUGH = 4096
"""From so many rows a thread on, handing them over costs next to nothing."""


def by_rows(solve: Callable[..., FloatArray], arrays: Sequence[FloatArray], threads: int | None = None) -> FloatArray:
    """Return `solve(*arrays)` of arrays (n,) whose rows do not hang on each other, computed in parts side by side.

    `threads` as of `in_parts`.
    """
    return np.concatenate(in_parts(lambda part: solve(*(array[part] for array in arrays)), len(arrays[0]), threads))


def in_parts(work: Callable[[slice], Part], rows: int, threads: int | None = None) -> list[Part]:
    """Return what `work` makes of each of the parts that `rows` rows are cut into, in their order.

    One part a thread, `threads` at most, where None as many as `available`; fewer than ENOUGH rows a thread are not
    worth one.
    """
    count = max(1, min(available() if threads is None else threads, rows // ENOUGH))
    ends = [rows * part // count for part in range(count + 1)]
    parts = [slice(start, end) for start, end in pairwise(ends)]
    if count == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, parts))


def available() -> int:
    """Return how many threads this process is to use: its processors, or OMP_NUM_THREADS where that is fewer.

    A worker beside others is started with its share in OMP_NUM_THREADS.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(processors, int(told)) if told.isdigit() and int(told) else processors
