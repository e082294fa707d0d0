"""AutoGluon's talk, kept out of our terminal; its errors are raised all the same."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Silent(logging.StreamHandler):  # type: ignore[type-arg]
    """A stream handler that writes nothing; AutoGluon adds a talking one where it finds none."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write nothing."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep AutoGluon's log and its models' warnings to themselves within the block."""
    logger = logging.getLogger("autogluon")
    if not any(isinstance(handler, _Silent) for handler in logger.handlers):
        logger.handlers = [_Silent()]
    logger.propagate = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
