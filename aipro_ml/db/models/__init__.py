"""The 55 tables, one module a domain; importing this package loads them all into `Base.metadata`."""

from aipro_ml.db.base import Base
from aipro_ml.db.models import (
    betting,
    feature_store,
    ml,
    odds,
    predictions,
    sports,
    system,
    users,
    warehouse,
)

metadata = Base.metadata

__all__ = [
    "betting",
    "feature_store",
    "metadata",
    "ml",
    "odds",
    "predictions",
    "sports",
    "system",
    "users",
    "warehouse",
]
