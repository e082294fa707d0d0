"""The comparison of devig methods: log losses by hand, pushes and half pushes, verdicts that are earned."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.margin import devig
from aipro_ml.betting.odds import decimal_to_american
from aipro_ml.config import sport_config
from aipro_ml.enums import BetType, DevigMethod
from aipro_ml.market.devig_comparison import compare_methods

NFL, EPL = sport_config("NFL"), sport_config("EPL")
START = pd.Timestamp("2024-01-01T18:00Z")


def games(scores, days=1):
    """Return finished games "g0" … with (home, away) scores, `days` apart."""
    frame = pd.DataFrame(scores, columns=["home_score", "away_score"]).astype("float64")
    frame["kickoff"] = [START + pd.Timedelta(days=days * n) for n in range(len(frame))]
    return frame.set_axis([f"g{n}" for n in range(len(frame))])


def priced(prices, sides=("home", "away"), market="moneyline", line=np.nan):
    """Return one book's quotes of games "g0" …, a row of prices a game."""
    rows = [
        (f"g{n}", "a", market, side, -line if (market, side) == ("spread", "away") else line, price)
        for n, game in enumerate(prices)
        for side, price in zip(sides, game, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["game_id", "book", "market", "selection", "line", "price"])
    return frame.astype({"line": "float64", "price": "float64"})


def with_margin(fair, method, k=1.12):
    """Return American prices of fair probabilities (n, 2) whose margin `method` takes out again."""
    implied = fair * 1.06 if method is DevigMethod.MULTIPLICATIVE else fair ** (1 / k)
    return decimal_to_american(1 / implied)


def test_two_way_losses_are_those_of_the_devigged_prices_and_ties_are_out():
    prices = [[-150, 130], [120, -140], [-110, -110], [-300, 250]] * 10
    scores = [(20, 10), (10, 20), (7, 7), (3, 21)] * 10
    found = compare_methods(priced(prices), games(scores), BetType.MONEYLINE, NFL, seed=1)
    assert (found.games, found.pushes) == (30, 10)
    for score in found.scores:
        p = devig(prices, score.method).probabilities
        expected = -np.mean([np.log(p[0, 0]), np.log(p[1, 1]), np.log(p[3, 1])])
        assert score.log_loss == pytest.approx(expected, abs=1e-9)
    assert [score.log_loss for score in found.scores] == sorted(score.log_loss for score in found.scores)


def test_three_way_losses_are_of_the_outcome_that_happened_and_draws_stay_in():
    prices = [[170, 230, 160], [-120, 260, 320], [300, 240, -110]] * 12
    scores = [(1, 1), (2, 0), (0, 1)] * 12
    quotes = priced(prices, ("home", "draw", "away"))
    found = compare_methods(quotes, games(scores), BetType.MONEYLINE, EPL, seed=1)
    assert (found.games, found.pushes) == (36, 0)
    for score in found.scores:
        p = devig(prices, score.method).probabilities
        assert score.log_loss == pytest.approx(-np.mean(np.log([p[0, 1], p[1, 0], p[2, 2]])), abs=1e-9)


def test_a_quarter_line_half_pushed_counts_half():
    quotes = priced([[-150, 130]] * 40, market="spread", line=-0.75)
    found = compare_methods(quotes, games([(1, 0), (2, 0)] * 20), BetType.SPREAD, EPL, seed=1)
    p = devig([[-150, 130]], DevigMethod.POWER).probabilities[0, 0]  # 1:0 wins half the stake, 2:0 all of it
    power = next(score for score in found.scores if score.method is DevigMethod.POWER)
    assert power.log_loss == pytest.approx(-np.log(p), abs=1e-9)
    assert (found.bands[-1].happened, str(found.bands[-1].se)) == (1, "nan")  # all alike: no error to tell


def test_a_spread_is_won_by_one_of_its_sides_and_a_push_by_none():
    quotes = priced([[-150, 130]] * 60, market="spread", line=-3.0)
    found = compare_methods(quotes, games([(7, 6), (10, 3), (6, 3)] * 20), BetType.SPREAD, NFL, seed=1)
    assert (found.games, found.pushes) == (40, 20)
    for score in found.scores:
        p = devig([[-150, 130]], score.method).probabilities[0]
        assert score.log_loss == pytest.approx(-np.log(p).mean(), abs=1e-9)  # away covers at 7:6, home at 10:3


@pytest.mark.parametrize("truth", [DevigMethod.MULTIPLICATIVE, DevigMethod.POWER])
def test_the_method_that_made_the_prices_is_found_and_never_beaten(truth):
    random = np.random.default_rng(5)
    home = random.uniform(0.07, 0.93, 40_000)
    fair = np.column_stack([home, 1 - home])
    won = random.random(len(home)) < home
    scores = np.where(won[:, None], [20, 10], [10, 20])
    found = compare_methods(priced(with_margin(fair, truth, 1.25)), games(scores, 0.05), BetType.MONEYLINE, NFL, seed=1)
    if truth is DevigMethod.POWER:
        assert found.scores[0].method is DevigMethod.POWER
        assert found.verdict.startswith("none is better than power")
        assert "behind power: " in found.verdict
    else:
        assert "multiplicative" in found.verdict.partition(";")[0]


def test_methods_that_agree_are_not_told_apart():
    found = compare_methods(priced([[-110, -110]] * 50), games([(1, 0), (0, 1)] * 25), BetType.MONEYLINE, NFL, seed=1)
    assert found.verdict == "none is better than power within its uncertainty"
    assert all(score.difference == pytest.approx(0, abs=1e-12) for score in found.scores)


def test_a_handful_of_games_is_not_compared():
    quotes = priced([[-110, -110]] * 29)
    assert compare_methods(quotes, games([(1, 0)] * 29), BetType.MONEYLINE, NFL, seed=1) is None
    assert compare_methods(quotes, games([(1, 0)] * 29), BetType.TOTAL, NFL, seed=1) is None


def test_bands_say_how_often_longshots_won():
    prices, scores = [[-2000, 1200]] * 40, [(20, 10)] * 38 + [(10, 20)] * 2
    found = compare_methods(priced(prices), games(scores), BetType.MONEYLINE, NFL, seed=1)
    longshot, favourite = found.bands
    assert (longshot.low, longshot.n, longshot.happened) == (0.0, 40, pytest.approx(0.05))
    assert longshot.se == pytest.approx(np.sqrt(0.05 * 0.95 / 40))
    assert (favourite.high, favourite.happened) == (1.0, pytest.approx(0.95))
    said = longshot.mean_probability
    assert said[DevigMethod.MULTIPLICATIVE] > said[DevigMethod.SHIN] > said[DevigMethod.POWER]
