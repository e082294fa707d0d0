"""Comparison of stored models: the same games for all, each paired with one of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aipro_ml.errors import UsageError
from aipro_ml.training.leaderboard import Entry, common_games, difference, scores

_SHOWN = ("log_loss", "brier", "auc", "ece", "ece_null")


@dataclass(frozen=True)
class ComparedRow:
    """One contestant: its scores, and its log loss over that of the reference, paired a game (negative is better).

    `verdict`: better or worse where the 95 % interval (whole weeks resampled) leaves zero out, else even.
    """

    name: str
    framework: str
    n: int
    log_loss: float
    brier: float
    auc: float
    ece: float
    ece_null: float
    delta_log_loss: float
    ci_low: float
    ci_high: float
    verdict: str

    @property
    def fields(self) -> dict[str, Any]:
        """Return the row as a mapping in column order."""
        return asdict(self)


def compared(entries: Sequence[Entry], against: str, seed: int) -> tuple[ComparedRow, ...]:
    """Return a row an entry by log loss, best first, on the games all have, each against the entry `against`.

    UsageError where no entry has that name.
    """
    reference = next((entry for entry in entries if entry.name == against), None)
    if reference is None:
        raise UsageError(f"nothing here is called {against!r}; there are: {', '.join(entry.name for entry in entries)}")
    games = common_games(entries)
    rows = (_row(entry, reference, games, seed) for entry in entries)
    return tuple(sorted(rows, key=lambda row: (row.log_loss, row.name)))


def _row(entry: Entry, reference: Entry, games: Any, seed: int) -> ComparedRow:
    oof = entry.oof.loc[games]
    delta, low, high = difference(reference.oof.loc[games], oof, seed)
    found = scores(oof, seed)
    return ComparedRow(
        name=entry.name,
        framework=entry.framework,
        n=len(oof),
        **{name: found[name] for name in _SHOWN},
        delta_log_loss=delta,
        ci_low=low,
        ci_high=high,
        verdict="-" if entry is reference else "better" if high < 0 else "worse" if low > 0 else "even",
    )
