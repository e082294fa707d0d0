"""`mlflow models serve` answers a row over HTTP with the stored probabilities, in this environment, on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aipro_ml.training.mlflow_store import ENVIRONMENT
from aipro_ml.training.tracking import log_candidate
from tests.soak import SOAK
from tests.training.test_tracking import tracked

PATIENCE = 180
"""Seconds a server may take to import MLflow twice on a busy machine."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(folder, place):
    """Serve the model in `folder` with MLflow's own command; yield its address."""
    port = free_port()
    mlflow = Path(sys.executable).with_name("mlflow")
    asked = ["models", "serve", "-m", str(folder), "-h", "127.0.0.1", "-p", str(port), "--env-manager", "local"]
    environment = {**os.environ, **ENVIRONMENT, "PATH": f"{mlflow.parent}{os.pathsep}{os.environ['PATH']}"}
    with (place / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [mlflow, *asked], cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # the command starts the server as a process of its own
            process.wait(30)


def answered(address, path, body=None):
    """Return the answer as text, waiting for a server that is not there yet."""
    request = urllib.request.Request(
        address + path, None if body is None else body.encode(), {"Content-Type": "application/json"}
    )
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


@pytest.mark.skipif(not SOAK, reason="half a minute of imports; the same model in a fresh process: test_tracking.py")
def test_mlflows_own_server_answers_with_the_stored_probabilities(tmp_path):
    model, matrix, run = tracked(tmp_path)
    log_candidate(run)
    (described,) = run.artifact_root.rglob("MLmodel")
    rows = matrix.X.head(7)
    with served(described.parent, tmp_path) as address:
        answered(address, "/ping")
        asked = json.dumps(
            {"dataframe_split": json.loads(rows.to_json(orient="split", index=False, double_precision=15))}
        )
        found = json.loads(answered(address, "/invocations", asked))["predictions"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            answered(address, "/invocations", json.dumps({"dataframe_split": {"columns": ["no"], "data": [[1.0]]}}))
    assert refused.value.code == 400
    assert list(found[0]) == ["home", "away"]
    said = np.array([[row["home"], row["away"]] for row in found])
    np.testing.assert_allclose(said, model.predict_proba(rows), atol=1e-12)
