"""The gate's verdict on evidence made to measure: what each check stops, and what it lets pass."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.config import gates_config
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.evaluation.evidence import Evidence, Finding, Shadow
from aipro_ml.evaluation.gate import Verdict, judge
from aipro_ml.evaluation.leaks import outcome_named
from aipro_ml.features.sport import sport

N = 1200
LIMITS = gates_config().gate("NFL", BetType.MONEYLINE)


def squeezed(logits):
    return 1 / (1 + np.exp(-logits))


def evidence(**changed):
    """A calibrated market, a model that knows a part of it, and the blend of both published."""
    random = np.random.default_rng(11)
    strength = random.normal(size=N)
    market = squeezed(strength)
    index = pd.Index([f"g{i}" for i in range(N)], name="game_id")
    y = (random.random(N) < market).astype("float64")
    rows = pd.DataFrame(
        {
            "season": np.repeat([2020, 2021, 2022, 2023], N // 4),
            "week": np.tile(np.arange(N // 4) // 16 + 1.0, 4),
            "p": squeezed(0.7 * strength + random.normal(scale=0.4, size=N)),
            "y": y,
            "market_prob": market,
            "published": squeezed(strength + random.normal(scale=0.02, size=N)),
        },
        index=index,
    )
    base = Evidence(
        bet_type=BetType.MONEYLINE,
        rows=rows,
        feature_names=("elo_prob", "rest_diff"),
        features=pd.DataFrame({"elo_prob": random.normal(size=N)}, index=index),
        settled=rows["y"],
    )
    return replace(base, **changed)


def with_rows(**columns):
    base = evidence()
    return replace(base, rows=base.rows.assign(**columns))


def finding(of, name, limits=LIMITS):
    return next(check.finding for check in judge(of, limits).checks if check.name == name)


def test_an_honest_model_passes_every_check():
    gate = judge(evidence(), LIMITS)
    assert {check.finding for check in gate.checks} == {Finding.PASS}
    assert gate.verdict is Verdict.PROMOTE
    assert gate.sentence == "PROMOTE: every check passed"
    assert gate.document["limits"]["epsilon_published"] == LIMITS.epsilon_published


def test_a_worse_published_probability_is_held_and_a_surely_worse_one_rejected():
    rows = evidence().rows
    logits = np.log(rows["market_prob"] / (1 - rows["market_prob"]))
    assert finding(with_rows(published=squeezed(0.72 * logits)), "published") is Finding.HOLD
    assert finding(with_rows(published=squeezed(-0.2 * logits)), "published") is Finding.REJECT


def test_a_model_of_no_weight_passes_and_the_verdict_says_so():
    gate = judge(evidence(weight=0.0), LIMITS)
    assert gate.verdict is Verdict.PROMOTE
    assert "the blend gives the model no weight" in gate.sentence
    assert judge(evidence(weight=0.05), LIMITS).sentence == "PROMOTE: every check passed"


def test_bold_published_probabilities_miss_the_calibration_slope():
    rows = evidence().rows
    bold = squeezed(1.6 * np.log(rows["market_prob"] / (1 - rows["market_prob"])))
    assert finding(with_rows(published=bold), "calibration slope") is Finding.HOLD


def test_a_model_that_beats_the_market_beyond_chance_is_a_leak_until_proven_otherwise():
    rows = evidence().rows
    knows = with_rows(p=squeezed(2.5 * (rows["y"] - 0.5)))
    assert finding(knows, "leak alarm") is Finding.REJECT
    assert judge(knows, LIMITS).verdict is Verdict.REJECT
    assert finding(evidence(flagged=True), "leak alarm") is Finding.REJECT
    timid = with_rows(p=squeezed(0.02 * (rows["y"] - 0.5)), calibrated=squeezed(2.5 * (rows["y"] - 0.5)))
    assert finding(timid, "leak alarm") is Finding.REJECT  # regularised until it hardly speaks, calibration tells


def test_a_feature_that_orders_games_better_than_the_market_is_warned_of_and_stops_nothing():
    rows = evidence().rows
    known = pd.DataFrame({"innocent": -(rows["y"] + np.random.default_rng(3).normal(scale=0.5, size=N))})
    gate = judge(evidence(features=known), LIMITS)
    assert gate.verdict is Verdict.PROMOTE
    assert "innocent alone has AUC" in gate.sentence


def test_a_model_that_knows_nothing_is_rejected_where_skill_is_asked_for():
    coin = with_rows(p=np.random.default_rng(4).uniform(0.4, 0.6, N))
    assert finding(coin, "skill") is Finding.REJECT
    spreads = gates_config().gate("NFL", BetType.SPREAD)
    assert finding(coin, "skill", spreads) is Finding.PASS


def test_labels_that_the_scores_do_not_give_are_rejected():
    rows = evidence().rows
    other = pd.Series(np.random.default_rng(5).permutation(rows["y"].to_numpy()), index=rows.index)
    assert finding(evidence(settled=other), "labels") is Finding.REJECT
    assert finding(evidence(settled=None), "labels") is Finding.UNKNOWN


def test_outcomes_and_strangers_among_the_features_are_rejected():
    assert finding(evidence(feature_names=("elo_prob", "home_score")), "columns") is Finding.REJECT
    assert finding(evidence(unknown=("moon_phase",)), "columns") is Finding.REJECT


def test_no_feature_of_any_sport_is_named_after_an_outcome():
    for code in ("NFL", "NBA", "MLB", "NHL", "NCAAF", "NCAAB", "WNBA", "EPL"):
        assert outcome_named(sport(code).columns()) == []
    assert outcome_named(["home_score", "result", "final_margin", "y"]) == ["home_score", "result", "final_margin", "y"]


def test_few_games_and_a_missing_market_hold():
    few = evidence()
    few = replace(few, rows=few.rows.iloc[:300])
    assert finding(few, "games") is Finding.HOLD
    blind = with_rows(market_prob=np.nan)
    assert judge(blind, LIMITS).verdict is Verdict.HOLD
    assert finding(blind, "leak alarm") is Finding.HOLD


def as_said(rows):
    return rows[["published"]].rename(columns={"published": "p"})


def test_a_challenger_surely_worse_than_the_champion_is_held():
    rows = evidence().rows
    worse = with_rows(published=squeezed(0.3 * np.log(rows["market_prob"] / (1 - rows["market_prob"]))))
    assert finding(replace(worse, champion=as_said(rows)), "champion") is Finding.HOLD
    assert finding(evidence(champion=as_said(rows)), "champion") is Finding.PASS
    assert finding(evidence(champion=pd.DataFrame({"p": pd.Series(dtype="float64")})), "champion") is Finding.UNKNOWN


@pytest.mark.parametrize(
    ("shadow", "expected"),
    [
        (None, Finding.PASS),
        (Shadow(0.0, 0), Finding.HOLD),
        (Shadow(9.0, 3), Finding.HOLD),
        (Shadow(9.0, 40), Finding.PASS),
    ],
)
def test_the_shadow_period_asks_for_days_and_predictions(shadow, expected):
    assert finding(evidence(shadow=shadow), "shadow") is expected


def test_a_setting_of_the_platform_overrides_one_limit_of_one_sport_and_bet_type():
    settings = {"gate.NFL.moneyline.min_games": "900", "gate.NFL.moneyline.skill_sd": "none"}
    gate = gates_config().gate("NFL", BetType.MONEYLINE, settings)
    assert (gate.min_games, gate.skill_sd, gate.epsilon_model) == (900, None, LIMITS.epsilon_model)
    assert gates_config().gate("NFL", BetType.TOTAL, settings).min_games == LIMITS.min_games


@pytest.mark.parametrize(("key", "value"), [("min_game", "9"), ("min_games", "many"), ("epsilon_model", "-1")])
def test_a_setting_that_is_no_limit_is_named(key, value):
    with pytest.raises(UsageError, match=f"gate of NFL moneyline, {key}"):
        gates_config().gate("NFL", BetType.MONEYLINE, {f"gate.NFL.moneyline.{key}": value})
