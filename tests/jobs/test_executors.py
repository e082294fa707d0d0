"""Executors: the same artifacts wherever a job runs, a killed worker's job begun once more, no other job harmed."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.build import MatrixRequest, decided_entities
from aipro_ml.features.history import History
from aipro_ml.features.sport import sport
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.jobs.executor_local import LocalExecutor
from aipro_ml.jobs.feature_chunks import chunks_of, computed
from aipro_ml.jobs.vectors import vector_hashes
from aipro_ml.training import autogluon_folds
from aipro_ml.training.job import Failed, Progress, run_job
from aipro_ml.training.ray_cluster import connected
from aipro_ml.training.registry import installed, load_model, trainer_for
from tests.features.random_league import SEASONS, random_league
from tests.jobs.ray_nodes import ray_nodes
from tests.jobs.training_jobs import Deadly, job, outcomes, written
from tests.training.league import league

TWO_WAY = (Selection.HOME, Selection.AWAY)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "jobs"
    place.mkdir()
    return place


@pytest.fixture
def cemetery(tmp_path):
    place = tmp_path / "cemetery"
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a Ray cluster: one node, two under AIPRO_SOAK=1."""
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    with ray_nodes(2 if os.environ.get("AIPRO_SOAK") == "1" else 1, tmp_path_factory.mktemp("ray")) as address:
        yield address


def in_this_process(*jobs, folder: Path):
    return [(each, event) for each in jobs for event in run_job(each, folder)]


def test_a_job_tells_every_fit_and_a_failing_candidate_takes_no_other_with_it(folder):
    made = job("A", {"C": 0.1}, {"depth": 3}, {"C": 0.2})
    happened = in_this_process(made, folder=folder)
    told = outcomes(happened)
    assert [told[task.model_id] == "fitted" for task in made.tasks] == [True, False, True]
    assert "'depth' cannot be set" in told[made.tasks[1].model_id]
    first = [event for _, event in happened if isinstance(event, Progress) and event.model_id == made.tasks[0].model_id]
    assert [(event.done, event.total) for event in first] == [(1, 3), (2, 3), (3, 3)]
    assert {path.name for path in folder.iterdir()} == {str(made.tasks[0].model_id), str(made.tasks[2].model_id)}


def test_another_machine_with_other_libraries_refuses_to_train(folder):
    from dataclasses import replace

    made = replace(job("A", {"C": 0.1}), libraries={"scikit-learn": "0.1"})
    (failed,) = [event for event in run_job(made, folder) if isinstance(event, Failed)]
    assert "scikit-learn" in str(failed.error)
    assert "the trainer 0.1" in str(failed.error)


def test_processes_write_the_bytes_this_process_writes_and_a_killed_ones_job_is_begun_once_more(
    folder, tmp_path, cemetery
):
    once, always = Deadly(cemetery, 1), Deadly(tmp_path / "always", 99)
    always.folder.mkdir()
    shaky, hopeless = job("B", {"C": 0.1}, {"C": 0.3}, deadly=once), job("C", {"C": 0.5}, deadly=always)
    happened = list(LocalExecutor(workers=2).run([shaky, hopeless], folder))
    assert (once.deaths(), always.deaths()) == (1, 2)
    told = outcomes(happened)
    assert [told[task.model_id] for task in shaky.tasks] == ["fitted"] * 2
    assert told[hopeless.tasks[0].model_id] == "its worker ended 2 times: killed by SIGKILL (out of memory?)"
    here = tmp_path / "here"
    in_this_process(job("B", {"C": 0.1}, {"C": 0.3}), folder=here)
    assert written(folder) == written(here)
    assert [child for child in psutil.Process().children() if "worker" in " ".join(child.cmdline())] == []


def test_an_abandoned_run_of_jobs_leaves_no_process_behind(folder):
    happening = LocalExecutor(workers=1).run([job("A", {"C": 0.1}), job("B", {"C": 0.1})], folder)
    next(happening)
    children = [child for child in psutil.Process().children() if "aipro_ml.training.worker" in child.cmdline()]
    happening.close()
    assert children
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_ray_workers_write_the_bytes_this_process_writes_and_a_lost_ones_job_is_begun_once_more(
    folder, tmp_path, cemetery, cluster
):
    once = Deadly(cemetery, 1)
    harmless, shaky = job("A", {"C": 0.1}, {"depth": 1}), job("B", {"C": 0.2}, deadly=once)
    happened = list(ExecutorChoice("ray", workers=2, ray_address=cluster).executor().run([harmless, shaky], folder))
    told = outcomes(happened)
    assert once.deaths() == 1
    assert told[harmless.tasks[0].model_id] == told[shaky.tasks[0].model_id] == "fitted"
    assert "'depth' cannot be set" in told[harmless.tasks[1].model_id]
    here = tmp_path / "here"
    in_this_process(harmless, job("B", {"C": 0.2}), folder=here)
    assert written(folder) == written(here)


def test_a_cluster_that_does_not_answer_is_one_clear_error(folder):
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    with pytest.raises(AiproError, match=r"Ray cluster 127\.0\.0\.1:1: nothing answers"):
        list(ExecutorChoice("ray", ray_address="127.0.0.1:1").executor().run([job("A", {"C": 0.1})], folder))


def test_ray_missing_is_a_usage_error_that_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UsageError, match=r"aipro-ml\[cluster\]"):
        list(ExecutorChoice("ray").executor().run([job("A", {"C": 0.1})], folder))


def test_features_computed_a_season_a_task_are_those_of_this_process_to_the_bit(cluster):
    records, league = random_league(4), sport("NFL")
    history = History(records)
    rows = decided_entities(history, league, MatrixRequest())[["season", "as_of"]].reset_index()
    facts, there = (records, history), ExecutorChoice("ray", workers=2, ray_address=cluster)
    assert [part["season"].unique().tolist() for part in chunks_of(rows, there)] == [[season] for season in SEASONS]
    (whole,) = computed(chunks_of(rows, ExecutorChoice()), facts, league, ExecutorChoice())
    parts = pd.concat(computed(chunks_of(rows, there), facts, league, there)).reindex(whole.index)
    assert vector_hashes(parts) == vector_hashes(whole)


@pytest.mark.skipif(not installed(Framework.AUTOGLUON), reason="autogluon is not installed")
def test_autogluons_folds_fitted_on_a_cluster_give_the_model_of_folds_fitted_here(cluster, tmp_path, monkeypatch):
    trainer, matrix, outcomes_ = trainer_for("autogluon", "ensemble"), league(seasons=4, games=60), TWO_WAY
    tiny = {"num_boost_round": 20, "min_data_in_leaf": 10, "lambda_l2": 1.0}
    params = {"models": {"GBM": tiny, "LR": {"C": 0.1}}, "inner_folds": 2}
    came_back = []
    honest = autogluon_folds.unpack
    monkeypatch.setattr(autogluon_folds, "unpack", lambda *given: (came_back.append(given[0]), honest(*given)))
    with connected(cluster):
        there = trainer.fit(matrix, outcomes_, {**params, "fold_fitting": "ray"}, 3)
        monkeypatch.setattr(autogluon_folds, "installed_libraries", lambda: {"scikit-learn": "0.1"})
        with pytest.raises(AiproError, match=r"this machine has scikit-learn .*, the trainer 0\.1: the results"):
            trainer.fit(matrix, outcomes_, {**params, "fold_fitting": "ray"}, 3)
    assert len(came_back) == 4  # two models, two folds
    here = trainer.fit(matrix, outcomes_, params, 3)
    assert len(came_back) == 4
    rows = matrix.X.iloc[-40:]
    np.testing.assert_array_equal(there.predict_proba(rows), here.predict_proba(rows))
    there.save(tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict_proba(rows), here.predict_proba(rows))
    pd.testing.assert_series_equal(there.feature_importance(), here.feature_importance())
