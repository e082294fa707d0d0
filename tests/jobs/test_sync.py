"""MLflow follows the database: what it missed is logged again, aliases name who speaks, and nothing is logged twice."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import GuardError
from aipro_ml.evaluation.review_plots import fold_table
from aipro_ml.jobs import sync as syncing
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.promote import Decision, promote, rollback
from aipro_ml.jobs.sync import aliases_problem, follow_aliases, sync, wanted_aliases
from aipro_ml.jobs.train import TrainingRequest, train
from aipro_ml.training.artifacts import read_artifact
from aipro_ml.training.mlflow_store import ENVIRONMENT, TrackingError
from aipro_ml.training.splits import walk_forward
from tests.at_once import halt, overtaken
from tests.fixtures_platform import LOGISTIC, NOW, SPORT, Platform, training
from tests.planted import leaks_of_database, leaks_of_files, passwords_of, plant
from tests.training.league import league

LATER = NOW + timedelta(hours=1)
NAME = f"aipro.{SPORT}.moneyline"
RIVAL = LOGISTIC.model_copy(update={"name": "rival", "params": {"C": 0.001}})

REVIEW = """
import json, sys
import mlflow, pandas as pd
from mlflow import MlflowClient
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_registry_uri(sys.argv[1])
client = MlflowClient()
experiment = client.get_experiment_by_name(sys.argv[2])
runs = client.search_runs([experiment.experiment_id])
files = {run.info.run_id: [
    file.path for place in (None, "plots") for file in client.list_artifacts(run.info.run_id, place)
] for run in runs}
model = client.get_registered_model(sys.argv[3])
loaded = mlflow.pyfunc.load_model(f"models:/{sys.argv[3]}@champion")
print(json.dumps({
    "runs": [{"id": r.info.run_id, "status": r.info.status, "tags": r.data.tags, "metrics": r.data.metrics,
              "files": files[r.info.run_id]} for r in runs],
    "aliases": {a: client.get_model_version(sys.argv[3], v).tags["model_id"] for a, v in model.aliases.items()},
    "signature": loaded.metadata.signature.to_dict() is not None,
    "needs": open(mlflow.artifacts.download_artifacts(f"models:/{sys.argv[3]}@champion") + "/requirements.txt").read(),
    "p": loaded.predict(pd.read_parquet(sys.argv[4])).to_numpy().tolist(),
}))
"""


@pytest.fixture
def unlogged(own_artifacts, server, untracked):
    """The trained league whose moneyline trainings (a champion, a calibrated rival) MLflow never heard of."""
    request = TrainingRequest(SPORT, BetType.MONEYLINE, training(RIVAL), LATER, 2023, 2024)
    (rival,) = train(own_artifacts.engine, own_artifacts.settings, request).models
    calibrate(own_artifacts.engine, own_artifacts.settings, str(rival.model_id), CalibrationMethod.AUTO, LATER)
    others = "SELECT id FROM ml_models WHERE bet_type <> 'moneyline'"
    with own_artifacts.engine.begin() as connection:  # one bet type is enough to log
        connection.execute(sa.text(f"UPDATE training_runs SET status = 'failed' WHERE model_id IN ({others})"))
    yield own_artifacts, str(rival.model_id)
    own_artifacts.close()


def in_mlflow(platform, server, name):
    settings = platform.settings.model_copy(
        update={"mlflow_tracking_uri": server.settings(platform.settings.home, name, name).mlflow_tracking_uri}
    )
    return Platform(settings)


@pytest.fixture
def planted(monkeypatch):
    """Secrets in the environment, to be looked for in what MLflow keeps."""
    return plant(monkeypatch)


def reviewed(platform, rows, planted):
    """Return what a process that never saw the platform reads in MLflow, where no secret stands."""
    secrets = planted | passwords_of(platform.settings)
    assert leaks_of_database(str(platform.settings.mlflow_tracking_uri), secrets) == []
    assert leaks_of_files([platform.settings.artifacts_dir, platform.settings.home], secrets) == []
    uri = str(platform.settings.mlflow_tracking_uri)
    command = [sys.executable, "-c", REVIEW, uri, f"aipro/{SPORT}/moneyline", NAME, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **ENVIRONMENT})
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_sync_logs_what_mlflow_missed_once_and_its_aliases_follow_every_decision(unlogged, server, tmp_path, planted):
    platform, rival = unlogged
    (champion,) = (str(row["id"]) for row in platform.rows(
        "SELECT id FROM ml_models WHERE is_production AND bet_type = 'moneyline'"
    ))  # fmt: skip
    down = platform.settings.model_copy(
        update={"mlflow_tracking_uri": "postgresql+psycopg://nobody:secret@127.0.0.1:1/mlflow?connect_timeout=2"}
    )
    with pytest.raises(TrackingError) as unreachable:
        sync(platform.engine, down, SPORT)
    assert "secret" not in str(unreachable.value)
    with server.database() as name:
        there = in_mlflow(platform, server, name)
        report = sync(there.engine, there.settings, SPORT)
        assert (report.trainings, report.runs_added) == (2, 4)
        assert report.aliases == {f"champion of {NAME}": champion, f"challenger of {NAME}": rival}
        again = sync(there.engine, there.settings, SPORT)
        assert (again.runs_added, again.aliases) == (0, {})
        promote(there.engine, there.settings, rival, Decision("better", "a person", LATER))
        assert aliases_problem(there.engine, down, SPORT, BetType.MONEYLINE) is not None  # the decision stands
        assert aliases_problem(there.engine, there.settings, SPORT, BetType.MONEYLINE) is None

        folder = there.settings.artifacts_dir / there.one("SELECT file_path FROM ml_models WHERE id = :id", id=rival)
        model = read_artifact(folder).model
        example = np.random.default_rng(2).normal(size=(8, len(model.feature_names)))
        rows = tmp_path / "rows.parquet"
        frame = pd.DataFrame(example, columns=list(model.feature_names))
        frame.to_parquet(rows)
        found = reviewed(there, rows, planted)
        there.close()
    assert found["aliases"] == {"champion": rival, "previous": champion, "challenger": champion}
    np.testing.assert_array_equal(found["p"], model.predict_proba(frame))
    assert found["signature"]
    assert "scikit-learn==" in found["needs"]
    assert "h2o" not in found["needs"]
    parents = {run["tags"]["training_id"]: run for run in found["runs"] if run["tags"]["aipro.level"] == "training"}
    candidates = [run for run in found["runs"] if run["tags"]["aipro.level"] == "candidate"]
    assert (len(parents), len(candidates)) == (2, 2)
    for run in candidates:
        assert run["tags"]["mlflow.parentRunId"] == parents[run["tags"]["training_id"]]["id"]
        assert {"gate.json", "plots/reliability.png", "plots/shap_summary.png", "plots/skill_by_season.png"} <= set(
            run["files"]
        )
        assert {"log_loss", "log_loss_published", "log_loss_market"} <= run["metrics"].keys()
    for run in parents.values():
        assert run["status"] == "FINISHED"
        assert {"report.html", "leaderboard.csv", "leaderboard.html", "plots/folds.png"} <= set(run["files"])
        assert "Gate, " in run["tags"]["mlflow.note.content"]
        assert len(run["tags"]["mlflow.note.content"].splitlines()) <= 10
        assert len(run["metrics"]) <= 40


def test_the_aliases_a_rollback_leaves_name_the_model_that_came_back(unlogged):
    platform, rival = unlogged
    with platform.engine.connect() as connection:
        before = wanted_aliases(connection, SPORT, BetType.MONEYLINE)
    promote(platform.engine, platform.settings, rival, Decision("better", "a person", LATER))
    rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, Decision("worse", "a person", LATER))
    with platform.engine.connect() as connection:
        assert wanted_aliases(connection, SPORT, BetType.MONEYLINE) == before
    with pytest.raises(GuardError):
        rollback(platform.engine, platform.settings, SPORT, BetType.MONEYLINE, Decision("again", "a person", LATER))


def test_what_an_older_decision_wants_of_the_aliases_does_not_come_after_a_newer_one(unlogged, monkeypatch):
    platform, rival = unlogged
    told = []
    monkeypatch.setattr(syncing, "follow", lambda _uri, _name, wanted: (told.append(wanted["champion"]), ({}, []))[1])

    def decided():
        promote(platform.engine, platform.settings, rival, Decision("better", "a person", LATER))
        follow_aliases(platform.engine, platform.settings, SPORT, BetType.MONEYLINE)

    ended = overtaken(
        platform.engine,
        halt(monkeypatch, syncing, "follow"),
        lambda: follow_aliases(platform.engine, platform.settings, SPORT, BetType.MONEYLINE),
        decided,
    )
    assert [each.exception() for each in ended] == [None, None]
    assert len(told) == 2
    assert told[-1] == rival


def test_a_model_that_predicts_live_beside_the_champion_is_the_shadow(published):
    with published.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE WHERE bet_type = 'total'"))
        (model,) = connection.scalars(sa.text("SELECT id FROM ml_models WHERE bet_type = 'total'"))
        wanted = wanted_aliases(connection, SPORT, BetType.TOTAL)
    assert wanted["shadow"] == str(model)
    assert "champion" not in wanted


def test_the_picture_of_the_folds_counts_every_game_once_a_fold():
    matrix = league(seasons=4, games=60)
    folds = walk_forward(matrix)
    table = fold_table(matrix, folds, None)
    by_fold = table.groupby("test_season")[["train", "test", "purged"]].sum()
    for fold in folds:
        counted = by_fold.loc[fold.season]
        assert (counted["train"], counted["test"]) == (len(fold.train), len(fold.test))
    assert by_fold.to_numpy().sum() == sum((matrix.meta["season"] <= fold.season).sum() for fold in folds)
