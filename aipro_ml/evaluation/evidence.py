"""What is known of a model that asks for promotion, and what a check says of it."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.enums import BetType


class Finding(StrEnum):
    """What one check came to; `unknown` could not be measured and stops nothing."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    HOLD = "hold"
    REJECT = "reject"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One question: its measured value with 95 % interval where it has one, the limit, the rows behind it."""

    name: str
    finding: Finding
    says: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    n: int | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the check as a JSON-able row; what is not a number becomes None."""
        plain = {**asdict(self), "finding": self.finding.value}
        return {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in plain.items()}


@dataclass(frozen=True)
class Shadow:
    """What a challenger predicted live beside the champion, since its first such prediction."""

    days: float
    predictions: int


@dataclass(frozen=True)
class Evidence:
    """What is known of a model.

    `rows`: out-of-fold frame (`oof.OOF_COLUMNS`) with `calibrated` and `published`, what would have been published
    walk-forward (NaN where nothing would); of three outcomes also `calibrated_draw` and `published_draw`, with quarter
    lines `weight`. `features`:
    the model's market-free features of these games (None: not kept). `unknown`: features that the sport does not have.
    `settled`: labels as today's scores give them, NaN unknown. `flagged`: the training marked the model a suspected
    leak. `champion`: what the champion would have published of its games, as p (and p_draw). `shadow`: None where
    nothing is published live that a challenger could stand beside. `weight`: the model's in the blend that is to be
    published, None where none is fitted yet.
    """

    bet_type: BetType
    rows: pd.DataFrame
    feature_names: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    features: pd.DataFrame | None = None
    settled: pd.Series | None = None
    flagged: bool = False
    champion: pd.DataFrame | None = None
    shadow: Shadow | None = None
    weight: float | None = None
