"""Stacking: what the coefficients are, what they were learned on, and the ensemble as a model."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from aipro_ml.calibration.blend import free_blend
from aipro_ml.errors import AiproError, ArtifactError, UsageError
from aipro_ml.metrics import log_losses
from aipro_ml.training.ensemble import ensemble
from aipro_ml.training.oof import losses, outcomes_seen, probabilities, scored_rows
from aipro_ml.training.registry import load_model, requirements_of, trainer_for
from aipro_ml.training.stacking import EPSILON, PRIOR_SD, Pool, fit_pool, market_blend, stack
from tests.training.league import FEATURES, league, three_way_league


def said_by(matrix, noise=0.0, seed=0):
    """Return the out-of-fold frame of what a member says that knows the true strength of the games, and noise."""
    random = np.random.default_rng(seed)
    p = matrix.meta["market_prob"].to_numpy("float64")
    strength = np.log(p / (1 - p)) + random.normal(scale=noise, size=len(p))
    if not matrix.three_way:
        return scored_rows(matrix, np.arange(len(p)), 1 / (1 + np.exp(-strength)))
    home = np.clip(1 / (1 + np.exp(-strength)), None, 0.99)
    draw = np.minimum(matrix.meta["market_draw"].to_numpy("float64"), 0.9 * (1 - home))
    return scored_rows(matrix, np.arange(len(p)), np.column_stack([home, draw, 1 - home - draw]))


@pytest.fixture(scope="module", params=[2, 3], ids=["two-way", "three-way"])
def oofs(request):
    make = league if request.param == 2 else three_way_league
    matrix = make(seasons=4, games=250)
    return {name: said_by(matrix, noise, seed) for seed, (name, noise) in enumerate([("good", 0.3), ("bad", 1.5)])}


def test_the_coefficients_are_the_maximum_a_numeric_search_finds(oofs):
    frames = list(oofs.values())
    said, seen = [probabilities(frame) for frame in frames], outcomes_seen(frames[0])
    weight = np.random.default_rng(1).choice([0.5, 1.0], len(seen))
    found = fit_pool(said, seen, weight, (0.5, 0.5))
    logs = np.log(np.clip(np.stack(said, axis=-1), EPSILON, 1))

    def objective(coef):
        scores = logs @ coef
        chosen = scores[np.arange(len(seen)), seen] - np.log(np.exp(scores).sum(axis=1))
        return -(weight @ chosen) + ((coef - 0.5) ** 2).sum() / (2 * PRIOR_SD**2)

    best = minimize(objective, [0.5, 0.5], method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(found.coef, best.x, atol=1e-5)
    steps = 1e-3 * np.eye(2)
    hessian = [[objective(best.x + a + b) - objective(best.x + a - b) - objective(best.x - a + b)
                + objective(best.x - a - b) for b in steps] for a in steps]  # fmt: skip
    np.testing.assert_allclose(found.se, np.sqrt(np.diag(np.linalg.inv(np.array(hessian) / 4e-6))), rtol=1e-3)
    assert found.n == len(seen)


def test_a_stack_trusts_the_better_member_and_is_no_worse(oofs):
    made = stack(oofs)
    assert made.pool.coef[0] > 2 * made.pool.coef[1]
    late = made.oof["season"] == 2003
    mean = {name: losses(oof[late]).mean() for name, oof in {**oofs, "stack": made.oof}.items()}
    assert mean["stack"] < mean["good"] + 0.005
    assert mean["stack"] < mean["bad"] - 0.02


def test_a_season_is_pooled_by_earlier_seasons_alone(oofs):
    made = stack(oofs)
    last = oofs["good"]["season"] == 2003
    changed = {name: oof.assign(y=oof["y"].mask(last, 0.0)) for name, oof in oofs.items()}
    again = stack(changed)
    np.testing.assert_array_equal(again.oof["p"], made.oof["p"])
    assert again.pool != made.pool
    early = {name: oof.assign(y=oof["y"].mask(oof["season"] == 2002, 0.0)) for name, oof in oofs.items()}
    assert not np.array_equal(stack(early).oof["p"][last], made.oof["p"][last])


def test_the_first_season_is_the_average_in_log_odds():
    matrix = league(seasons=2, games=250)
    one, two = said_by(matrix, 0.5, 1), said_by(matrix, 0.5, 2)
    made = stack({"one": one, "two": two}).oof
    logits = [np.log(oof["p"] / (1 - oof["p"])) for oof in (one, two)]
    first = made["season"] == 2000
    np.testing.assert_allclose(made["p"][first], (1 / (1 + np.exp(-(logits[0] + logits[1]) / 2)))[first], atol=1e-12)


def test_a_member_that_would_subtract_is_left_out():
    matrix = league(seasons=3, games=300)
    odds = np.sqrt(said_by(matrix)["p"] / (1 - said_by(matrix)["p"]))
    timid = said_by(matrix).assign(p=odds / (1 + odds))
    made = stack({"timid": timid, "against": timid.assign(p=1 - timid["p"])})
    assert made.pool.coef[1] == 0.0
    assert made.pool.coef[0] > 1.5
    assert made.pool.rows(["timid", "against"])[1] == {"of": "against", "coefficient": 0.0, "se": 0.0, "n": 900}


def test_members_are_pooled_on_the_games_that_all_have(oofs):
    fewer = {**oofs, "bad": oofs["bad"].iloc[100:]}
    assert list(stack(fewer).oof.index) == list(oofs["good"].index[100:])
    with pytest.raises(UsageError, match="two members"):
        stack({"good": oofs["good"]})


def test_the_market_blend_is_the_published_one_before_its_weight_is_held_at_zero():
    oof = said_by(league(seasons=4, games=250), 0.8)
    made = market_blend(oof)
    for season in sorted(set(oof["season"])):
        earlier, now = oof[oof["season"] < season], oof[oof["season"] == season]
        free = free_blend(earlier["p"], earlier["market_prob"], earlier["y"])
        np.testing.assert_allclose(made.oof.loc[now.index, "p"], free.blend(now["p"], now["market_prob"]), atol=1e-6)
    assert made.pool.coef[1] > 0.6
    assert abs(made.pool.coef[0]) < 3 * made.pool.se[0]


def test_three_way_blends_and_markets_without_any_price():
    matrix = three_way_league(seasons=3, games=250)
    oof = said_by(matrix, 0.8)
    made = market_blend(oof)
    p = probabilities(made.oof)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert losses(made.oof).mean() < losses(oof).mean()
    assert market_blend(oof.assign(market_prob=np.nan)) is None


def test_certainty_stays_finite():
    said = [np.array([[1.0, 0.0], [0.0, 1.0]])] * 2
    p = Pool((1.0, 1.0)).mix(said)
    assert ((p > 0) & (p < 1)).all()
    assert np.isfinite(log_losses(p[:, 0], np.array([0.0, 1.0]))).all()


@pytest.fixture(scope="module")
def matrix():
    return league(seasons=3, games=100)


def members_of(matrix, *names):
    params = {"logistic_regression": {"C": 0.1}, "lightgbm": {"n_estimators": 10, "num_leaves": 4}}
    fit = {name: trainer_for("sklearn", name).fit for name in names}
    return {
        name: fit[name](matrix.select(FEATURES[number:]), matrix.outcomes, params.get(name, {}), 3)
        for number, name in enumerate(names)
    }


def made_of(matrix, *names, coef=(0.7, 0.4)):
    return ensemble(FEATURES, members_of(matrix, *names), Pool(coef, (0.1, 0.2), 900))


def test_an_ensemble_is_saved_loaded_and_explained_like_any_model(matrix, tmp_path):
    model = made_of(matrix, "logistic_regression", "lightgbm")
    p = model.predict_proba(matrix.X)
    logits = [
        np.log(one[:, 0] / one[:, 1]) for one in (each.predict_proba(matrix.X) for each in model.members.values())
    ]
    np.testing.assert_allclose(np.log(p[:, 0] / p[:, 1]), 0.7 * logits[0] + 0.4 * logits[1], atol=1e-9)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(matrix.X), p)
    assert loaded.pool == model.pool
    contributions, base = loaded.contributions(matrix.X)
    np.testing.assert_allclose(contributions.sum(axis=1) + base, np.log(p[:, 0] / p[:, 1]), atol=1e-6)
    importance = loaded.feature_importance()
    assert tuple(importance.index) == FEATURES
    assert importance.sum() == pytest.approx(1.1)
    shuffled = matrix.X[list(reversed(FEATURES))].assign(other=1.0)
    np.testing.assert_array_equal(loaded.predict_proba(shuffled), p)
    assert loaded.predict_proba(matrix.X.iloc[:0]).shape == (0, 2)
    with pytest.raises(UsageError, match="rest"):
        loaded.predict_proba(matrix.X.drop(columns="rest"))


def test_a_member_without_contributions_leaves_the_ensemble_without(matrix):
    assert made_of(matrix, "logistic_regression", "hist_gradient_boosting").contributions(matrix.X) is None
    alone = made_of(matrix, "logistic_regression", "hist_gradient_boosting", coef=(1.0, 0.0))
    assert alone.contributions(matrix.X) is not None


def test_a_damaged_ensemble_or_member_is_refused(matrix, tmp_path):
    model = made_of(matrix, "logistic_regression", "lightgbm")
    for number, damage in enumerate([
        lambda folder: (folder / "pool.json").write_text("{}"),
        lambda folder: (folder / "pool.json").write_text(json.dumps({"coef": [1.0], "se": None, "n": 0})),
        lambda folder: (folder / "member-1" / "booster.txt").write_text("tree\nbroken"),
        lambda folder: (folder / "member-0" / "model.json").unlink(),
    ]):  # fmt: skip
        folder = tmp_path / str(number)
        model.save(folder)
        damage(folder)
        with pytest.raises(ArtifactError):
            load_model(folder)


def test_an_ensemble_is_not_fitted_to_rows(matrix):
    with pytest.raises(UsageError, match="stack: true"):
        trainer_for("ensemble", "stack").fit(matrix, matrix.outcomes, {}, 1)


def test_members_must_speak_of_the_same_outcomes(matrix):
    draws = three_way_league(seasons=3, games=100)
    mixed = {**members_of(matrix, "logistic_regression"), "other": members_of(draws, "lightgbm")["lightgbm"]}
    with pytest.raises(AiproError, match="different outcomes"):
        ensemble(FEATURES, mixed, Pool((0.5, 0.5)))


def test_an_ensemble_s_process_needs_what_its_members_may_need():
    assert set(requirements_of("ensemble")) >= set(requirements_of("sklearn"))


def test_the_ensemble_s_probabilities_are_a_frame_of_the_index(matrix):
    model = made_of(matrix, "logistic_regression", "lightgbm")
    found, _ = model.contributions(matrix.X)
    assert isinstance(found, pd.DataFrame)
    assert found.index.equals(matrix.X.index)
