"""Search: what is tried, kept, pruned, failed, and continued after the process was killed."""

import multiprocessing
import os
import signal
from itertools import count

import numpy as np
import pytest
import sqlalchemy as sa

from aipro_ml.config import ModelConfig, SearchConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.training.registry import candidate
from aipro_ml.training.search import Problem, pooled_losses, search
from aipro_ml.training.splits import walk_forward
from tests.training.league import league, three_way_league

SPACE = SearchConfig(
    framework="sklearn",
    estimator="logistic_regression",
    space={"x": {"type": "float", "low": 0.001, "high": 1.0, "log": True}, "k": {"type": "int", "low": 1, "high": 9}},
    start=({"x": 0.5, "k": 5},),
    startup=4,
)
FOLDS = walk_forward(league(seasons=5, games=30), min_train_seasons=2)
numbers = count()


@pytest.fixture(scope="module")
def storage(server):
    """The address of a database for Optuna's tables."""
    with server.database() as name:
        yield sa.make_url(server.owner_url).set(
            drivername="postgresql+psycopg", database=name
        ).render_as_string(hide_password=False)  # fmt: skip


def bowl(values):
    """Yield three losses whose last is least at x = 0.02, k = 3."""
    loss = 0.6 + 0.01 * (np.log(values["x"] / 0.02)) ** 2 + 0.01 * (values["k"] - 3) ** 2
    yield from (loss + 0.02, loss + 0.01, loss)


def problem(judge=bowl, study=None, space=SPACE, **identity):
    return Problem(study or f"study-{next(numbers)}", space, {"data": "d", **identity}, FOLDS, judge)


def told(found):
    return [(trial.state, trial.log_loss, trial.values) for trial in found.trials]


def test_the_first_trial_is_the_given_point_and_the_best_is_better(storage):
    found = search(problem(), storage, 12)
    assert found.trials[0].values == {"x": 0.5, "k": 5}
    assert found.best[0].log_loss < found.trials[0].log_loss - 0.03
    assert found.record.trials == 12
    assert found.record.seasons == FOLDS.seasons
    assert sum(found.importance.values()) == pytest.approx(1.0)


def test_one_seed_tries_the_same_points_and_another_others(storage):
    other = SPACE.model_copy(update={"seed": 5})
    first, again, different = (
        told(search(problem(space=space), storage, 6)) for space in (SPACE, SPACE, other)
    )  # fmt: skip
    assert first == again
    assert first[0] == different[0]
    assert first[1:] != different[1:]


def test_a_search_in_two_calls_finds_what_one_finds(storage):
    whole = search(problem(), storage, 7)
    halves = problem()
    search(halves, storage, 4)
    assert told(search(halves, storage, 7)) == told(whole)


@pytest.mark.parametrize("dies_at", [1, 5])
def test_a_killed_search_goes_on_as_if_nothing_had_happened(storage, dies_at):
    calls = []

    def deadly(values):
        calls.append(values)
        for fold, loss in enumerate(bowl(values)):
            if len(calls) == dies_at and fold == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield loss

    name = f"killed-{dies_at}"
    child = multiprocessing.get_context("fork").Process(
        target=search, args=(problem(deadly, name), storage, 7)
    )  # fmt: skip
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    found = search(problem(study=name), storage, 7)
    assert told(found) == told(search(problem(), storage, 7))
    assert found.record.trials == 7


def test_trials_behind_the_median_are_pruned_and_counted(storage):
    folds = []

    def watched(values):
        for number, loss in enumerate(bowl(values), start=1):
            folds.append(number)
            yield loss

    record = search(problem(watched), storage, 13).record
    assert record.pruned > 1
    assert len(folds) == 3 * (13 - record.pruned) + 2 * record.pruned


def test_a_trial_that_fails_is_counted_and_the_search_goes_on(storage):
    def fragile(values):
        if values["k"] > 6:
            raise ValueError("too deep")
        yield from bowl(values)

    found = search(problem(fragile), storage, 8)
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert found.record.failed == len(failed) > 0
    assert {trial.error for trial in failed} == {"ValueError: too deep"}
    assert found.record.trials == 8


def test_an_error_of_the_first_trial_is_raised(storage):
    def wrong(_values):
        raise UsageError("parameter 'x' cannot be set")
        yield 0.0

    with pytest.raises(UsageError, match="'x' cannot be set"):
        search(problem(wrong), storage, 3)


def test_a_loss_that_is_no_number_is_a_failed_trial(storage):
    def sometimes(values):
        yield np.nan if values["k"] != 5 else 0.6

    found = search(problem(sometimes), storage, 4)
    assert {trial.error for trial in found.trials[1:]} == {"AiproError: the log loss is no number"}


def test_ctrl_c_ends_it_and_leaves_no_trial_counted(storage):
    def interrupted(values):
        if values["k"] != 5:
            raise KeyboardInterrupt
        yield from bowl(values)

    name = "interrupted"
    with pytest.raises(KeyboardInterrupt):
        search(problem(interrupted, name), storage, 5)
    assert told(search(problem(study=name), storage, 5)) == told(search(problem(), storage, 5))


def test_another_space_or_other_data_is_refused(storage):
    first = problem()
    search(first, storage, 1)
    with pytest.raises(UsageError, match="another data"):
        search(problem(study=first.study, data="e"), storage, 2)


def test_no_trial_begins_after_the_time_is_up(storage):
    asked = iter([True, True, False])
    assert len(search(problem(), storage, 9, goes_on=lambda: next(asked)).trials) == 2


def test_a_search_without_any_trial_says_so(storage):
    with pytest.raises(AiproError, match="none of its 0 trials"):
        search(problem(), storage, 5, goes_on=lambda: False)


@pytest.mark.parametrize("matrix", [league(seasons=4, games=60), three_way_league(seasons=4, games=60)])
def test_what_is_minimised_is_the_pooled_log_loss_of_the_folds(matrix):
    config = ModelConfig(name="m", framework="sklearn", estimator="logistic_regression", params={"C": 0.1})
    made = candidate(config, BetType.MONEYLINE, 1)
    made = type(made)(made.name, made.trainer, matrix.outcomes, made.params, made.seed)
    folds = walk_forward(matrix, min_train_seasons=2)
    running = list(pooled_losses(made, matrix, folds))
    assert len(running) == len(folds) == 2
    seen, p = [], []
    for fold in folds:
        model = made.fit(matrix.take(fold.train))
        column = np.rint((1 - matrix.y.iloc[fold.test]) * (len(matrix.outcomes) - 1)).astype(int).to_numpy()
        said = model.predict_proba(matrix.X.iloc[fold.test])
        p.append(said[np.arange(len(column)), column])
        seen.append(column)
        assert running[len(seen) - 1] == pytest.approx(-np.log(np.concatenate(p)).mean(), abs=1e-12)
