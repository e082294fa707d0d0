"""Where an installation's state lies, whatever the environment says."""

from pathlib import Path

import pytest

from aipro_ml.config import load_settings


def test_a_tilde_in_the_home_is_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AIPRO_HOME", "~/sports")
    assert load_settings().home == tmp_path / "sports"


def test_a_relative_home_is_meant_from_where_the_command_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIPRO_ARTIFACTS", "models")
    settings = load_settings(home=Path("state"))
    assert settings.home == tmp_path / "state"
    assert settings.artifacts_dir == tmp_path / "models"


@pytest.mark.parametrize("name", ["AIPRO_HOME", "AIPRO_ARTIFACTS", "DATABASE_URL", "MLFLOW_TRACKING_URI"])
def test_an_empty_variable_counts_as_not_set(monkeypatch, name):
    for each in ("AIPRO_HOME", "AIPRO_ARTIFACTS", "DATABASE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(each, raising=False)
    unset = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == unset
