"""H2O's and AutoGluon's jobs in processes of their own and on Ray: what this process finds, wherever they run."""

from dataclasses import replace

import numpy as np
import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.training.artifacts import read_artifact
from aipro_ml.training.job import Task, run_job
from tests.jobs.ray_nodes import ray_nodes
from tests.jobs.training_jobs import job, outcomes
from tests.soak import SOAK
from tests.training.league import FEATURES

pytestmark = pytest.mark.skipif(not SOAK, reason="minutes of JVMs and imports: AIPRO_SOAK=1 runs it")

CANDIDATES = {
    "h2o": ("glm", {}),
    "autogluon": ("gbm", {"num_boost_round": 20}),
}


ON_RAY = {"autogluon": {"fold_fitting": "ray"}}
"""What a job also has where it is a task of a cluster: tasks of its own."""


def of(framework, **more):
    estimator, params = CANDIDATES[framework]
    made = job(framework, {"C": 0.1})
    config = ModelConfig(name="one", framework=framework, estimator=estimator, params={**params, **more})
    return replace(
        made, framework=framework, tasks=(Task(config, FEATURES, {"of": framework}, made.tasks[0].model_id),)
    )


def said(made, folder):
    artifact = read_artifact(folder / str(made.tasks[0].model_id))
    rows = made.matrix.X.iloc[-20:]
    return artifact.oof["p"].to_numpy(), artifact.model.predict_proba(rows)[:, 0]


def test_every_framework_says_the_same_in_a_process_and_on_ray(tmp_path):
    jobs = [of(framework) for framework in CANDIDATES]
    places = {name: tmp_path / name for name in ("here", "local", "ray")}
    (tmp_path / "nodes").mkdir()
    for place in places.values():
        place.mkdir()
    for made in jobs:
        assert [*run_job(made, places["here"])]
    told = outcomes(list(ExecutorChoice("local", workers=2).executor().run(jobs, places["local"])))
    assert set(told.values()) == {"fitted"}
    with ray_nodes(1, tmp_path / "nodes") as address:
        asked = ExecutorChoice("ray", workers=2, ray_address=address)
        there = [of(framework, **ON_RAY.get(framework, {})) for framework in CANDIDATES]
        told = outcomes(list(asked.executor().run(there, places["ray"])))
    assert set(told.values()) == {"fitted"}
    for made in jobs:
        known = said(made, places["here"])
        for name in ("local", "ray"):
            for ours, theirs in zip(known, said(made, places[name]), strict=True):
                np.testing.assert_allclose(theirs, ours, atol=1e-12, err_msg=f"{made.framework} on {name}")
