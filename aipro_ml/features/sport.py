"""Finding a sport by its code."""

from aipro_ml.errors import UsageError
from aipro_ml.features.sports import sports
from aipro_ml.features.sports.base import OUTCOME_COLUMNS, Sport

__all__ = ["OUTCOME_COLUMNS", "Sport", "sport"]


def sport(code: str) -> Sport:
    """Return the sport `code` (any letter case); UsageError naming the known ones otherwise."""
    found = sports().get(code.upper())
    if found is None:
        raise UsageError(f"unknown sport {code!r}; known: {', '.join(sorted(sports()))}")
    return found
