"""Search: parameters of least walk-forward log loss, found by Optuna on seasons before the first test season."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.config import ChoiceSpace, SearchConfig, SearchRecord
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.oof import losses, mean, weights
from aipro_ml.training.splits import Folds
from aipro_ml.training.walkforward import Candidate, fold_by_fold

BEST_TRIALS = 10
"""Trials shown of a search."""

PRUNE_AFTER_FOLDS = 1
"""Folds a trial may always finish: one season says little."""

_IDENTITY, _READY, _ERROR = "identity", "ready", "error"

Values = Mapping[str, Any]
"""A point of the space: a value for each of its keys."""


@dataclass(frozen=True)
class Problem:
    """What is searched: a study's name, its space, what it must stay equal in, and how a point is judged.

    `judge` yields the pooled log loss after each of `folds` folds; its last value is minimised.
    """

    study: str
    space: SearchConfig
    identity: Mapping[str, Any]
    folds: Folds
    judge: Callable[[Values], Iterator[float]]


@dataclass(frozen=True)
class Trial:
    """One point that was judged: `log_loss` is None where it failed or was pruned."""

    number: int
    state: str
    log_loss: float | None
    values: Values
    error: str | None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the trial as a row of a table."""
        return {"trial": self.number, "log_loss": self.log_loss, **self.values}


@dataclass(frozen=True)
class Found:
    """Every trial of a search, and the importance of each parameter (shares of one; empty where too few tell)."""

    study: str
    seasons: tuple[int, ...]
    trials: tuple[Trial, ...]
    importance: Mapping[str, float]

    @property
    def best(self) -> Sequence[Trial]:
        """Return the complete trials, least log loss first."""
        complete = [trial for trial in self.trials if trial.log_loss is not None]
        return sorted(complete, key=lambda trial: (trial.log_loss, trial.number))

    @property
    def record(self) -> SearchRecord:
        """Return what the candidate's configuration keeps of the search."""
        states = [trial.state for trial in self.trials]
        return SearchRecord(
            study=self.study,
            trials=len(states),
            pruned=states.count("pruned"),
            failed=states.count("failed"),
            log_loss=float(self.best[0].log_loss or np.nan),
            seasons=self.seasons,
        )


def pooled_losses(candidate: Candidate, matrix: FeatureMatrix, folds: Folds) -> Iterator[float]:
    """Yield the log loss of all out-of-fold rows so far, fold after fold."""
    parts: list[pd.DataFrame] = []
    for part in fold_by_fold(candidate, matrix, folds):
        parts.append(part)
        pooled = pd.concat(parts)
        yield mean(losses(pooled), weights(pooled))


def search(
    problem: Problem,
    storage_url: str,
    trials: int,
    goes_on: Callable[[], bool] = lambda: True,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> Found:
    """Judge points until `trials` of the study have ended or `goes_on` says no; return all trials of the study.

    A study of that name is continued: a trial that a killed process left running is failed and its point judged
    again. Each trial is drawn with a seed of its own, so that a search continued finds what an unbroken one finds.
    UsageError where the stored study was of another space or other data; the first trial's error is raised.
    """
    with _opened(storage_url) as storage:
        study = _study(problem, storage)
        _clean(study)
        folds = len(problem.folds)
        while (done := len(_ended(study))) < trials and goes_on():

            def on_fold(fold: int, before: int = done * folds) -> None:
                on_step(before + fold, trials * folds)

            _one(study, problem, done, on_fold)
        return _found(study, problem)


def studies(storage_url: str) -> list[str]:
    """Return the names of the stored studies."""
    import optuna

    with _opened(storage_url) as storage:
        return sorted(optuna.get_all_study_names(storage))


@contextmanager
def _opened(storage_url: str) -> Iterator[Any]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    storage = optuna.storages.RDBStorage(storage_url, engine_kwargs={"pool_pre_ping": True})
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _study(problem: Problem, storage: Any) -> Any:
    """Return the study, begun with its first points or as it stands; a half-begun one is begun again."""
    import optuna

    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=PRUNE_AFTER_FOLDS)
    study = optuna.create_study(
        storage=storage, study_name=problem.study, direction="minimize", pruner=pruner, load_if_exists=True
    )
    if study.user_attrs.get(_READY):
        if study.user_attrs[_IDENTITY] != problem.identity:
            other = _difference(study.user_attrs[_IDENTITY], problem)
            raise UsageError(f"study {problem.study!r}: it searched with another {other}; choose another --name")
        return study
    if study.trials:
        optuna.delete_study(study_name=problem.study, storage=storage)
        return _study(problem, storage)
    for point in problem.space.start:
        study.enqueue_trial(dict(point))
    study.set_user_attr(_IDENTITY, dict(problem.identity))
    study.set_user_attr(_READY, True)
    return study


def _difference(stored: Mapping[str, Any], problem: Problem) -> str:
    other = [key for key in problem.identity if stored.get(key) != problem.identity[key]]
    return " and ".join(other)


def _clean(study: Any) -> None:
    """Fail the trials that a killed process left running; points that were given are given again."""
    import optuna

    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        given = trial.system_attrs.get("fixed_params")
        if given is not None:
            study.enqueue_trial(given)


def _ended(study: Any) -> list[Any]:
    """Return the trials that ended by themselves; those that a killed process left do not count."""
    import optuna

    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED, optuna.trial.TrialState.FAIL)
    trials = study.get_trials(deepcopy=False, states=states)
    return [trial for trial in trials if trial.state != optuna.trial.TrialState.FAIL or _ERROR in trial.user_attrs]


def _one(study: Any, problem: Problem, done: int, on_fold: Callable[[int], None]) -> None:
    import optuna

    seed = int(np.random.SeedSequence([problem.space.seed, done]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=problem.space.startup, constant_liar=False)
    trial = study.ask(_distributions(problem.space))
    try:
        loss = _judged(trial, problem, on_fold)
    except Exception as error:
        trial.set_user_attr(_ERROR, f"{type(error).__name__}: {error}")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        if done == 0:
            raise
        return
    except BaseException:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    study.tell(trial, loss) if loss is not None else study.tell(trial, state=optuna.trial.TrialState.PRUNED)


def _judged(trial: Any, problem: Problem, on_fold: Callable[[int], None]) -> float | None:
    """Return the trial's log loss, or None where it fell behind the median of the others."""
    loss = np.nan
    for fold, loss in enumerate(problem.judge(trial.params)):
        if not np.isfinite(loss):
            raise AiproError("the log loss is no number")
        trial.report(loss, fold)
        on_fold(fold + 1)
        if fold + 1 < len(problem.folds) and trial.should_prune():
            return None
    return float(loss)


def _distributions(space: SearchConfig) -> dict[str, Any]:
    from optuna import distributions

    found: dict[str, Any] = {}
    for name, one in space.space.items():
        if isinstance(one, ChoiceSpace):
            found[name] = distributions.CategoricalDistribution(one.choices)
        elif one.type == "int":
            found[name] = distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
        else:
            found[name] = distributions.FloatDistribution(one.low, one.high, log=one.log)
    return found


def _found(study: Any, problem: Problem) -> Found:
    import optuna

    names = {optuna.trial.TrialState.COMPLETE: "complete", optuna.trial.TrialState.PRUNED: "pruned"}
    trials = tuple(
        Trial(
            number=trial.number,
            state=names.get(trial.state, "failed"),
            log_loss=trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None,
            values=dict(trial.params),
            error=trial.user_attrs.get(_ERROR),
        )
        for trial in _ended(study)
    )
    found = Found(problem.study, problem.folds.seasons, trials, _importance(study, problem.space))
    if not found.best:
        raise AiproError(
            f"study {problem.study!r}: none of its {len(trials)} trials came to an end; last error: {_last(trials)}"
        )
    return found


def _last(trials: Sequence[Trial]) -> str:
    errors = [trial.error for trial in trials if trial.error]
    return errors[-1] if errors else "none"


def _importance(study: Any, space: SearchConfig) -> dict[str, float]:
    """Return the share of each parameter in what separates the best trials from the others (PED-ANOVA)."""
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < space.startup or len({trial.value for trial in complete}) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
