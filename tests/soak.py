"""How large a test is: a size that shows its point in CI, the full one under AIPRO_SOAK=1 (`make soak`)."""

import os
from typing import TypeVar

SOAK = bool(os.environ.get("AIPRO_SOAK"))
Size = TypeVar("Size")


def size(quick: Size, full: Size) -> Size:
    """Return `full` in a soak, `quick` else."""
    return full if SOAK else quick
