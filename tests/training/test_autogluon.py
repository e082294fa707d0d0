"""AutoGluon under the contract of every trainer, and what it does beside it."""

import gc
import stat
import tempfile

import pytest

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.training.autogluon_settings import autogluon_settings
from aipro_ml.training.ray_cluster import connected
from aipro_ml.training.registry import installed, load_model, trainer_for
from tests.jobs.ray_nodes import ray_nodes
from tests.soak import SOAK
from tests.training.league import league
from tests.training.trainer_contract import SUBJECTS, Subject, TrainerContract, subjects


@subjects(Framework.AUTOGLUON)
class TestAutoGluon(TrainerContract):
    """The weighted ensemble and a single model."""


ON_RAY = [
    Subject(each.framework, each.estimator, {**each.params, "fold_fitting": "ray"}, each.contributes)
    for each in SUBJECTS
    if each.framework is Framework.AUTOGLUON
]


@pytest.mark.skipif(
    not SOAK, reason="a minute of Ray: AIPRO_SOAK=1; a small one stands in tests/jobs/test_executors.py"
)
@pytest.mark.parametrize("subject", ON_RAY, ids=str)
class TestAutoGluonsFoldsOnRay(TrainerContract):
    """The same with every fold a task of a cluster."""

    @pytest.fixture(scope="class", autouse=True)
    def cluster(self, tmp_path_factory):
        with ray_nodes(2, tmp_path_factory.mktemp("ray")) as address, connected(address):
            yield


needed = pytest.mark.skipif(not installed(Framework.AUTOGLUON), reason="autogluon is not installed")
TWO_WAY = (Selection.HOME, Selection.AWAY)
LINEAR = {"C": 0.1, "inner_folds": 2}


def test_default_models_are_small_and_never_stopped_by_a_season():
    settings = autogluon_settings("ensemble", {})
    assert set(settings.hyperparameters) == {"GBM", "XGB", "CAT", "LR"}
    assert settings.weighted
    for key in ("GBM", "XGB", "CAT"):
        assert settings.hyperparameters[key]["ag.early_stop"] is None
    single = autogluon_settings("gbm", {"num_leaves": 8, "inner_folds": 4})
    assert (set(single.hyperparameters), single.weighted, single.inner_folds) == ({"GBM"}, False, 4)
    assert single.hyperparameters["GBM"]["num_leaves"] == 8


@pytest.mark.parametrize(
    ("estimator", "params", "named"),
    [
        ("oracle", {}, "oracle"),
        ("ensemble", {"models": {"NN_TORCH": {}}}, "NN_TORCH"),
        ("ensemble", {"models": {}}, "models"),
        ("ensemble", {"models": {"GBM": 3}}, "mapping"),
        ("ensemble", {"presets": "best"}, "presets"),
        ("ensemble", {"models": {"GBM": {"scale_pos_weight": 2}}}, "prior"),
        ("gbm", {"class_weight": "balanced"}, "prior"),
        ("gbm", {"models": {"GBM": {}}}, "models"),
        ("linear", {"ag.early_stop": 3}, "early_stop"),
        ("gbm", {"inner_folds": 1}, "inner_folds"),
        ("gbm", {"fold_fitting": "spark"}, "fold_fitting is local or ray, not 'spark'"),
        ("gbm", {"num_cpus": True}, "num_cpus"),
        ("gbm", {"time_limit": 0}, "time_limit"),
    ],
)
def test_what_cannot_be_set_is_named(estimator, params, named):
    with pytest.raises(UsageError, match=named):
        autogluon_settings(estimator, params)


@needed
def test_a_time_limit_or_several_threads_are_not_repeatable_and_say_why():
    trainer = trainer_for("autogluon", "ensemble")
    assert trainer.repeatable({}) is None
    assert "60 s" in trainer.repeatable({"time_limit": 60})
    assert "2 threads" in trainer.repeatable({"num_cpus": 2})


@needed
def test_nothing_is_printed_and_nothing_stays_behind(capfd, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    model = trainer_for("autogluon", "linear").fit(league(seasons=3, games=60), TWO_WAY, LINEAR, 1)
    assert [path.name[:16] for path in (tmp_path / "temporary").iterdir()] == ["aipro-autogluon-"]
    assert stat.S_IMODE(next((tmp_path / "temporary").iterdir()).stat().st_mode) == 0o700
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    loaded.predict_proba(league(seasons=1).X)
    del model
    gc.collect()
    assert {path.name for path in tmp_path.rglob("*") if "aipro-autogluon" in path.name} == set()
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", "model"}
    assert capfd.readouterr() == ("", "")


@needed
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no memory")])
def test_an_interrupted_or_failed_fit_leaves_nothing_behind(monkeypatch, tmp_path, error):
    from autogluon.tabular import TabularPredictor

    def stopped(*_, **__):
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(TabularPredictor, "fit", stopped)
    with pytest.raises((KeyboardInterrupt, AiproError)) as told:
        trainer_for("autogluon", "linear").fit(league(seasons=3, games=60), TWO_WAY, LINEAR, 1)
    assert list(tmp_path.iterdir()) == []
    if isinstance(error, RuntimeError):
        assert "no memory" in str(told.value)


@needed
def test_models_are_judged_on_later_seasons_only_and_then_fitted_on_everything(monkeypatch):
    from autogluon.tabular import TabularPredictor

    asked = {}
    monkeypatch.setattr(TabularPredictor, "fit", lambda self, table, **options: asked.update(table=table, **options))
    matrix = league(seasons=5, games=40)
    trainer_for("autogluon", "ensemble").fit(matrix, TWO_WAY, {}, 1)
    seasons = matrix.meta["season"].to_numpy()
    splits = asked["ag_args_ensemble"]["custom_splits"]
    assert [set(seasons[test]) for _, test in splits] == [{2002}, {2003}, {2004}]
    for train, test in splits:
        known = matrix.meta["result_known_at"].iloc[train].max()
        assert known <= matrix.as_of.iloc[test].min()
    assert asked["refit_full"] is True
    assert asked["time_limit"] is None
    assert len(asked["table"]) == len(matrix.X)


@needed
def test_folds_on_ray_without_ray_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UsageError, match=r"aipro-ml\[cluster\]"):
        trainer_for("autogluon", "linear").fit(
            league(seasons=3, games=60), TWO_WAY, {**LINEAR, "fold_fitting": "ray"}, 1
        )
