"""The pictures exist, and say what the frames say."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.errors import UsageError
from aipro_ml.training.plots import importance_chart, season_skill, skill_by_season

PNG = b"\x89PNG"


@pytest.fixture
def oof():
    random = np.random.default_rng(1)
    market = random.uniform(0.2, 0.8, 300)
    return pd.DataFrame(
        {
            "season": np.repeat([2001, 2002, 2003], 100),
            "week": 1.0,
            "p": np.clip(market + random.normal(scale=0.1, size=300), 0.01, 0.99),
            "y": (random.random(300) < market).astype("float64"),
            "market_prob": market,
        }
    )


def test_skill_is_the_paired_difference_of_each_season(oof):
    skill = season_skill(oof)
    games = oof[oof["season"] == 2002]
    expected = metrics.log_loss(games["p"], games["y"]) - metrics.log_loss(games["market_prob"], games["y"])
    assert skill.loc[2002, "mean"] == pytest.approx(expected)
    assert list(skill.index) == [2001, 2002, 2003]
    assert skill["n"].sum() == 300


def test_pictures_are_written(oof, tmp_path):
    skill = skill_by_season(tmp_path / "a" / "skill.png", {"model": oof, "other": oof}, title="Skill")
    chart = importance_chart(tmp_path / "importance.png", pd.Series({"a": 0.0, "b": 0.0}), title="None")
    assert skill.read_bytes()[:4] == PNG
    assert chart.read_bytes()[:4] == PNG


def test_without_a_market_there_is_no_skill_to_draw(oof, tmp_path):
    with pytest.raises(UsageError, match="market"):
        skill_by_season(tmp_path / "skill.png", {"model": oof.assign(market_prob=np.nan)}, title="Skill")
