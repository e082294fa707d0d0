"""A training in MLflow: everything lands, and the model predicts in a process that never saw it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from aipro_ml.enums import BetType, Selection
from aipro_ml.training.mlflow_store import ENVIRONMENT, TrackingError
from aipro_ml.training.plots import importance_chart
from aipro_ml.training.registry import trainer_for
from aipro_ml.training.tracking import (
    TrackedRun,
    experiment_name,
    log_candidate,
    ui_command,
)
from tests.training.league import league

PREDICT = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
run = mlflow.get_run(sys.argv[2])
[model] = mlflow.search_logged_models(
    [run.info.experiment_id], filter_string=f"source_run_id = '{sys.argv[2]}'", output_format="list"
)
loaded = mlflow.pyfunc.load_model(model.model_uri)
p = loaded.predict(pd.read_parquet(sys.argv[3]))
files = [file.path for file in mlflow.artifacts.list_artifacts(run_id=sys.argv[2], artifact_path="plots")]
print(json.dumps({"p": p.to_numpy().tolist(), "columns": list(p), "files": files, "tags": run.data.tags,
                  "metrics": run.data.metrics, "params": run.data.params}))
"""


def tracked(tmp_path, **changes):
    matrix = league(seasons=2, games=60)
    model = trainer_for("sklearn", "logistic_regression").fit(matrix, (Selection.HOME, Selection.AWAY), {"C": 0.1}, 1)
    model.save(tmp_path / "model")
    chart = importance_chart(tmp_path / "importance.png", model.feature_importance(), title="Importance")
    run = {
        "tracking_uri": f"sqlite:///{tmp_path}/mlflow.db",
        "artifact_root": tmp_path / "mlflow files",
        "experiment": experiment_name("NFL", BetType.MONEYLINE),
        "name": "logistic",
        "model_folder": tmp_path / "model",
        "input_example": matrix.X.head(3),
        "data_hash": matrix.sha256,
        "params": {"C": 0.1},
        "metrics": {"log_loss": 0.61},
        "tags": {"sport": "NFL"},
        "figures": {"plots/importance.png": chart},
        **changes,
    }
    return model, matrix, TrackedRun(**run)


@pytest.mark.slow
def test_the_logged_model_predicts_the_same_in_another_process(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    model, matrix, run = tracked(tmp_path)
    first, second = log_candidate(run), log_candidate(run)
    assert first != second
    assert "MLFLOW_TRACKING_URI" not in os.environ  # MLflow puts it there, for every later reader of settings
    assert capfd.readouterr().err == ""
    matrix.X.to_parquet(tmp_path / "rows.parquet")
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, run.tracking_uri, first, str(tmp_path / "rows.parquet")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(found["p"], model.predict_proba(matrix.X))
    assert found["columns"] == ["home", "away"]
    assert found["files"] == ["plots/importance.png"]
    assert found["tags"]["data_sha256"] == matrix.sha256
    assert found["tags"]["sport"] == "NFL"
    assert found["metrics"] == {"log_loss": 0.61}
    assert found["params"] == {"C": "0.1"}
    assert not (tmp_path / "mlruns").exists()


def test_a_store_that_cannot_be_reached_is_a_tracking_error(tmp_path):
    uri = "postgresql+psycopg://aipro:secret@127.0.0.1:1/mlflow?connect_timeout=2"
    _, _, run = tracked(tmp_path, tracking_uri=uri)
    with pytest.raises(TrackingError, match="logistic") as caught:
        log_candidate(run)
    assert "secret" not in str(caught.value)
    assert "refused" in str(caught.value)


def test_more_than_forty_metrics_are_refused(tmp_path):
    _, _, run = tracked(tmp_path, metrics={f"m{i}": 0.0 for i in range(41)})
    with pytest.raises(ValueError, match="at most 40"):
        log_candidate(run)


def test_the_pages_get_their_password_by_environment_only(tmp_path):
    uri = "postgresql+psycopg://aipro:secret@localhost/mlflow"
    command, environment = ui_command(uri, tmp_path, "127.0.0.1", 5001)
    assert "secret" not in " ".join(command)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert command[-5:-3] == ["--port", "5001"]
