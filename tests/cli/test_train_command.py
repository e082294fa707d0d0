"""`aipro train` as a shell runs it: several trainings at once, what fails, what is refused, what is resumed."""

import json

import pytest

from tests.fixtures_commands import use
from tests.fixtures_platform import SPORT

CONFIG = """
seed: 20260101
models:
  moneyline:
    - {name: good, framework: sklearn, estimator: logistic_regression, params: {C: 0.02}}
    - {name: bad, framework: sklearn, estimator: logistic_regression, params: {depth: 3}}
  total:
    - {name: fine, framework: sklearn, estimator: logistic_regression, params: {C: 0.03}}
"""
SEASONS = "--test-from 2023 --test-to 2024"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def mine(monkeypatch, own_artifacts, aipro, untracked):
    use(monkeypatch, own_artifacts)
    yield own_artifacts
    own_artifacts.close()


def boards(out):
    found = {}
    for line in out.splitlines():
        row = json.loads(line)
        found.setdefault(row["bet_type"], []).append(row["name"])
    return found


def test_what_fails_is_told_and_takes_nothing_with_it_and_resume_tries_only_that_again(mine, aipro, config):
    done = aipro(f"train run --sport {SPORT} --bet-type moneyline {SEASONS} --json --config", config)
    assert done.code == 1
    assert f"error: {SPORT} moneyline bad failed: logistic_regression: parameter 'depth' cannot be set" in done.err
    found = boards(done.out)
    assert ("good" in found["moneyline"], "bad" in found["moneyline"]) == (True, False)
    again = aipro("train resume --json")
    assert (again.code, again.out) == (1, done.out)
    runs = mine.rows("SELECT hyperparameters->>'name' AS name, status FROM training_runs ORDER BY started_at")
    tried = [(row["name"], row["status"]) for row in runs if row["name"] in {"good", "bad"}]
    assert sorted(tried) == [("bad", "failed"), ("bad", "failed"), ("good", "completed")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"run --sport {SPORT}", "say either --bet-type, once or several times, or --all"),
        (f"run --sport {SPORT} --all --bet-type total", "say either --bet-type"),
        (f"run --sport {SPORT} --all --framework h2o", "the training configuration has no candidate of h2o"),
        (f"run --sport {SPORT} --all --ray-address auto", "--ray-address goes with --executor ray"),
        ("resume zzzz", "no training whose id begins with 'zzzz'"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_begins(monkeypatch, trained, aipro, config, words, said):
    use(monkeypatch, trained)
    before = trained.snapshot()
    done = aipro(f"train {words}", *(["--config", config] if words.startswith("run") else []))
    assert (done.code, said in done.err) == (2, True)
    assert trained.snapshot() == before


def test_a_sport_without_data_does_not_stop_the_others(mine, aipro, config):
    words = f"train run --sport EPL --sport {SPORT} --bet-type total {SEASONS} --json --config"
    done = aipro(words, config)
    assert done.code == 1
    assert "EPL total: no data of sport EPL" in done.err
    assert "fine" in boards(done.out)["total"]
