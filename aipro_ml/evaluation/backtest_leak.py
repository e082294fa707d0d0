"""The leak alarm of a backtest: whoever knows results better than the close did has heard of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.errors import LeakError
from aipro_ml.evaluation.backtest import SIDES
from aipro_ml.evaluation.backtest_money import shares_of


@dataclass(frozen=True)
class LeakCheck:
    """How many standard errors each stage's log loss is below the close's at the line taken, on the same n bets."""

    ahead: Mapping[str, float] = field(default_factory=dict)
    n: int = 0

    @property
    def most(self) -> tuple[str, float]:
        """Return the stage that is furthest ahead of the close, and by how many standard errors."""
        return max(self.ahead.items(), key=lambda each: each[1], default=("nothing", 0.0))

    @property
    def fields(self) -> dict[str, Any]:
        """Return the check as a JSON-able mapping."""
        return asdict(self)


def check_leak(book: pd.DataFrame, stages: Mapping[str, str]) -> LeakCheck:
    """Return how far each stage (name: column of the reference side's probability) is ahead of the close.

    Scored are decided bets whose line is the one decided on, by the close's probability of the side at that line; a
    bet of which half was decided counts half.
    """
    won = shares_of(book[f"result_{SIDES[0]}"])
    known = book.assign(y=(won > 0).astype("float64"), decided=np.abs(won)).loc[np.nan_to_num(won) != 0.0]
    known = known.loc[known[f"p_close_{SIDES[0]}"].notna() & _same_line(known)]
    if len(known) < 2:
        return LeakCheck()
    y, decided = known["y"].to_numpy("float64"), known["decided"].to_numpy("float64")
    halves = decided if (decided < 1.0).any() else None
    close = metrics.log_losses(known[f"p_close_{SIDES[0]}"].clip(0, 1).to_numpy("float64"), y)
    ahead = {}
    for stage, column in stages.items():
        paired = metrics.paired_difference(metrics.log_losses(known[column].to_numpy("float64"), y), close, halves)
        ahead[stage] = -paired.mean / paired.se if paired.se > 0 else 0.0
    return LeakCheck(ahead, len(known))


def refuse_leak(check: LeakCheck, alarm_se: float, minimum: int) -> None:
    """Raise LeakError where a stage is further ahead of the close than knowledge of the past explains (methods §9)."""
    stage, ahead = check.most
    if check.n >= minimum and ahead > alarm_se:
        raise LeakError(
            f"the {stage} probability knows the results of {check.n} games better than their closing prices did, by "
            f"{ahead:.1f} standard errors (limit {alarm_se:g}): a leak until proven otherwise, so no profit of it is "
            "shown; look for a feature that is known only after the game"
        )


def _same_line(book: pd.DataFrame) -> pd.Series:
    line = book[f"struck_line_{SIDES[0]}"]
    return (line == book["line"]) | (line.isna() & book["line"].isna())
