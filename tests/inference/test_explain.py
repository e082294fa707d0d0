"""Explanations add up to the published probability of the predicted side."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.enums import BetType, Selection, Tier
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.inference.explain import EXPLANATION_COLUMNS, KEPT, TERMS, explain
from aipro_ml.inference.explain import _kept as kept_columns
from aipro_ml.inference.prediction import Prediction
from aipro_ml.training.sklearn import SklearnTrainer

OUTCOMES = (Selection.HOME, Selection.AWAY)
NAMES = [f"f{i:02d}" for i in range(14)]


def matrix(n=400, columns=14):
    random = np.random.default_rng(7)
    X = pd.DataFrame(random.normal(size=(n, columns)), columns=NAMES[:columns])
    X.index = pd.Index([f"g{i}" for i in range(n)], name="game_id")
    y = pd.Series((random.random(n) < 1 / (1 + np.exp(-X["f00"] - 0.5 * X["f01"]))).astype(float), index=X.index)
    as_of = pd.Series(pd.Timestamp("2022-01-01", tz="UTC"), index=X.index)
    return FeatureMatrix(X, as_of, pd.DataFrame(index=X.index), y)


DATA = matrix()
MODELS = {
    "logistic_regression": SklearnTrainer("logistic_regression").fit(DATA, OUTCOMES, {}, 1),
    "hist_gradient_boosting": SklearnTrainer("hist_gradient_boosting").fit(DATA, OUTCOMES, {"max_iter": 15}, 1),
}


def logit(p):
    return np.log(p / (1 - p))


def prediction(model, game, side=Selection.HOME, calibrated=None, published=None):
    raw = float(model.predict_proba(DATA.X.loc[[game]])[0, 0])
    raw = raw if side is Selection.HOME else 1 - raw
    return Prediction(
        game_id=game,
        model_id="m",
        bet_type=BetType.MONEYLINE,
        predicted_side=side,
        probability=published or calibrated or raw,
        edge=None,
        kelly_fraction=0.0,
        signal_tier=Tier.D,
        line_at_prediction=None,
        odds_at_prediction=None,
        as_of=pd.Timestamp("2022-01-01", tz="UTC").to_pydatetime(),
        book=None,
        ev=None,
        push_probability=0.0,
        fair_probability=None,
        model_probability=raw,
        calibrated_probability=calibrated or raw,
        calibration_version="c" if calibrated else None,
        blend_version="b" if published else None,
    )


probabilities = st.one_of(st.none(), st.floats(0.01, 0.99))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(MODELS)),
    games=st.lists(st.sampled_from(list(DATA.X.index[:50])), min_size=1, max_size=5, unique=True),
    side=st.sampled_from(OUTCOMES),
    calibrated=probabilities,
    published=probabilities,
)
def test_the_values_sum_to_the_logit_of_the_published_probability(name, games, side, calibrated, published):
    model = MODELS[name]
    made = [prediction(model, game, side, calibrated, published) for game in games]
    sums = explain(model, DATA.X, made).groupby("prediction_id")["shap_value"].sum()
    for one in made:
        assert sums[str(one.prediction_id)] == pytest.approx(logit(one.probability), abs=1e-9)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_rest_is_what_the_model_itself_says_of_the_unnamed_features(name):
    model = MODELS[name]
    rows = explain(model, DATA.X, [prediction(model, "g3")]).set_index("feature_name")["shap_value"]
    assert abs(rows["(calibration)"]) == abs(rows["(blend)"]) == 0.0
    raw = model.predict_proba(DATA.X.loc[["g3"]])[0, 0]
    assert rows.sum() == pytest.approx(logit(raw), abs=1e-5)  # six decimals of p, no more, went to the rest
    if name == "logistic_regression":
        values, base = model.contributions(DATA.X.loc[["g3"]])
        named = [n for n in NAMES if n in rows.index]
        assert rows[named].to_numpy() == pytest.approx(values[named].iloc[0].to_numpy())
        unnamed = [n for n in NAMES if n not in rows.index]
        assert rows["(rest)"] == pytest.approx(values[unnamed].iloc[0].sum(), abs=1e-5)
        assert rows["(base)"] == pytest.approx(base[0])


def test_ten_features_and_four_terms_are_stored_largest_first():
    model = MODELS["logistic_regression"]
    rows = explain(model, DATA.X, [prediction(model, "g5", calibrated=0.6, published=0.55)])
    assert list(rows.columns) == list(EXPLANATION_COLUMNS)
    assert len(rows) == 14
    assert set(TERMS) < set(rows["feature_name"])
    assert list(rows["rank"]) == list(range(1, 15))
    assert rows["shap_value"].abs().is_monotonic_decreasing
    assert (rows["impact_direction"] == np.where(rows["shap_value"] < 0, "negative", "positive")).all()
    named = rows.loc[~rows["feature_name"].isin(TERMS)].set_index("feature_name")["feature_value"]
    assert (named == DATA.X.loc["g5", named.index]).all()


def test_features_that_did_not_predict_are_refused():
    model = MODELS["hist_gradient_boosting"]
    with pytest.raises(AiproError, match="g5"):
        explain(model, DATA.X * -1.0, [prediction(model, "g5")])


def test_the_kept_features_are_the_largest():
    model = MODELS["logistic_regression"]
    values = model.contributions(DATA.X.loc[["g5"]])[0].iloc[0].abs()
    rows = explain(model, DATA.X, [prediction(model, "g5")])
    assert set(rows["feature_name"]) - set(TERMS) == set(values.nlargest(10).index)


def test_the_other_side_has_every_sign_turned():
    model = MODELS["logistic_regression"]
    home = explain(model, DATA.X, [prediction(model, "g9")]).set_index("feature_name")["shap_value"]
    away = explain(model, DATA.X, [prediction(model, "g9", Selection.AWAY)]).set_index("feature_name")["shap_value"]
    assert away.reindex(home.index).to_numpy() == pytest.approx(-home.to_numpy(), abs=1e-5)


def test_few_features_are_all_named_and_nothing_is_left_over():
    data = matrix(200, 3)
    model = SklearnTrainer("logistic_regression").fit(data, OUTCOMES, {}, 1)
    rows = explain(model, data.X, [prediction_of(model, data)]).set_index("feature_name")
    assert len(rows) == 7
    assert abs(rows.loc["(rest)", "shap_value"]) < 1e-5


def prediction_of(model, data):
    raw = float(model.predict_proba(data.X.iloc[[0]])[0, 0])
    base = prediction(MODELS["logistic_regression"], "g0")
    return Prediction(**base.values() | {"probability": raw, "model_probability": raw, "calibrated_probability": raw})


class Opaque:
    """A model that gives nothing but probabilities."""

    outcomes = OUTCOMES
    feature_names = ("f00", "f01")

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-X["f00"].to_numpy() * X["f01"].to_numpy()))
        return np.column_stack([p, 1 - p])

    def contributions(self, X):
        return None


def test_a_model_of_no_known_form_is_explained_by_permutation():
    model = Opaque()
    made = prediction(model, "g2")
    rows = explain(model, DATA.X, [made], background=DATA.X.iloc[100:110], seed=3)
    assert rows["shap_value"].sum() == pytest.approx(logit(made.probability), abs=1e-9)
    assert abs(rows.set_index("feature_name").loc["(rest)", "shap_value"]) < 1e-5  # permutations add up too
    again = explain(model, DATA.X, [made], background=DATA.X.iloc[100:110], seed=3)
    assert again.equals(rows)


def test_a_model_of_no_known_form_needs_background_rows():
    with pytest.raises(UsageError, match="background"):
        explain(Opaque(), DATA.X, [prediction(Opaque(), "g2")])


def test_no_predictions_give_no_rows():
    assert explain(Opaque(), DATA.X, []).empty


@pytest.mark.parametrize("seed", range(20))
def test_the_kept_columns_are_those_of_a_stable_sort_with_ties_zeros_and_almost_equal_sizes(seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(60, int(random.integers(1, 40))))
    values[random.random(values.shape) < 0.3] = 0.0
    values[:20] = random.integers(-2, 3, values[:20].shape) * 0.1
    values[20:40] = random.choice([-1.0, 1.0], values[20:40].shape) * 0.3
    steps = random.integers(0, 3 if seed % 2 else 90, values[20:40].shape)  # some apart by bits that the place takes
    values[20:40].view(np.int64)[...] += steps
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    np.testing.assert_array_equal(kept_columns(values), order[:, :KEPT])
