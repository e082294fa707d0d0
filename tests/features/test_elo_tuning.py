"""Tuning Elo: it finds the figures a league was made with, and says how sure it is."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.config import EloConfig
from aipro_ml.errors import UsageError
from aipro_ml.features.elo import three_way, win_probability
from aipro_ml.features.elo_tuning import game_losses, tune_elo

MADE = EloConfig(k=20, home_advantage=60, carry=1.0, margin_multiplier="none", draw=0.75)


def made_results(seed: int, seasons: int = 8, games: int = 380) -> pd.DataFrame:
    """Results of twenty teams of fixed strength, drawn from Davidson's model with a home advantage of 60 points."""
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 120, 20)
    n = seasons * games
    home = rng.integers(0, 20, n)
    away = (home + rng.integers(1, 20, n)) % 20
    lead = strength[home] - strength[away] + 60
    chances = np.array([three_way(win_probability(one), 0.75) for one in lead])
    drawn = rng.random(n)
    margin = np.select([drawn < chances[:, 0], drawn < chances.sum(axis=1)], [1, 0], -1)
    kickoff = pd.date_range("2001-08-01", periods=n, freq="h", tz="UTC")
    return pd.DataFrame(
        {
            "game_id": [f"g{number:05d}" for number in range(n)],
            "season": np.repeat(np.arange(2001, 2001 + seasons), games),
            "home_team_id": [f"T{team}" for team in home],
            "away_team_id": [f"T{team}" for team in away],
            "home_score": 1.0 + (margin > 0),
            "away_score": 1.0 + (margin < 0),
            "neutral_site": False,
            "kickoff": kickoff,
            "known_at": kickoff + pd.Timedelta(hours=2),
        }
    )


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return made_results(3)


def test_wrong_figures_are_moved_toward_those_the_league_was_made_with(results: pd.DataFrame) -> None:
    wrong = MADE.model_copy(update={"home_advantage": 140.0, "draw": 0.35})
    found = tune_elo(results, wrong, until=2008, burn_in=1)
    assert abs(found.best.home_advantage - 60) < 30
    assert found.best.draw == pytest.approx(0.75, abs=0.2)
    assert found.best.carry >= 0.9  # strengths never change
    assert found.is_clear
    assert found.best_loss < found.configured_loss
    assert found.gain == pytest.approx(found.configured_loss - found.best_loss)
    assert "home_advantage" in found.yaml


def test_only_seasons_after_the_burn_in_up_to_the_last_are_scored(results: pd.DataFrame) -> None:
    found = tune_elo(results, MADE, until=2005, burn_in=2)
    assert found.seasons == (2003, 2005)
    assert found.games == 3 * 380
    later = results.assign(home_score=results["home_score"].where(results["season"] <= 2005, 9.0))
    assert tune_elo(later, MADE, until=2005, burn_in=2) == found


def test_the_best_of_each_figure_has_no_difference_to_itself_and_every_other_is_worse(results: pd.DataFrame) -> None:
    trials = tune_elo(results, MADE, until=2006, burn_in=1).trials
    assert {trial.parameter for trial in trials} == {"k", "home_advantage", "carry", "draw"}
    assert sum(trial.difference == 0 for trial in trials) >= 4
    assert all(trial.difference >= 0 for trial in trials)


def test_a_tie_of_a_two_way_sport_is_a_push_and_not_scored() -> None:
    tied = made_results(5, seasons=1, games=40).assign(home_score=1.0, away_score=1.0)
    assert np.isnan(game_losses(tied, MADE.model_copy(update={"draw": None}))).all()
    assert np.isfinite(game_losses(tied, MADE)).all()


def test_too_few_games_are_refused(results: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"0 games .* too few"):
        tune_elo(results, MADE, until=1999, burn_in=1)


@pytest.mark.parametrize("expected", [0.05, 0.3, 0.5, 0.62, 0.97])
def test_davidsons_chances_keep_what_elo_expects(expected: float) -> None:
    win, draw = three_way(expected, 0.75)
    assert win + draw / 2 == pytest.approx(expected, abs=1e-12)
    assert draw / np.sqrt(win * (1 - win - draw)) == pytest.approx(0.75)
    assert three_way(0.5, 0.75)[1] == pytest.approx(0.75 / 2.75)
