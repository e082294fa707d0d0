"""The reliability report says what it was given, each figure with its noise."""

import json

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.calibration.logits import expit
from aipro_ml.calibration.plots import reliability_diagram, season_diagrams
from aipro_ml.calibration.reliability import reliability
from aipro_ml.errors import UsageError


@pytest.fixture(scope="module")
def scored():
    random = np.random.default_rng(1)
    z = random.normal(scale=1.5, size=1500)
    y = (random.random(1500) < expit(0.5 * z)).astype("float64")
    return pd.DataFrame(
        {"season": np.repeat([2001, 2002, 2003], 500), "p": expit(z), "calibrated": expit(0.5 * z), "y": y}
    )


def test_an_overconfident_model_shows_in_slope_and_ece(scored):
    before, after = reliability(scored, seed=1), reliability(scored, "calibrated", seed=1)
    assert before.fit.slope < 1 - 5 * before.fit.slope_se
    assert before.ece > before.ece_null.q95
    assert abs(after.fit.slope - 1) < 3 * after.fit.slope_se
    assert after.ece < after.ece_null.q95
    assert abs(before.spiegelhalter_z) > 4
    assert abs(after.spiegelhalter_z) < 3


def test_figures_are_those_of_the_metrics(scored):
    report = reliability(scored, seed=1)
    assert report.n == 1500
    assert report.log_loss == metrics.log_loss(scored["p"], scored["y"])
    assert [bin_.n for bin_ in report.bins] == [150] * 10
    parts = report.decomposition
    assert parts.reliability - parts.resolution + parts.uncertainty + parts.within == pytest.approx(report.brier)


def test_each_season_has_its_row(scored):
    seasons = reliability(scored, seed=1).seasons
    assert [(row.season, row.n) for row in seasons] == [(2001, 500), (2002, 500), (2003, 500)]
    second = scored[scored["season"] == 2002]
    assert seasons[1].ece == metrics.ece(second["p"], second["y"])
    assert seasons[1].observed == second["y"].mean()
    assert seasons[1].fit == metrics.calibration_slope_intercept(second["p"], second["y"])
    assert seasons[1].spiegelhalter_z == metrics.spiegelhalter_z(second["p"], second["y"])
    assert sum(one.n for one in seasons[1].bins) == 500


def test_a_season_s_bins_hold_thirty_games_and_are_ten_at_most(scored):
    few = reliability(scored.groupby("season").head(100), seed=1).seasons
    assert [len(season.bins) for season in few] == [3, 3, 3]
    assert [len(season.bins) for season in reliability(scored, seed=1).seasons] == [10, 10, 10]


def test_seasons_are_drawn_as_one_picture_even_where_one_cannot_be_fitted(scored, tmp_path):
    certain = scored.assign(y=scored["y"].where(scored["season"] > 2001, 1.0))
    picture = season_diagrams(tmp_path / "seasons.png", reliability(certain, seed=1), title="NFL moneyline")
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_rows_without_a_probability_are_left_out(scored):
    sparse = scored.assign(p=scored["p"].where(scored["season"] > 2001))
    assert reliability(sparse, seed=1).n == 1000
    with pytest.raises(UsageError, match="nothing to report"):
        reliability(scored.assign(p=np.nan), seed=1)


def test_the_report_is_plain_json_even_where_nothing_can_be_fitted(scored):
    report = reliability(scored.assign(p=0.5), seed=1)
    assert json.loads(json.dumps(report.fields, allow_nan=False))["fit"]["slope"] is None


def test_the_diagram_is_a_picture_with_one_panel_or_two(scored, tmp_path):
    before, after = reliability(scored, seed=1), reliability(scored, "calibrated", seed=1)
    one = reliability_diagram(tmp_path / "one.png", before, title="NFL moneyline")
    two = reliability_diagram(tmp_path / "new" / "two.png", before, after, title="NFL moneyline")
    assert one.read_bytes()[:4] == two.read_bytes()[:4] == b"\x89PNG"
    assert two.stat().st_size > one.stat().st_size
