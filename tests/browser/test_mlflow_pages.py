"""MLflow's pages as `aipro ui` serves them: a browser reads the run on them, and its model answers elsewhere."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from aipro_ml.enums import BetType, Selection
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.model_versions import follow, registered_name
from aipro_ml.training.plots import importance_chart
from aipro_ml.training.registry import trainer_for
from aipro_ml.training.tracking import (
    Logged,
    TrackedRun,
    TrackedTraining,
    begin_training,
    end_training,
    experiment_name,
    find_training,
    log_candidate,
)
from tests.fixtures_database import Server
from tests.training.league import league

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPERIMENT = experiment_name("SIM-PAGES", BetType.MONEYLINE)  # one that no other test of the session tracks
REGISTERED = registered_name("SIM-PAGES", BetType.MONEYLINE)
MODEL_ID = "00000000-0000-5000-8000-00000000c0de"
START_S = 600

PREDICT = """
import json, sys
import mlflow, pandas as pd
loaded = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(loaded.predict(pd.read_parquet(sys.argv[2])).to_numpy().tolist()))
"""


@dataclass(frozen=True)
class Pages:
    """A tracked training, the run of its one candidate, and the address their pages are served at."""

    address: str
    training: str
    run: str
    model: TrainedModel
    matrix: FeatureMatrix

    def ask(self, call: str, **body: object) -> dict:
        """Return MLflow's answer to a REST call."""
        request = urllib.request.Request(
            f"{self.address}/api/2.0/mlflow/{call}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    @property
    def experiment(self) -> str:
        """The experiment's number."""
        experiments = self.ask("experiments/search", max_results=50)["experiments"]
        return next(each["experiment_id"] for each in experiments if each["name"] == EXPERIMENT)


def free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])


def track(folder: Path, uri: str) -> tuple[str, str, TrainedModel, FeatureMatrix]:
    matrix = league(seasons=2, games=60)
    model = trainer_for("sklearn", "logistic_regression").fit(matrix, (Selection.HOME, Selection.AWAY), {"C": 0.1}, 1)
    model.save(folder / "model")
    chart = importance_chart(folder / "importance.png", model.feature_importance(), title="Importance")
    report = folder / "report.html"
    report.write_text("<h1>The whole review</h1>")
    place = {"tracking_uri": uri, "artifact_root": folder / "mlflow", "experiment": EXPERIMENT}
    training = TrackedTraining(
        **place,
        name="walk-forward 2000-2001",
        training_id="training-of-the-pages",
        params={"candidates": "logistic"},
        metrics={"best_log_loss": 0.6131},
        files={"report.html": report},
        note="- Gate, logistic: PROMOTE: every check passed.",
    )
    parent = begin_training(training)
    candidate = TrackedRun(
        **place,
        name="logistic v1.0",
        model_folder=folder / "model",
        input_example=matrix.X.head(3),
        data_hash=matrix.sha256,
        params={"C": 0.1},
        metrics={"log_loss": 0.6131, "brier": 0.2117},
        tags={"model_id": MODEL_ID, "training_id": training.training_id, "training_run_id": "run-of-the-pages"},
        figures={"plots/importance.png": chart},
        parent=parent,
        registered=REGISTERED,
    )
    run = log_candidate(candidate)
    end_training(training, parent)
    assert follow(uri, REGISTERED, {"champion": MODEL_ID}) == ({"champion": MODEL_ID}, [])
    assert find_training(uri, EXPERIMENT, training.training_id) == Logged(parent, True, {"run-of-the-pages": run})
    return parent, run, model, matrix


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(START_S * 2):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(f"`aipro ui` did not answer within {START_S} s: {log.read_text()}")


@pytest.fixture(scope="module")
def pages(server: Server, template: str, mlflow_database: str, tmp_path_factory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("pages")
    settings = server.settings(folder / "home", template, mlflow_database)
    training, run, model, matrix = track(folder, str(settings.mlflow_tracking_uri))
    environment = {
        **os.environ,
        "AIPRO_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "MLFLOW_TRACKING_URI": str(settings.mlflow_tracking_uri),
    }
    port = free_port()
    with (folder / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aipro_ml", "ui", "--port", str(port)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", process, folder / "ui.log")
        yield Pages(f"http://127.0.0.1:{port}", training, run, model, matrix)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_the_list_of_experiments_names_ours(chromium, pages):
    assert EXPERIMENT in chromium.text(f"{pages.address}/#/experiments", [EXPERIMENT])


def test_an_experiment_shows_its_training_runs(chromium, pages):
    # the choice `Model training` in the page's corner; MLflow opens on its pages for language models otherwise
    place = f"{pages.address}/#/experiments/{pages.experiment}?workflowType=machine_learning"
    assert "walk-forward 2000-2001" in chromium.text(place, ["walk-forward 2000-2001"])


def test_the_page_of_a_training_shows_its_note_and_report(chromium, pages):
    place = f"{pages.address}/#/experiments/{pages.experiment}/runs/{pages.training}"
    expected = ["walk-forward 2000-2001", "best_log_loss", "PROMOTE: every check passed"]
    words = chromium.text(place, expected)
    for each in expected:
        assert each in words
    assert "report.html" in chromium.text(f"{place}/artifacts/report.html", ["report.html"])


def test_the_registered_model_shows_its_version_and_who_is_champion(chromium, pages):
    words = chromium.text(f"{pages.address}/#/models/{REGISTERED}", ["Version 1", "champion"])
    assert "Version 1" in words
    assert "champion" in words


def test_the_page_of_a_run_shows_its_figures_parameters_and_our_hash(chromium, pages):
    # its parent, the training, stands by its name
    expected = ["logistic v1.0", "walk-forward 2000-2001", "log_loss", "0.6131", "brier", pages.matrix.sha256]
    words = chromium.text(f"{pages.address}/#/experiments/{pages.experiment}/runs/{pages.run}", expected)
    for each in expected:
        assert each in words


def test_a_plot_of_a_run_can_be_opened(chromium, pages):
    place = f"{pages.address}/#/experiments/{pages.experiment}/runs/{pages.run}/artifacts/plots/importance.png"
    words = chromium.text(place, ["plots/importance.png"])
    assert "plots/importance.png" in words
    assert "Unable to" not in words


def test_the_models_of_an_experiment_go_by_their_names(chromium, pages):
    words = chromium.text(f"{pages.address}/#/experiments/{pages.experiment}/models", ["logistic v1-0"])
    assert "logistic v1-0" in words  # MLflow refuses a dot in a model's name


def test_the_interface_lists_the_run_once_with_each_figure(pages):
    runs = {run["info"]["run_id"]: run for run in pages.ask("runs/search", experiment_ids=[pages.experiment])["runs"]}
    assert runs.keys() == {pages.training, pages.run}
    run = runs[pages.run]
    tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
    assert tags["mlflow.parentRunId"] == pages.training
    assert run["info"]["status"] == "FINISHED"
    figures = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert figures == {"log_loss": 0.6131, "brier": 0.2117}
    [model] = pages.ask("logged-models/search", experiment_ids=[pages.experiment])["models"]
    assert {each["key"]: each["value"] for each in model["data"]["metrics"]} == figures


def test_the_served_model_answers_in_another_process_with_the_same_probabilities(pages, tmp_path):
    pages.matrix.X.to_parquet(tmp_path / "rows.parquet")
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, f"models:/{REGISTERED}@champion", str(tmp_path / "rows.parquet")],
        env={**os.environ, "MLFLOW_TRACKING_URI": pages.address},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(found, pages.model.predict_proba(pages.matrix.X))
