"""The market blend finds what the model adds to the market, and says so."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.calibration.blend import MarketBlend, fit_blend, free_blend, load_blend, with_published
from aipro_ml.calibration.logits import expit, logit
from aipro_ml.errors import ArtifactError


def rows(n=20_000, seed=1, model=0.3, market=0.8):
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    p = expit(truth + random.normal(scale=0.5, size=n))
    q = expit(truth + random.normal(scale=0.3, size=n))
    y = (random.random(n) < expit(model * logit(p) + market * logit(q))).astype("float64")
    return p, q, y


def test_known_coefficients_are_recovered_within_their_errors():
    blend = fit_blend(*rows())
    assert abs(blend.model_coef - 0.3) < 3 * blend.model_se
    assert abs(blend.market_coef - 0.8) < 3 * blend.market_se
    assert blend.model_se < 0.1
    assert blend.n == 20_000


def test_a_model_that_adds_nothing_gets_nothing():
    blends = [free_blend(*rows(n=1000, seed=seed, model=0.0, market=1.0)) for seed in range(100)]
    z = np.array([blend.model_coef / blend.model_se for blend in blends])
    assert abs(z.mean()) < 3 / np.sqrt(100)
    assert 0.8 < z.std() < 1.2  # the standard error is as wide as the coefficient really varies


def objective(p, q, y, model, market):
    """What the blend minimises: the log loss summed, and how far both weights are from model 0 and market 1."""
    z = model * logit(p) + market * logit(q)
    return np.sum(np.logaddexp(0.0, z) - y * z) + (model**2 + (market - 1) ** 2) / (2 * 0.5**2)


@pytest.mark.parametrize("outcomes", [2, 3])
def test_what_is_published_never_leans_against_its_own_model(outcomes):
    p, q, y = rows(n=800, model=-0.3, market=1.1)
    said = (p, q, y) if outcomes == 2 else (np.column_stack([p, 1 - p]), np.column_stack([q, 1 - q]), 1 - y)
    free, blend = free_blend(*said), fit_blend(*said)
    assert free.model_coef < -0.1
    assert (blend.model_coef, blend.model_se, blend.n) == (0.0, free.model_se, 800)
    assert blend.market_coef < free.market_coef  # the market no longer makes up for the model
    around = [objective(p, q, y, 0.0, blend.market_coef + step) for step in (-0.02, 0.0, 0.02)]
    assert around[1] < min(around[0], around[2])
    assert all(objective(p, q, y, model, free.market_coef) > around[1] for model in (0.02, 0.1, 0.3))


def test_a_weight_above_zero_is_left_as_the_rows_say():
    assert fit_blend(*rows()) == free_blend(*rows())


def test_below_two_hundred_rows_the_market_itself_is_published():
    p, q, y = rows(n=199)
    blend = fit_blend(p, q, y)
    assert (blend.model_coef, blend.market_coef, blend.model_se, blend.n) == (0.0, 1.0, None, 199)
    np.testing.assert_allclose(blend.blend(p, q), q, atol=1e-12)


def test_rows_without_either_probability_do_not_count():
    p, q, y = rows(n=400)
    p[:101], q[101:202] = np.nan, np.nan
    assert fit_blend(p, q, y).n == 198


def test_without_a_market_the_calibrated_probability_stands():
    blended = MarketBlend(0.3, 0.8).blend(np.array([0.6, 0.6]), np.array([np.nan, 0.5]))
    assert blended[0] == 0.6
    assert blended[1] == pytest.approx(float(expit(0.3 * logit(0.6))))


def test_the_two_sides_of_a_game_stay_complementary():
    blend = MarketBlend(0.3, 0.8)
    p, q, _ = rows(n=50)
    np.testing.assert_allclose(blend.blend(p, q) + blend.blend(1 - p, 1 - q), 1.0, atol=1e-12)


def test_a_saved_blend_loads_equal_and_its_version_names_it(tmp_path):
    for blend in (MarketBlend(), fit_blend(*rows(n=500))):
        blend.save(tmp_path / "blend.json")
        assert load_blend(tmp_path / "blend.json") == blend
        assert load_blend(tmp_path / "blend.json").version == blend.version
    assert MarketBlend().version != MarketBlend(n=1).version


@pytest.mark.parametrize("text", ["{", "{}", '{"blend": "benter"}', '{"calibrator": "platt"}'])
def test_a_damaged_blend_is_one_clear_error(text, tmp_path):
    (tmp_path / "blend.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"blend\.json"):
        load_blend(tmp_path / "blend.json")


def test_each_season_is_blended_by_earlier_seasons_only():
    p, q, y = rows(n=1000)
    oof = pd.DataFrame({"season": np.repeat([2000, 2001, 2002, 2003], 250), "p": p, "y": y, "market_prob": q})
    calibrated = pd.Series(p).where(oof["season"] > 2000)
    published = with_published(oof.assign(calibrated=calibrated))["published"]
    assert published[oof["season"] == 2000].isna().all()
    season = (oof["season"] == 2001).to_numpy()
    np.testing.assert_allclose(published[season], q[season], atol=1e-12)
    last, before = (oof["season"] == 2003).to_numpy(), oof["season"].isin([2001, 2002]).to_numpy()
    fit = fit_blend(p[before], q[before], y[before])
    np.testing.assert_array_equal(published[last], fit.blend(p[last], q[last]))
