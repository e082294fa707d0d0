"""`aipro model compare` on stored models."""

from datetime import timedelta

import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.jobs.compare import ComparisonRequest, compare_models
from aipro_ml.jobs.train import TrainingRequest, train
from tests.fixtures_commands import use
from tests.fixtures_platform import NOW, SPORT, training

TREES = ModelConfig(
    name="trees", framework="sklearn", estimator="lightgbm", params={"n_estimators": 10, "num_leaves": 3}
)  # fmt: skip


@pytest.fixture
def mine(own_artifacts, untracked):
    """The trained league, which has a logistic regression, with trees beside it that tested one season less."""
    later = TrainingRequest(SPORT, BetType.MONEYLINE, training(TREES), NOW + timedelta(hours=1), 2024, 2024)
    train(own_artifacts.engine, own_artifacts.settings, later)
    yield own_artifacts
    own_artifacts.close()


def test_stored_models_are_compared_with_each_other_and_the_baselines(mine, aipro, monkeypatch):
    def compare(*models, bet_type=BetType.MONEYLINE, **changed):
        return compare_models(mine.engine, mine.settings, ComparisonRequest(SPORT, bet_type, models, **changed))

    before = mine.snapshot()
    report = compare()
    assert {row.name for row in report.rows} == {
        "constant", "elo", "market", "logistic", "trees", "(stack)", "(blend)"
    }  # fmt: skip
    assert len({row.n for row in report.rows}) == 1
    assert 250 < report.rows[0].n < 290  # one season
    assert [(each["row"], each["of"]) for each in report.coefficients] == [
        ("(stack)", "trees"), ("(stack)", "logistic"), ("(blend)", "(stack)"), ("(blend)", "market")
    ]  # fmt: skip
    marks = {row["name"]: row["model"] for row in report.fields}
    assert marks["logistic"].endswith("*")
    assert marks["market"] is None
    assert (report.notes, report.against) == ((), "market")

    trees = str(report.models["trees"].id)
    paired = compare(against=trees[:8])
    assert paired.against == "trees"
    ahead = {row.name: row.delta_log_loss for row in paired.rows}
    old = {row.name: row.delta_log_loss for row in report.rows}
    assert ahead["logistic"] == pytest.approx(old["logistic"] - old["trees"])

    alone = compare(trees)
    assert "logistic_regression" in {row.name for row in alone.rows}
    assert "(stack)" not in {row.name for row in alone.rows}

    with pytest.raises(UsageError, match="is of SIM-NFL moneyline, not of SIM-NFL total"):
        compare(trees, bet_type=BetType.TOTAL)
    with pytest.raises(UsageError, match="there are: trees, logistic"):
        compare(against="oracle")

    use(monkeypatch, mine)
    printed = aipro(f"model compare --sport SIM-NFL --bet-type moneyline --against {trees[:8]}")
    assert printed.code == 0, printed.err
    assert "SIM-NFL moneyline: against trees" in printed.out
    assert "coefficients in log-odds" in printed.out
    assert mine.snapshot() == before


def test_models_that_decide_at_other_moments_are_left_out_or_refused(mine):
    early = TrainingRequest(
        SPORT, BetType.MONEYLINE, training(TREES), NOW + timedelta(hours=2), 2024, 2024, decision_minutes=120
    )  # fmt: skip
    (model,) = train(mine.engine, mine.settings, early).models
    report = compare_models(mine.engine, mine.settings, ComparisonRequest(SPORT, BetType.MONEYLINE))
    assert (set(report.models), report.against) == ({"trees"}, "constant")  # nothing is priced two hours before
    assert "logistic" in report.notes[0]
    assert "left out" in report.notes[0]
    ids = [str(row["id"]) for row in mine.rows("SELECT id FROM ml_models WHERE bet_type = 'moneyline'")]
    with pytest.raises(UsageError, match="different minutes"):
        compare_models(mine.engine, mine.settings, ComparisonRequest(SPORT, BetType.MONEYLINE, tuple(ids)))
    assert str(model.model_id) in ids
