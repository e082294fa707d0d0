"""The contract every trainer and estimator fulfils: a framework joins by one line in SUBJECTS.

`TrainerContract` holds the tests; a class of its name's `Test…` runs them over the subjects it is given. Fits are
shared: a subject is fitted four times, whatever the number of tests, and once more where weights are checked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import AiproError, ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix, outcome_columns
from aipro_ml.metrics import auc, auc_null_sd
from aipro_ml.training.base import HEADER, TrainedModel, Trainer
from aipro_ml.training.registry import installed, load_model, trainer_for
from aipro_ml.training.splits import walk_forward
from tests.training.league import league, three_way_league

SEED = 3
TWO_WAY = (Selection.HOME, Selection.AWAY)


@dataclass(frozen=True)
class Subject:
    """A framework's estimator with parameters that fit in a second.

    `contributes`: it has exact contributions of its own. `weighs`: rows that count half count half in its fit.
    """

    framework: Framework
    estimator: str
    params: Mapping[str, Any] = field(default_factory=dict)
    contributes: bool = False
    weighs: bool = True

    def __str__(self) -> str:
        return f"{self.framework}-{self.estimator}"

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def trainer(self) -> Trainer:
        return trainer_for(self.framework, self.estimator)


SUBJECTS = (
    Subject(Framework.SKLEARN, "logistic_regression", {"C": 0.1}, contributes=True),
    Subject(Framework.SKLEARN, "hist_gradient_boosting", {"max_iter": 20, "max_leaf_nodes": 4}),
    Subject(
        Framework.SKLEARN,
        "lightgbm",
        {"n_estimators": 20, "num_leaves": 4, "subsample": 0.8, "subsample_freq": 1},
        contributes=True,
    ),
    Subject(Framework.SKLEARN, "sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20, "min_samples_leaf": 10}),
    Subject(Framework.SKLEARN, "margin_ridge", {"alpha": 10.0}, weighs=False),
    Subject(Framework.SKLEARN, "margin_trees", {"max_iter": 30, "min_samples_leaf": 20}, weighs=False),
    Subject(
        Framework.AUTOGLUON,
        "ensemble",
        {
            "models": {"GBM": {"num_boost_round": 20, "min_data_in_leaf": 20, "lambda_l2": 1.0}, "LR": {"C": 0.1}},
            "inner_folds": 2,
        },
    ),
    Subject(
        Framework.AUTOGLUON,
        "gbm",
        {"num_boost_round": 20, "learning_rate": 0.1, "min_data_in_leaf": 20, "lambda_l2": 1.0, "inner_folds": 2},
        contributes=True,
    ),
    Subject(Framework.H2O, "gbm", {"ntrees": 20, "max_depth": 3, "min_rows": 10, "learn_rate": 0.1}, contributes=True),
    Subject(Framework.H2O, "automl", {"max_models": 1, "include_algos": ["GLM"]}, contributes=True),
)


def subjects(framework: Framework) -> pytest.MarkDecorator:
    """Parametrise a class over the subjects of one framework; it skips, saying so, where that is not installed."""
    there = [subject for subject in SUBJECTS if subject.framework == framework]
    absent = pytest.mark.skipif(not installed(framework), reason=f"{framework} is not installed")
    return pytest.mark.parametrize("subject", [pytest.param(one, id=str(one), marks=absent) for one in there])


@cache
def lopsided() -> FeatureMatrix:
    """Two-way games of which home wins three quarters, with a feature that is never known."""
    matrix = league(seasons=3, games=200)
    kept = (matrix.y == 1).to_numpy() | (np.arange(len(matrix.X)) % 3 == 0)
    kept_matrix = matrix.take(kept)
    return replace(kept_matrix, X=kept_matrix.X.assign(never=np.nan))


@cache
def with_draws() -> FeatureMatrix:
    return three_way_league(seasons=3, games=150)


@cache
def meaningless(*, three_way: bool = False) -> FeatureMatrix:
    make = three_way_league if three_way else league
    return make(seasons=3, games=300, permuted=True)


@cache
def fitted(subject: Subject, again: int = 0, *, three_way: bool = False) -> TrainedModel:
    """Return the subject fitted on one of the leagues; another number of `again` fits anew."""
    matrix = with_draws() if three_way else lopsided()
    return subject.trainer.fit(matrix, matrix.outcomes, subject.params, SEED)


def said(subject: Subject, *, three_way: bool = False) -> np.ndarray:
    matrix = with_draws() if three_way else lopsided()
    return fitted(subject, three_way=three_way).predict_proba(matrix.X)


def saved(subject: Subject, folder: Path, *, three_way: bool = False) -> Path:
    fitted(subject, three_way=three_way).save(folder)
    return folder


class TrainerContract:
    """What holds for every subject; the tests of a framework subclass it with `subjects(framework)`."""

    @pytest.fixture(params=[False, True], ids=["two-way", "three-way"])
    def three_way(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param)

    @pytest.fixture
    def matrix(self, three_way: bool) -> FeatureMatrix:
        return with_draws() if three_way else lopsided()

    def test_probabilities_lie_in_the_unit_interval_and_sum_to_one(self, subject, matrix, three_way):
        p = said(subject, three_way=three_way)
        assert p.shape == (len(matrix.X), len(matrix.outcomes))
        assert p.dtype == np.float64
        assert ((p > 0) & (p < 1)).all()
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)

    def test_the_first_outcome_is_the_one_labelled_one_and_the_last_the_one_labelled_zero(
        self, subject, matrix, three_way
    ):
        p = said(subject, three_way=three_way)
        assert auc(p[:, 0], matrix.y == 1) > 0.7
        assert auc(p[:, -1], matrix.y == 0) > 0.7

    def test_each_outcome_is_as_frequent_in_the_mean_as_in_training(self, subject, matrix, three_way):
        """Class balancing is off: it would pull the mean of these lopsided games to one half."""
        seen = outcome_columns(matrix.y, len(matrix.outcomes))
        frequency = np.bincount(seen) / len(seen)
        np.testing.assert_allclose(said(subject, three_way=three_way).mean(axis=0), frequency, atol=0.04)

    def test_a_saved_model_loads_equal_to_the_bit(self, subject, matrix, three_way, tmp_path):
        model = fitted(subject, three_way=three_way)
        loaded = load_model(saved(subject, tmp_path / "model", three_way=three_way))
        np.testing.assert_array_equal(loaded.predict_proba(matrix.X), said(subject, three_way=three_way))
        pd.testing.assert_series_equal(loaded.feature_importance(), model.feature_importance())
        assert (loaded.outcomes, loaded.feature_names) == (model.outcomes, model.feature_names)

    def test_a_loaded_model_can_be_saved_and_loaded_again(self, subject, tmp_path):
        once = load_model(saved(subject, tmp_path / "once"))
        once.save(tmp_path / "twice")
        few = lopsided().X.iloc[:20]
        np.testing.assert_array_equal(
            load_model(tmp_path / "twice").predict_proba(few), fitted(subject).predict_proba(few)
        )

    def test_a_row_is_predicted_alike_alone_and_among_others(self, subject, matrix, three_way):
        alone = fitted(subject, three_way=three_way).predict_proba(matrix.X.iloc[7:8])
        np.testing.assert_allclose(alone, said(subject, three_way=three_way)[7:8], rtol=0, atol=1e-12)

    def test_the_order_of_columns_is_irrelevant_and_others_are_ignored(self, subject, matrix, three_way):
        few = matrix.X.iloc[:30]
        shuffled = few[list(reversed(matrix.feature_names))].assign(unknown=1.0, text="x")
        model = fitted(subject, three_way=three_way)
        np.testing.assert_array_equal(model.predict_proba(shuffled), model.predict_proba(few))

    def test_a_missing_column_is_named(self, subject):
        with pytest.raises(UsageError, match="rest"):
            fitted(subject).predict_proba(lopsided().X.drop(columns="rest"))

    def test_inputs_stay_untouched(self, subject, matrix, three_way):
        X, y, meta = matrix.X.copy(), matrix.y.copy(), matrix.meta.copy()
        model = fitted(subject, three_way=three_way)
        model.predict_proba(matrix.X)
        model.contributions(matrix.X)
        pd.testing.assert_frame_equal(matrix.X, X)
        pd.testing.assert_series_equal(matrix.y, y)
        pd.testing.assert_frame_equal(matrix.meta, meta)

    def test_importance_covers_the_features_and_finds_the_strong_one(self, subject, matrix, three_way):
        importance = fitted(subject, three_way=three_way).feature_importance()
        assert tuple(importance.index) == matrix.feature_names
        assert importance.dtype == np.float64
        assert ((importance >= 0) & np.isfinite(importance)).all()
        assert importance.idxmax() in {"elo_prob", "elo_draw", "form"}
        if not three_way:
            assert importance["never"] == 0.0

    def test_contributions_and_base_add_up_to_the_log_odds(self, subject):
        found = fitted(subject).contributions(lopsided().X)
        if not subject.contributes:
            assert found is None
            return
        contributions, base = found
        p = said(subject)[:, 0]
        np.testing.assert_allclose(contributions.sum(axis=1) + base, np.log(p / (1 - p)), atol=1e-6)
        assert tuple(contributions.columns) == lopsided().feature_names
        assert contributions.index.equals(lopsided().X.index)

    def test_three_outcomes_have_no_exact_contributions(self, subject):
        assert fitted(subject, three_way=True).contributions(with_draws().X) is None

    def test_one_seed_gives_equal_bits_or_the_trainer_says_why_not(self, subject):
        reason = subject.trainer.repeatable(subject.params)
        if reason is not None:
            assert len(reason) > 10
            return
        again = fitted(subject, again=1)
        np.testing.assert_array_equal(again.predict_proba(lopsided().X), said(subject))
        pd.testing.assert_series_equal(again.feature_importance(), fitted(subject).feature_importance())

    def test_no_rows_give_no_probabilities(self, subject, matrix, three_way):
        empty = fitted(subject, three_way=three_way).predict_proba(matrix.X.iloc[:0])
        assert empty.shape == (0, len(matrix.outcomes))

    def test_rows_of_which_nothing_is_known_get_a_probability(self, subject, matrix, three_way):
        blank = matrix.X.iloc[:3] * np.nan
        p = fitted(subject, three_way=three_way).predict_proba(blank)
        assert np.isfinite(p).all()
        np.testing.assert_array_equal(p[0], p[1])

    def test_permuted_labels_teach_nothing(self, subject, three_way):
        matrix = meaningless(three_way=three_way)
        (fold,) = walk_forward(matrix, test_from=2002)
        model = subject.trainer.fit(matrix.take(fold.train), matrix.outcomes, subject.params, SEED)
        p, y = model.predict_proba(matrix.X.iloc[fold.test])[:, 0], matrix.y.iloc[fold.test] == 1
        assert abs(auc(p, y) - 0.5) < 3 * auc_null_sd(len(p))

    def test_rows_that_count_half_pull_the_mean_by_half(self, subject):
        if not subject.weighs:
            pytest.skip("half of a stake was decided, but the points were scored whole")
        matrix = league(seasons=3, games=200)
        halved = replace(matrix, weight=matrix.y.map({1.0: 1.0, 0.0: 0.5}))
        model = subject.trainer.fit(halved, TWO_WAY, subject.params, SEED)
        mean = model.predict_proba(matrix.X)[:, 0].mean()
        assert mean == pytest.approx(np.average(matrix.y, weights=halved.weight), abs=0.05)

    def test_unlabelled_or_one_sided_rows_cannot_be_trained_on(self, subject):
        matrix = lopsided()
        with pytest.raises(UsageError, match="without a label"):
            subject.trainer.fit(league(seasons=1, pushes=True), TWO_WAY, subject.params, SEED)
        with pytest.raises(UsageError, match="all 2 are needed"):
            subject.trainer.fit(matrix.take((matrix.y == 1).to_numpy()), TWO_WAY, subject.params, SEED)
        with pytest.raises(UsageError, match="all 3 are needed"):
            subject.trainer.fit(matrix, with_draws().outcomes, subject.params, SEED)

    def test_a_parameter_that_does_not_exist_is_refused(self, subject):
        with pytest.raises(UsageError, match="magic"):
            subject.trainer.fit(lopsided(), TWO_WAY, {**subject.params, "magic": 1}, SEED)

    def test_another_version_of_the_library_is_refused(self, subject, tmp_path):
        header = json.loads((saved(subject, tmp_path) / HEADER).read_text())
        (tmp_path / HEADER).write_text(json.dumps({**header, "library_version": "0.1.7"}))
        with pytest.raises(ArtifactError, match=r"0\.1\.7"):
            load_model(tmp_path)

    def test_a_damaged_model_is_refused(self, subject, tmp_path):
        saved(subject, tmp_path)
        for content in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != HEADER):
            content.write_bytes(b"tree\nbroken")
        with pytest.raises(ArtifactError, match="damaged"):
            load_model(tmp_path).predict_proba(lopsided().X)

    def test_a_model_without_its_files_is_refused(self, subject, tmp_path):
        saved(subject, tmp_path)
        for content in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != HEADER):
            content.unlink()
        with pytest.raises(ArtifactError):
            load_model(tmp_path).predict_proba(lopsided().X)

    def test_an_empty_folder_is_no_model(self, subject, tmp_path):
        with pytest.raises(AiproError, match=r"model\.json"):
            subject.trainer.load(tmp_path)
