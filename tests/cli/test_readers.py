"""Commands that only read: what they list is what the tables say, and they write nothing."""

import json
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.features.sport import sport
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.matrices import Decision, load_matrix
from tests.fixtures_commands import use
from tests.fixtures_platform import LATER, NOW, SPORT


@pytest.fixture
def asked(published, aipro, monkeypatch):
    """Return the rows a command prints as JSON."""
    use(monkeypatch, published)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:unused")

    def rows(words):
        done = aipro(f"{words} --json")
        assert done.code == 0, done.err
        return [json.loads(line) for line in done.out.splitlines()]

    return rows


def test_what_the_platform_keeps_can_be_looked_at(published, asked, aipro):
    before = published.snapshot()
    ratings_are_the_last_of_each_team(published, asked)
    views_are_those_of_the_code(published, asked)
    statistics_are_of_the_stored_season(published, asked)
    layers_are_told_in_one_call(asked, aipro)
    no_model_of_that_name(published, asked, aipro)
    assert published.snapshot() == before


def ratings_are_the_last_of_each_team(published, asked):
    rows = asked(f"features ratings --sport {SPORT} --as-of {LATER:%Y-%m-%dT%H:%M:%SZ}")
    assert [row["rating"] for row in rows] == sorted((row["rating"] for row in rows), reverse=True)
    assert [row["rank"] for row in rows][:2] == [1, 2]
    teams = {t["name"]: t["elo_rating"] for t in published.rows("SELECT name, elo_rating FROM teams")}
    assert {row["team"]: row["rating"] for row in rows} == teams
    early = published.one("SELECT min(as_of) FROM team_ratings")
    first = asked(f"features ratings --sport {SPORT} --as-of {early:%Y-%m-%dT%H:%M:%SZ}")
    assert {row["games"] for row in first} == {1}
    assert len(first) < len(rows)


def views_are_those_of_the_code(published, asked):
    rows = asked(f"features views --sport {SPORT} --stored")
    assert {row["view"]: row["columns"].split(", ") for row in rows} == {
        view.name: list(view.columns) for view in sport(SPORT).views
    }
    assert all(row["is_current"] and row["is_used"] for row in rows)


def statistics_are_of_the_stored_season(published, asked):
    rows = {row["feature"]: row for row in asked(f"features statistics --sport {SPORT} --season 2024")}
    with published.engine.connect() as connection:
        matrix = load_matrix(connection, sport(SPORT), BetType.MONEYLINE, Decision(1))
    values = matrix.X.loc[(matrix.meta["season"] == 2024).to_numpy()]
    assert set(rows) == set(values.columns)
    for name in ("elo_home", "elo_prob"):
        assert rows[name]["rows"] == len(values)
        np.testing.assert_allclose(rows[name]["mean"], values[name].mean())
        np.testing.assert_allclose(rows[name]["std_dev"], values[name].std())


def layers_are_told_in_one_call(asked, aipro):
    found = {row["setting"]: row for row in asked("--set kelly.cap=0.01 config show --origin")}
    assert (found["kelly.cap"]["value"], found["kelly.cap"]["origin"]) == ("0.01", "flag")
    assert found["home"]["origin"] == "environment"
    assert found["pool_size"]["origin"] == found["health.connections_share"]["origin"] == "default"
    assert found["bet.minimum"]["origin"] == "file"
    assert not any(key.startswith("gate.") for key in found)
    assert any(row["setting"] == f"gate.{SPORT}.total.min_games" for row in asked(f"config show --sport {SPORT}"))
    tried = aipro("config set bet.game_cap 0.03", "--reason", "try", "--dry-run")
    assert (tried.code, "would change bet.game_cap: as shipped → 0.03 (shipped: 0.05)" in tried.out) == (0, True)
    assert asked("config history") == []


def no_model_of_that_name(published, asked, aipro):
    done = aipro(f"predict list --sport {SPORT} --model ffffffff")
    assert done.code == 1
    assert f"no such model: none of {SPORT} begins with 'ffffffff'" in done.err
    model = str(published.one("SELECT id FROM ml_models WHERE bet_type = 'total'"))
    assert {row["model"] for row in asked(f"predict list --sport {SPORT} --model {model[:12].upper()}")} == {model[:8]}


def test_health_is_looked_at_kept_and_changed_by_settings(published, asked, aipro):
    rows = {row["component"]: row for row in asked("health --keep")}
    assert {"database", "disk", "artifacts", "mlflow", f"quotes {SPORT}"} == set(rows)
    assert rows["artifacts"]["status"] == "healthy"
    assert {row["component"]: row["says"] for row in asked("health --last")} == {n: r["says"] for n, r in rows.items()}
    aipro("config set health.disk_free_gib 1000000000", "--reason", "a test")
    assert {r["component"]: r["status"] for r in asked("health")}["disk"] == "degraded"
    assert {r["component"]: r["status"] for r in asked("--set health.disk_free_gib=0 health")}["disk"] == "healthy"
    with published.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ml_models SET file_path = 'nowhere' WHERE bet_type = 'total'")
    done = aipro("health")
    assert (done.code, "down" in done.out) == (1, True)


def test_calibrators_are_listed_with_the_one_a_model_speaks_through(own_artifacts, aipro, monkeypatch):
    use(monkeypatch, own_artifacts)
    engine, settings = own_artifacts.engine, own_artifacts.settings
    model = str(own_artifacts.one("SELECT id FROM ml_models WHERE bet_type = 'moneyline'"))
    with engine.begin() as connection:  # a model in production is calibrated through the gate
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE"))
    for hours, method in enumerate((CalibrationMethod.PLATT, CalibrationMethod.ISOTONIC)):
        calibrate(engine, settings, model, method, NOW + timedelta(hours=hours))

    def listed():
        rows = [json.loads(line) for line in aipro(f"calibrate list --sport {SPORT} --json").out.splitlines()]
        return [row for row in rows if row["bet_type"] == "moneyline"]

    assert listed()[0]["calibrator_type"] == "isotonic"
    assert [row["in_force"] for row in listed()].count(True) == 1
    assert listed()[0]["in_force"]
    assert {row["file"] for row in listed()} == {"whole"}
    place = own_artifacts.one("SELECT calibrator_path FROM calibration_models ORDER BY created_at DESC LIMIT 1")
    (settings.artifacts_dir / place).unlink()
    assert listed()[0]["file"] != "whole"
