"""Linear algebra on one thread: sums split over another number of threads end in other last bits."""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, cast


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which the linear algebra of this process keeps to one thread."""
    return cast(AbstractContextManager[Any], _controller(len(sys.modules)).limit(limits=1, user_api="blas"))


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:  # noqa: ARG001 - what was imported since may have brought its own library
    """Return the threads of the libraries loaded now; looking for them costs as much as a small fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
