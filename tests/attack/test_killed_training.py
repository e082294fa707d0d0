"""A trainer killed at random moments: nothing runs for ever, nothing stays half written, resume makes it whole."""

import hashlib
import json
import os
import random
import signal
import time
from contextlib import contextmanager

import psutil
import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.db.engine import open_database
from aipro_ml.enums import BetType
from aipro_ml.jobs.abandoned import BUILDING
from aipro_ml.jobs.train import TrainingRequest, Way, resumed, train_all
from tests.fixtures_commands import begun
from tests.fixtures_platform import LATER, SPORT, Platform, training

SOAK = os.environ.get("AIPRO_SOAK") == "1"
CONFIGS = [
    ModelConfig(name=f"c{number}", framework="sklearn", estimator="logistic_regression", params={"C": c})
    for number, c in enumerate((0.003, 0.03, 0.3))
]
YAML = """
seed: 20260101
models:
  moneyline: &models
    - {name: a, framework: sklearn, estimator: logistic_regression, params: {C: 0.003}}
    - {name: b, framework: sklearn, estimator: lightgbm, params: {n_estimators: 20, num_leaves: 4}}
    - {name: c, framework: sklearn, estimator: hist_gradient_boosting, params: {max_iter: 20}}
  total: *models
"""


@contextmanager
def fresh(server, template, home):
    """Yield a clone of the trained league whose artifacts are still to be made."""
    home.mkdir()
    with server.database(template.database) as name:
        platform = Platform(server.settings(home, name).model_copy(update={"artifacts": home / "artifacts"}))
        yield platform
        platform.close()


def requests():
    config = training(*CONFIGS)
    markets = (BetType.MONEYLINE, BetType.TOTAL)
    return [TrainingRequest(SPORT, market, config, LATER, 2023, 2024, clock=lambda: LATER) for market in markets]


def killed(platform, seconds):
    """Train in a child of this process and kill it after so many seconds."""
    pid = os.fork()
    if pid == 0:  # the child: nothing of it may run on in pytest
        try:
            train_all(open_database(platform.settings), platform.settings, requests(), here())
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


class _InThisProcess:
    """Both jobs one after another: a child of a child of pytest need not be begun for each."""

    def executor(self):
        return self

    def run(self, jobs, folder):
        from aipro_ml.training.job import run_job

        return ((job, event) for job in jobs for event in run_job(job, folder))


def here(**changed):
    return Way(where=_InThisProcess(), **changed)


def figures(platform):
    """Return what stands of the models of CONFIGS or YAML: ids, figures and out-of-fold probabilities, as text."""
    rows = platform.rows(
        "SELECT id, file_path, performance_metrics->'leaderboard' AS board, performance_metrics->>'leak' AS leak, "
        "performance_metrics->>'name' AS name FROM ml_models "
        "WHERE performance_metrics->'identity'->'config'->>'name' IN ('a', 'b', 'c', 'c0', 'c1', 'c2') ORDER BY id"
    )
    places = [platform.settings.artifacts_dir / row["file_path"] / "oof.parquet" for row in rows]
    hashes = [hashlib.sha256(place.read_bytes()).hexdigest() for place in places]
    return [json.dumps([row, digest], default=str, sort_keys=True) for row, digest in zip(rows, hashes, strict=True)]


def assert_nothing_left(platform):
    assert platform.rows("SELECT id FROM training_runs WHERE status = 'running'") == []
    hidden = [path for path in platform.settings.artifacts_dir.rglob(".*") if path.name != BUILDING]
    assert hidden == []
    assert list((platform.settings.artifacts_dir / BUILDING).iterdir()) == []
    for row in platform.rows("SELECT error_message FROM training_runs WHERE status = 'failed'"):
        assert row["error_message"].startswith("the training process ended (process ")


def test_a_trainer_killed_at_random_moments_is_resumed_to_the_leaderboard_of_an_unkilled_one(
    server, trained_template, tmp_path, untracked
):
    with fresh(server, trained_template, tmp_path / "whole") as platform:
        began = time.monotonic()
        whole = train_all(platform.engine, platform.settings, requests(), here())
        takes = time.monotonic() - began
        expected = figures(platform)
    assert len(expected) == 6
    chance = random.Random(5)
    for trial in range(4):
        with fresh(server, trained_template, tmp_path / str(trial)) as platform:
            killed(platform, takes * (trial + chance.random()) / 4)
            left = platform.rows("SELECT id FROM training_runs WHERE status = 'running'")
            asked = requests()
            if left:
                asked = resumed(platform.engine, str(left[0]["id"]), LATER, lambda: LATER)
                assert [request.bet_type for request in asked] == [request.bet_type for request in requests()]
            again = train_all(platform.engine, platform.settings, asked, here(resume=True))
            assert [report.leaderboard for report in again] == [report.leaderboard for report in whole]
            assert figures(platform) == expected
            assert_nothing_left(platform)


def test_resume_fits_nothing_that_is_whole_and_again_what_is_damaged(own_artifacts, untracked):
    platform, asked = own_artifacts, requests()[:1]
    (first,) = train_all(platform.engine, platform.settings, asked, here())
    runs = platform.one("SELECT count(*) FROM training_runs")
    (again,) = train_all(platform.engine, platform.settings, asked, here(resume=True))
    assert all(row.is_reused for row in again.models)
    assert again.leaderboard == first.leaderboard
    assert platform.one("SELECT count(*) FROM training_runs") == runs
    (anew,) = train_all(platform.engine, platform.settings, requests()[:1], here(resume=True))
    noted = platform.rows("SELECT id, hyperparameters->>'reused_run' AS of FROM training_runs")
    assert {str(row.run_id): str(old.run_id) for row, old in zip(anew.models, first.models, strict=True)} == {
        str(row["id"]): row["of"] for row in noted if row["of"] is not None
    }
    damaged = first.models[1].folder / "oof.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (healed,) = train_all(platform.engine, platform.settings, asked, here(resume=True))
    assert [row.is_reused for row in healed.models] == [True, False, True]
    assert healed.leaderboard == first.leaderboard
    assert platform.one("SELECT count(*) FROM training_runs") == runs + len(CONFIGS) + 1
    platform.close()


def test_a_run_of_a_living_process_is_left_alone(trained):
    import sqlalchemy as sa

    from aipro_ml.jobs.abandoned import fail_abandoned, this_process

    insert = (
        "INSERT INTO training_runs (id, status, started_at, hyperparameters) VALUES "
        "(gen_random_uuid(), 'running', '2020-01-01', CAST(:noted AS jsonb))"
    )
    mine = this_process()
    strange = [mine, {**mine, "started": mine["started"] - 100}, {**mine, "host": "elsewhere"}]
    with trained.engine.begin() as connection:
        for process in strange:
            connection.execute(sa.text(insert), {"noted": json.dumps({"process": process})})
    assert fail_abandoned(trained.engine, LATER) == 2
    rows = trained.rows(
        "SELECT status, hyperparameters->'process' AS process FROM training_runs WHERE model_id IS NULL"
    )
    assert {
        row["process"]["host"] + str(row["process"]["started"] == mine["started"]): row["status"] for row in rows
    } == {
        mine["host"] + "True": "running",
        mine["host"] + "False": "failed",
        "elsewhereTrue": "failed",
    }


@pytest.mark.slow
@pytest.mark.skipif(not SOAK, reason="twenty killed commands take minutes: AIPRO_SOAK=1")
def test_twenty_killed_commands_with_workers_of_their_own_and_mlflow(server, trained_template, tmp_path):
    config = tmp_path / "three.yaml"
    config.write_text(YAML)
    words = f"train run --sport {SPORT} --all --test-from 2023 --test-to 2024 --config {config} --json"
    with fresh(server, trained_template, tmp_path / "whole") as platform:
        began = time.monotonic()
        expected, _ = begun(platform, words).communicate()
        takes, rows = time.monotonic() - began, figures(platform)
    assert len(expected.splitlines()) == 11
    chance, seen = random.Random(11), {"noted": 0, "stored": 0}
    for trial in range(20):
        with fresh(server, trained_template, tmp_path / str(trial)) as platform:
            process = begun(platform, words)
            time.sleep(takes * chance.random())
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.communicate()
            assert psutil.wait_procs(children, timeout=30)[1] == []
            left = platform.rows("SELECT id FROM training_runs WHERE status = 'running'")
            stored = len(figures(platform))
            seen = {"noted": seen["noted"] + bool(left), "stored": seen["stored"] + stored}
            again = begun(platform, f"train resume {left[0]['id']} --json" if left else f"{words} --resume")
            out, err = again.communicate()
            print(
                f"trial {trial}: {len(left)} runs left running, {stored} of 6 stored; resume: {again.returncode}",
                flush=True,
            )
            assert (again.returncode, out) == (0, expected), err
            assert figures(platform) == rows
            assert_nothing_left(platform)
    assert seen["noted"] > 5
