"""The journal of trials: every configuration a backtest looked at, so that the best of many is not taken for skill."""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aipro_ml.errors import ArtifactError
from aipro_ml.evaluation.backtest_result import Result
from aipro_ml.times import iso_utc

JOURNAL = Path("backtest") / "trials.jsonl"


@dataclass(frozen=True)
class Trial:
    """One configuration looked at: `id` is the hash of all it was asked, `voices` who spoke, by bet type.

    `figures`: number of bets, ROI, CLV and weekly Sharpe ratio, and when; None until it has run.
    """

    id: str
    sport: str
    bet_types: Sequence[str]
    seasons: tuple[int, int]
    voices: Mapping[str, Any]
    figures: Mapping[str, Any] | None = None

    @property
    def weight(self) -> int:
        """Return how many configurations it stands for: a searched model brings all its search's trials."""
        return max((int(voice.get("trials", 1)) for voice in self.voices.values()), default=1)

    def with_figures(self, result: Result, now: datetime) -> "Trial":
        """Return the trial with what it came to."""
        figures = {**result.headline, "at": iso_utc(now)}
        return Trial(self.id, self.sport, self.bet_types, self.seasons, self.voices, figures)

    def rivals(self, other: "Trial") -> bool:
        """Return whether the other trial looked at some of the same seasons of a bet type of the same sport."""
        same = self.sport == other.sport and bool(set(self.bet_types) & set(other.bet_types))
        return same and self.seasons[0] <= other.seasons[1] and other.seasons[0] <= self.seasons[1]


@dataclass(frozen=True)
class Trials:
    """How many configurations were looked at, this one among them, and the Sharpe ratios of those that are known."""

    number: int
    sharpes: tuple[float, ...]


def counted(reports: Path, trial: Trial, elsewhere: int) -> Trials:
    """Return the trials that looked at the same games as `trial`, itself among them, and `elsewhere` more."""
    rivals = [each for each in read_trials(reports) if each.id != trial.id and trial.rivals(each)]
    sharpes = [each.figures.get("sharpe") for each in rivals if each.figures]
    number = trial.weight + sum(each.weight for each in rivals) + elsewhere
    return Trials(number, tuple(float(value) for value in sharpes if value is not None))


def read_trials(reports: Path) -> list[Trial]:
    """Return every trial of the journal once, as it came out last, in the order they were first looked at."""
    path = reports / JOURNAL
    if not path.is_file():
        return []
    found: dict[str, Trial] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            trial = Trial(**{**row, "seasons": tuple(row["seasons"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{path}, line {number}: no trial ({error}); repair or remove the line") from error
        found[trial.id] = trial
    return list(found.values())


def trial_rows(reports: Path) -> list[dict[str, Any]]:
    """Return the journal as rows of a table, the latest last."""
    return [
        {
            "trial": trial.id[:8],
            "sport": trial.sport,
            "bet_types": ", ".join(trial.bet_types),
            "seasons": f"{trial.seasons[0]}-{trial.seasons[1]}",
            "who": ", ".join(sorted({_who(voice) for voice in trial.voices.values()})),
            "counts": trial.weight,
            **(trial.figures or {}),
        }
        for trial in read_trials(reports)
    ]


def _who(voice: Mapping[str, Any]) -> str:
    return str(voice["candidate"]["name"]) if "candidate" in voice else f"model {str(voice['model'])[:8]}"


@contextmanager
def journal_held(reports: Path) -> Iterator[None]:
    """Hold the journal while the block counts the others' trials and notes its own; another process waits."""
    path = reports / JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        yield


def note_trial(reports: Path, trial: Trial) -> None:
    """Append the trial to the journal, in one write: two backtests at once leave two whole lines."""
    path = reports / JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**vars(trial), "seasons": list(trial.seasons)}, sort_keys=True, allow_nan=False)
    with path.open("ab", buffering=0) as journal:
        journal.write(f"{line}\n".encode())
