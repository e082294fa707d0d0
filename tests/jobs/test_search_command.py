"""`aipro train search` on the simulated league, from the first trial to the trained candidate."""

import pytest
import yaml

from aipro_ml.config import training_config
from aipro_ml.enums import BetType
from tests.fixtures_commands import use

SEARCH = "train search --sport SIM-NFL --bet-type spread --test-from 2024 --config"
SPACE = {
    "framework": "sklearn",
    "estimator": "logistic_regression",
    "space": {"C": {"type": "float", "low": 0.001, "high": 0.1, "log": True}},
    "min_train_seasons": 1,
}


@pytest.fixture
def searching(trained, server, monkeypatch, untracked):
    """The trained league for commands; Optuna's database beside it is dropped at the end."""
    use(monkeypatch, trained)
    yield trained
    server._drop(f"{trained.settings.database_url.get_secret_value().rsplit('/', 1)[1]}_optuna")


def test_a_search_is_made_continued_written_and_trained(searching, aipro, tmp_path, monkeypatch):
    use(monkeypatch, searching)
    found, space = tmp_path / "found.yaml", tmp_path / "small.yaml"
    space.write_text(yaml.safe_dump(SPACE))
    first = aipro(f"{SEARCH} {space} --trials 2 --output {found}")
    assert first.code == 0, first.err
    assert "best trials of sim-nfl-spread-small-" in first.out
    assert "2 trials (0 pruned, 0 failed) on seasons 2023 to 2023" in first.out
    again = aipro(f"{SEARCH} {space} --trials 3")
    assert again.code == 2
    study = again.err.split("'")[1]
    assert f"--resume {study}" in again.err
    more = aipro(f"{SEARCH} {space} --trials 3 --resume {study} --output {found}")
    assert more.code == 0, more.err
    (model,) = training_config(found).models[BetType.SPREAD]
    assert (model.name, model.search.trials, model.search.seasons) == ("small_found", 3, (2023,))
    trained = aipro(f"train run --sport SIM-NFL --bet-type spread --config {found} --test-from 2024 --test-to 2024")
    assert trained.code == 0, trained.err
    (run,) = searching.rows("SELECT * FROM training_runs WHERE hyperparameters->'search'->>'trials' = '3'")
    assert run["status"] == "completed"
    assert run["hyperparameters"]["search"]["study"] == study
    found = "SELECT (performance_metrics->>'trials')::int FROM ml_models WHERE id = :id"
    assert searching.one(found, id=run["model_id"]) == 3


def test_what_cannot_be_searched_is_one_clear_error(searching, aipro, tmp_path, monkeypatch):
    use(monkeypatch, searching)
    mine = tmp_path / "mine.yaml"
    mine.write_text("seed: 1\n")
    space, good = tmp_path / "space.yaml", tmp_path / "good.yaml"
    good.write_text(yaml.safe_dump(SPACE))
    space.write_text(yaml.safe_dump({**SPACE, "space": {"C": {"type": "float", "low": 0, "high": 1, "log": True}}}))
    for words, said in (
        (f"{good} --resume nothing", "none to resume"),
        ("logistic", "walk-forward needs 3 to train on"),
        ("logistic --test-from 1990", "SIM-NFL has games of"),
        ("oracle", "shipped are: autogluon, forest, "),
        (str(space), "low must not exceed high"),
        (f"logistic --trials 1 --output {mine}", "no search wrote"),
    ):
        ended = aipro(f"{SEARCH} {words}")
        assert ended.code == 2, words
        assert said in ended.err
    assert mine.read_text() == "seed: 1\n"
