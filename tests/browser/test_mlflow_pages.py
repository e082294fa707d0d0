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
from aipro_ml.training.plots import importance_chart
from aipro_ml.training.registry import trainer_for
from aipro_ml.training.tracking import TrackedRun, experiment_name, log_candidate
from tests.fixtures_database import Server
from tests.training.league import league

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPERIMENT = experiment_name("SIM-PAGES", BetType.MONEYLINE)  # one that no other test of the session tracks
START_S = 180

PREDICT = """
import json, sys
import mlflow, pandas as pd
loaded = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(loaded.predict(pd.read_parquet(sys.argv[2])).to_numpy().tolist()))
"""


@dataclass(frozen=True)
class Pages:
    """A tracked training and the address its pages are served at."""

    address: str
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


def track(folder: Path, uri: str) -> tuple[str, TrainedModel, FeatureMatrix]:
    matrix = league(seasons=2, games=60)
    model = trainer_for("sklearn", "logistic_regression").fit(matrix, (Selection.HOME, Selection.AWAY), {"C": 0.1}, 1)
    model.save(folder / "model")
    chart = importance_chart(folder / "importance.png", model.feature_importance(), title="Importance")
    tracked = TrackedRun(
        tracking_uri=uri,
        artifact_root=folder / "mlflow",
        experiment=EXPERIMENT,
        name="logistic v1.0",
        model_folder=folder / "model",
        input_example=matrix.X.head(3),
        data_hash=matrix.sha256,
        params={"C": 0.1},
        metrics={"log_loss": 0.6131, "brier": 0.2117},
        figures={"plots/importance.png": chart},
    )
    return log_candidate(tracked), model, matrix


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
    run, model, matrix = track(folder, str(settings.mlflow_tracking_uri))
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
        yield Pages(f"http://127.0.0.1:{port}", run, model, matrix)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_the_list_of_experiments_names_ours(chromium, pages):
    assert EXPERIMENT in chromium.text(f"{pages.address}/#/experiments", [EXPERIMENT])


def test_an_experiment_shows_its_training_runs(chromium, pages):
    # the choice `Model training` in the page's corner; MLflow opens on its pages for language models otherwise
    place = f"{pages.address}/#/experiments/{pages.experiment}?workflowType=machine_learning"
    assert "logistic v1.0" in chromium.text(place, ["logistic v1.0"])


def test_the_page_of_a_run_shows_its_figures_parameters_and_our_hash(chromium, pages):
    expected = ["logistic v1.0", "log_loss", "0.6131", "brier", "data_sha256", pages.matrix.sha256]
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
    [run] = pages.ask("runs/search", experiment_ids=[pages.experiment])["runs"]
    assert run["info"]["run_id"] == pages.run
    assert run["info"]["status"] == "FINISHED"
    figures = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert figures == {"log_loss": 0.6131, "brier": 0.2117}
    [model] = pages.ask("logged-models/search", experiment_ids=[pages.experiment])["models"]
    assert {each["key"]: each["value"] for each in model["data"]["metrics"]} == figures


def test_the_served_model_answers_in_another_process_with_the_same_probabilities(pages, tmp_path):
    [model] = pages.ask("logged-models/search", experiment_ids=[pages.experiment])["models"]
    pages.matrix.X.to_parquet(tmp_path / "rows.parquet")
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, f"models:/{model['info']['model_id']}", str(tmp_path / "rows.parquet")],
        env={**os.environ, "MLFLOW_TRACKING_URI": pages.address},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(found, pages.model.predict_proba(pages.matrix.X))
