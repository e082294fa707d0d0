"""Small training jobs for the executors' tests, and one whose reader dies of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pandas as pd

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType
from aipro_ml.identity import content_hash, derive_id
from aipro_ml.training.job import Failed, Fitted, Task, TrainingJob
from aipro_ml.training.splits import walk_forward
from tests.training.league import FEATURES, league

_DIE = """
import os, pathlib, signal
here, times = pathlib.Path({folder!r}), {times}
if len(list(here.glob("died-*"))) < times:
    (here / f"died-{{os.getpid()}}").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Deadly:
    """A value that kills the process that unpickles it, the first `times` times; `folder` counts the dead."""

    folder: Path
    times: int

    def __reduce__(self):
        return exec, (_DIE.format(folder=str(self.folder), times=self.times),)

    def deaths(self) -> int:
        return len(list(self.folder.glob("died-*")))


def job(sport: str, *params: dict, deadly: Deadly | None = None) -> TrainingJob:
    """Return a job of one logistic regression for each of `params` (its model's id derives from sport and these)."""
    matrix = league()
    tasks = []
    for number, each in enumerate(params):
        config = ModelConfig(name=f"c{number}", framework="sklearn", estimator="logistic_regression", params=each)
        identity = {"sport": sport, "bet_type": "moneyline", "params": {name: str(v) for name, v in each.items()}}
        tasks.append(Task(config, FEATURES, identity, derive_id("ml_model", content_hash(identity))))
    made = TrainingJob(
        sport=sport,
        bet_type=BetType.MONEYLINE,
        framework="sklearn",
        tasks=tuple(tasks),
        matrix=matrix,
        folds=walk_forward(matrix, min_train_seasons=2),
        train_from=2000,
        seed=1,
    )
    return made if deadly is None else replace(made, libraries=_Libraries(deadly))


class _Libraries(dict):
    """No required libraries, and something deadly beside them."""

    def __init__(self, deadly: Deadly) -> None:
        super().__init__()
        self.deadly = deadly

    def __reduce__(self):
        return _empty, (self.deadly,)


def _empty(_: object) -> dict[str, str]:
    return {}


def outcomes(happened: list) -> dict[UUID, str]:
    """Return `fitted` or the reason of failure by model."""
    found = {}
    for _, event in happened:
        if isinstance(event, Fitted | Failed):
            found[event.model_id] = "fitted" if isinstance(event, Fitted) else str(event.error)
    return found


def written(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every artifact file under `folder` by model id and name."""
    files = [path for path in folder.rglob("*") if path.is_file() and len(path.relative_to(folder).parts) > 1]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def probabilities(folder: Path, model_id: UUID) -> pd.Series:
    return pd.read_parquet(folder / str(model_id) / "oof.parquet")["p"]
