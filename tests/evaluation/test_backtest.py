"""A book evaluated: noise and knowledge told apart, rivals on the same games, a leak refused, one seed one result."""

import json

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.enums import BetType, DevigMethod
from aipro_ml.errors import LeakError
from aipro_ml.evaluation.backtest import Facts, rivals, settled_book, taken
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.evaluation.backtest_leak import LeakCheck, check_leak, refuse_leak
from aipro_ml.evaluation.backtest_plots import pictures
from aipro_ml.evaluation.backtest_report import sentences, write_page
from aipro_ml.evaluation.backtest_result import CLV_TEST, EVERY, PLACED, Setting, evaluate
from tests.evaluation.backtest_books import DAY, START, book, leaking

HOW = BacktestConfig(draws=200)
MARGIN = 1 - 1 / (2 * 110 / 210)
"""What a bet at −110 on either side costs where the market is fair."""

STAGES = {"model": "model_probability"}


def setting(**changed):
    how = changed.pop("how", HOW)
    return Setting(how, games=500, abstained={"no_opener": 20}, leak=LeakCheck(), **changed)


def figure(result, name):
    return next(each for each in result.figures if each.name == name)


def test_noise_pays_the_margin_and_proves_nothing():
    results = [evaluate(book(seed), setting()) for seed in range(8)]
    for result in results:
        clv = figure(result, EVERY).clv
        assert clv.low - 0.01 < -MARGIN < clv.high + 0.01
        assert clv.high < 0
    p = [next(test.p for test in result.tests if test.figure == CLV_TEST) for result in results]
    assert min(p) > 0.005
    slopes = [result.slope for result in results]
    assert sum(slope.ci_low <= 0 <= slope.ci_high for slope in slopes) >= 6


def test_a_model_that_knows_gains_with_its_edge_and_beats_its_rivals():
    result = evaluate(book(2, skill=0.7), setting(trials=4))
    assert figure(result, PLACED).clv.low > -MARGIN / 2
    assert result.slope.ci_low > 0
    values = [each.value for each in result.bins if each.n > 20]
    assert values == sorted(values)
    test = next(test for test in result.tests if test.figure == CLV_TEST)
    assert test.adjusted == pytest.approx(4 * test.p)
    rivals_best = max(each.clv.mean for each in result.figures[2:])
    assert figure(result, EVERY).clv.mean > rivals_best
    assert any("more than chance explains" in sentence for sentence in sentences(result))


def test_equal_books_give_equal_results_and_another_seed_others():
    table = book(4)
    one, again = (json.dumps(evaluate(table, setting()).document, sort_keys=True) for _ in range(2))
    assert one == again
    other = BacktestConfig(draws=200, seed=7)
    assert json.dumps(evaluate(table, setting(how=other)).document, sort_keys=True) != one


def test_figures_are_those_of_the_bets_counted_by_hand():
    table = book(5)
    table.loc[:3, ["result_reference", "result_other"]] = "push"
    table.loc[:3, ["profit_reference", "profit_other"]] = 0.0
    table.loc[4:6, "struck_price_reference"] = np.nan
    table.loc[4:6, "profit_reference"] = np.nan
    result = evaluate(table, setting())
    placed = (table["kelly"] > 0) & taken(table, "struck_price").notna()
    own = figure(result, PLACED)
    assert own.n == placed.sum()
    assert own.units == pytest.approx(taken(table, "profit")[placed].sum())
    assert own.roi.mean == pytest.approx(taken(table, "profit")[placed].mean())
    ended = taken(table, "result")[placed].value_counts()
    assert (own.won, own.lost, own.pushed) == (ended["win"], ended["loss"], ended.get("push", 0))
    assert own.hit_rate == pytest.approx(ended["win"] / (ended["win"] + ended["loss"]))
    assert result.counts["missed"] == ((table["kelly"] > 0) & taken(table, "struck_price").isna()).sum()
    assert result.runs[0.0].final == pytest.approx(HOW.bankroll + result.runs[0.0].profits.sum())
    falling = result.money["flat_units"].tolist()
    assert falling == sorted(falling, reverse=True)
    assert result.months["units"].sum() == pytest.approx(own.units)
    assert result.bets["placed"].sum() == own.n


def test_rivals_take_the_sides_their_names_say():
    table = book(6).assign(fair=np.linspace(0.3, 0.7, 480))
    sides = rivals(table, seed=1)
    assert sides["home"].all()
    assert (sides["favourite"] == (table["fair"] >= 0.5)).all()
    assert (sides["favourite"] != sides["underdog"]).all()
    assert (sides["market"] == sides["favourite"]).all()  # one price on either side
    dear = table.assign(offered_other=250.0)
    assert not rivals(dear, seed=1)["market"][:240].any()  # a price that good is worth taking by the consensus
    assert (sides["random"] == rivals(table, seed=1)["random"]).all()
    assert 0.4 < sides["random"].mean() < 0.6


def test_a_planted_leak_is_refused_and_an_honest_model_is_not():
    honest = book(7, n=960, skill=0.9)
    refuse_leak(check_leak(honest, STAGES), 3.0, 500)
    check = check_leak(leaking(honest), STAGES)
    assert check.n == 960
    with pytest.raises(LeakError, match="a leak until proven otherwise"):
        refuse_leak(check, 3.0, 500)
    refuse_leak(check, 3.0, 5000)  # of few games nothing can be told


def test_half_results_count_half_in_the_leak_alarm():
    halves = book(7, n=960, skill=0.9)
    half = np.arange(960) % 3 == 0
    settled = halves["result_reference"].mask(half & (halves["result_reference"] == "win"), "half_win")
    settled = settled.mask(half & (halves["result_reference"] == "loss"), "half_loss")
    check = check_leak(halves.assign(result_reference=settled), STAGES)
    won, p = halves["result_reference"] == "win", halves[["model_probability", "p_close_reference"]]
    lost = -np.log(p.where(won, 1 - p, axis=0))
    gap, weight = lost["model_probability"] - lost["p_close_reference"], np.where(half, 0.5, 1.0)
    mean = np.average(gap, weights=weight)
    error = np.sqrt(960 / 959 * np.sum((weight * (gap - mean)) ** 2)) / weight.sum()
    assert (check.n, check.ahead["model"]) == (960, pytest.approx(-mean / error))


def test_no_bet_is_an_outcome_with_a_page_of_its_own(tmp_path):
    result = evaluate(book(1, kelly=0.0), setting())
    assert (result.counts["bets"], result.runs[0.0].final) == (0, HOW.bankroll)
    assert result.headline["roi"] is None
    assert "No bet was placed" in " ".join(sentences(result))
    json.dumps(result.document, allow_nan=False)
    page = write_page(tmp_path / "report.html", result, {"Sport": "NFL"}, pictures(tmp_path, result))
    assert "That is an honest outcome" in page.read_text(encoding="utf-8")


def test_the_page_has_every_picture_and_table(tmp_path):
    result = evaluate(book(2, skill=0.7), setting())
    drawn = pictures(tmp_path, result)
    assert [path.stem for path, _ in drawn] == ["bankroll", "drawdown", "units", "edge", "months", "chance"]
    text = write_page(tmp_path / "report.html", result, {"Sport": "<NFL>"}, drawn).read_text(encoding="utf-8")
    assert text.count("data:image/png") == 6
    assert "&lt;NFL&gt;" in text
    assert "http" not in text.replace('http-equiv="', "")


def test_both_sides_are_settled_on_the_line_that_was_struck():
    games = pd.DataFrame(
        {
            "status": ["final", "final", "postponed"],
            "home_score": [24.0, 21.0, np.nan],
            "away_score": [20.0, 20.0, np.nan],
        },
        index=["g1", "g2", "g3"],
    )
    table = book(1, n=3).assign(game_id=["g1", "g2", "g3"], line=-3.5)
    decisions = table[[name for name in table.columns if not name.endswith(("_reference", "_other"))]]
    decisions = decisions.drop(columns="standing")
    strikes = table[[name for name in table.columns if name.startswith(("offered", "struck"))]]
    strikes = strikes.assign(struck_line_reference=[-3.5, -3.0, -3.5], struck_line_other=[4.0, 1.0, 3.5])
    closing = pd.DataFrame(
        {
            "game_id": ["g1", "g1"],
            "book": "b",
            "market": "spread",
            "selection": ["home", "away"],
            "closing_line": [-5.0, 5.0],
            "closing_price": -110.0,
            "closed_at": START + DAY,
        }
    )
    spread = {BetType.SPREAD: MarginDistribution(BetType.SPREAD, 13.2)}
    facts = Facts(games, closing, dict.fromkeys((2021,), spread), DevigMethod.POWER)
    found = settled_book(decisions.assign(season=2021), strikes, facts).set_index("game_id")
    assert found["standing"].tolist() == ["graded", "graded", "void"]
    assert found.loc["g1", ["result_reference", "result_other"]].tolist() == ["win", "push"]
    assert found.loc["g2", ["result_reference", "result_other"]].tolist() == ["loss", "push"]
    assert found.loc["g1", "clv_reference"] > found.loc["g1", "clv_other"]
    assert found.loc["g1", ["clv_points_reference", "clv_points_other"]].tolist() == [1.5, -1.0]
    assert np.isnan(found.loc["g2", "clv_reference"])
