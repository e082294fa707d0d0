"""A slate publishes or abstains, with a reason, for every game and bet type."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.calibration.venn_abers import VennAbers
from aipro_ml.config import KellyConfig, policy_config
from aipro_ml.enums import BetType, DevigMethod, Selection, Tier
from aipro_ml.errors import UsageError
from aipro_ml.features.records import ODDS_COLUMNS, frame_of
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.predictor import ModelScores, predict_slate, reference_probability
from aipro_ml.inference.quotes import market_boards

KICKOFF = pd.Timestamp("2022-09-11T17:00:00Z")
AS_OF = KICKOFF - pd.Timedelta(seconds=60)
POLICY = build_policy(policy_config(), "NFL")
DISTRIBUTIONS = {
    BetType.SPREAD: MarginDistribution(BetType.SPREAD, 13.2),
    BetType.TOTAL: MarginDistribution(BetType.TOTAL, 13.3),
}


def games(*ids, as_of=AS_OF):
    index = pd.Index(ids, name="game_id")
    return pd.DataFrame({"as_of": as_of, "kickoff": KICKOFF}, index=index)


def quotes(*rows):
    names = ["game_id", "book", "market", "selection", "line", "price"]
    frame = pd.DataFrame(rows, columns=names).assign(is_sharp=False, recorded_at=AS_OF)
    return frame_of(frame, ODDS_COLUMNS)


def moneyline(game, home=-110, away=-110, book="B"):
    return [(game, book, "moneyline", "home", np.nan, home), (game, book, "moneyline", "away", np.nan, away)]


def spread(game, line=-3.0, home=-110, away=-110, book="B"):
    return [(game, book, "spread", "home", line, home), (game, book, "spread", "away", -line, away)]


def total(game, line=44.5, over=-110, under=-110, book="B"):
    return [(game, book, "total", "over", line, over), (game, book, "total", "under", line, under)]


def scores(bet_type=BetType.MONEYLINE, calibration_rows=2000, **p):
    series = pd.Series(p, dtype="float64")
    return ModelScores(bet_type, f"model-{bet_type}", series, calibration_rows=calibration_rows)


def slate(models, board, offered, policy=POLICY):
    boards = market_boards(offered, [model.bet_type for model in models], DevigMethod.POWER)
    return predict_slate(models, board, boards, DISTRIBUTIONS, policy)


def test_a_moneyline_prediction_holds_the_written_out_numbers():
    (p,) = slate([scores(g1=0.55)], games("g1"), quotes(*moneyline("g1"))).predictions
    assert (p.predicted_side, p.probability, p.fair_probability) == (Selection.HOME, 0.55, 0.5)
    assert (p.edge, p.ev, p.odds_at_prediction, p.book) == (0.05, 0.05, -110, "B")
    assert p.kelly_fraction == 0.01375  # .25 · .055
    assert (p.signal_tier, p.line_at_prediction, p.push_probability) == (Tier.A, None, 0.0)


def test_the_away_side_turns_probability_line_and_edge():
    (p,) = slate([scores(BetType.SPREAD, g1=0.45)], games("g1"), quotes(*spread("g1"))).predictions
    assert (p.predicted_side, p.probability, p.line_at_prediction) == (Selection.AWAY, 0.55, 3.0)
    assert p.edge == 0.05
    assert p.model_probability == 0.55
    assert 0.02 < p.push_probability < 0.04  # a whole line can push
    assert p.ev == pytest.approx((1 - p.push_probability) * 0.05, abs=1e-6)


def test_the_under_keeps_the_totals_line():
    (p,) = slate([scores(BetType.TOTAL, g1=0.4)], games("g1"), quotes(*total("g1"))).predictions
    assert (p.predicted_side, p.line_at_prediction, p.push_probability) == (Selection.UNDER, 44.5, 0.0)


def test_the_larger_ev_may_be_the_less_likely_side():
    offered = quotes(*moneyline("g1", -300, 260))
    (by_ev,) = slate([scores(g1=0.68)], games("g1"), offered).predictions
    assert (by_ev.predicted_side, by_ev.probability) == (Selection.AWAY, 0.32)
    (by_p,) = slate([scores(g1=0.68)], games("g1"), offered, replace(POLICY, side="probability")).predictions
    assert (by_p.predicted_side, by_p.probability) == (Selection.HOME, 0.68)
    assert by_p.kelly_fraction == 0.0  # its EV is negative


def test_the_best_price_over_the_books_is_taken():
    offered = quotes(*moneyline("g1", -110, -110, "B"), *moneyline("g1", -104, -118, "A"))
    (p,) = slate([scores(g1=0.6)], games("g1"), offered).predictions
    assert (p.book, p.odds_at_prediction) == ("A", -104)


def test_calibrator_and_blend_are_applied_in_their_order():
    model = replace(
        scores(g1=0.8),
        calibrator=PlattCalibrator(0.5, 0.0, 900),
        calibration_version="c1",
        blend=MarketBlend(0.5, 0.5),
    )
    (p,) = slate([model], games("g1"), quotes(*moneyline("g1"))).predictions
    logit = np.log(4)
    assert p.model_probability == 0.8
    assert p.calibrated_probability == pytest.approx(1 / (1 + np.exp(-logit / 2)), abs=1e-6)
    assert p.probability == pytest.approx(1 / (1 + np.exp(-logit / 4)), abs=1e-6)
    assert p.calibration_version == "c1"
    assert p.blend_version == MarketBlend(0.5, 0.5).version


def test_the_interval_is_blended_turned_with_the_side_and_outside_the_hash():
    interval = VennAbers(lower=((0.0, 0.3),), upper=((1.0, 0.45),), n=500)
    plain, offered = scores(g1=0.4), quotes(*moneyline("g1"))
    (without,) = slate([plain], games("g1"), offered).predictions
    assert (without.probability_low, without.probability_high) == (None, None)
    (with_it,) = slate([replace(plain, interval=interval)], games("g1"), offered).predictions
    assert (with_it.predicted_side, with_it.probability) == (Selection.AWAY, 0.6)
    assert (with_it.probability_low, with_it.probability_high) == (0.55, 0.7)
    assert with_it.prediction_hash == without.prediction_hash
    market = replace(plain, interval=interval, blend=MarketBlend())
    (published,) = slate([market], games("g1"), offered).predictions
    assert published.probability_low == published.probability == published.probability_high == 0.5


def test_the_interval_always_holds_the_published_probability():
    interval = VennAbers(lower=((0.0, 0.3),), upper=((1.0, 0.45),), n=500)
    backward = MarketBlend(-0.5, 1.0)
    for p in (0.1, 0.4, 0.9):
        for blend in (None, backward):
            model = replace(scores(g1=p), interval=interval, blend=blend)
            (one,) = slate([model], games("g1"), quotes(*moneyline("g1"))).predictions
            assert one.probability_low <= one.probability <= one.probability_high
            assert one.probability_high - one.probability_low > 0.03


def test_each_reason_to_abstain_is_named_and_everything_is_accounted_for():
    board = pd.concat([games("late", as_of=KICKOFF), games("blank", "unquoted", "impossible", "one_sided", "good")])
    offered = quotes(
        *moneyline("late"),
        *moneyline("blank"),
        *moneyline("impossible", 150, 150),
        moneyline("one_sided")[1],
        *moneyline("good"),
    )
    p = dict.fromkeys(board.index, 0.55) | {"blank": np.nan}
    found = slate([scores(**p)], board, offered)
    assert {a.game_id: a.reason.value for a in found.abstentions} == {
        "late": "already_started",
        "blank": "no_features",
        "unquoted": "no_fresh_quote",
        "impossible": "suspect_prices",
    }
    assert {q.game_id for q in found.predictions} == {"one_sided", "good"}


def test_a_one_sided_market_is_predicted_without_edge_in_tier_d():
    (p,) = slate([scores(g1=0.4)], games("g1"), quotes(moneyline("g1", away=150)[1])).predictions
    assert (p.predicted_side, p.odds_at_prediction, p.edge, p.signal_tier) == (Selection.AWAY, 150, None, Tier.D)
    assert p.ev == 0.5


def test_an_unpriced_side_is_published_without_price_and_stake():
    policy = replace(POLICY, side="probability")
    (p,) = slate([scores(g1=0.7)], games("g1"), quotes(moneyline("g1")[1]), policy).predictions
    assert (p.predicted_side, p.odds_at_prediction, p.book, p.ev, p.kelly_fraction) == ("home", None, None, None, 0)


@pytest.mark.parametrize("distrust", [{"calibration_rows": 199}, {"suspected_leak": True}])
def test_an_untrusted_model_gets_tier_d(distrust):
    model = replace(scores(g1=0.6), **distrust)
    (p,) = slate([model], games("g1"), quotes(*moneyline("g1"))).predictions
    assert (p.edge, p.signal_tier) == (0.1, Tier.D)


def test_stakes_are_capped_per_bet_game_and_slate_over_all_bet_types():
    ids = [f"g{i:02d}" for i in range(30)]
    offered = quotes(*[row for g in ids for row in (*moneyline(g), *spread(g), *total(g))])
    p = dict.fromkeys(ids, 0.65)
    models = [scores(bet_type, **p) for bet_type in BetType]
    found = slate(models, games(*ids), offered).predictions
    stakes = pd.Series([q.kelly_fraction for q in found], index=[q.game_id for q in found])
    assert len(found) == 90
    assert stakes.max() <= 0.02
    assert stakes.groupby(level=0).sum().max() <= 0.02 + 1e-12
    assert stakes.sum() <= 0.15
    assert stakes.sum() > 0.1499
    loose = replace(POLICY, kelly=KellyConfig(game_cap=1, slate_cap=1))
    few = slate(models, games(*ids[:10]), offered, loose).predictions
    assert [q.kelly_fraction for q in few] == [0.02] * 30


def test_a_stake_needs_a_positive_ev():
    for q in slate(
        [scores(g1=0.51, g2=0.5)], games("g1", "g2"), quotes(*moneyline("g1"), *moneyline("g2"))
    ).predictions:
        assert q.ev < 0
        assert q.kelly_fraction == 0.0


def test_no_quotes_at_all_is_a_night_of_abstentions():
    found = slate([scores(g1=0.6), scores(BetType.TOTAL, g1=0.6)], games("g1"), quotes())
    assert (len(found.predictions), len(found.abstentions)) == (0, 2)


def test_no_games_is_an_empty_slate():
    found = slate([scores()], games(), quotes())
    assert (found.predictions, found.abstentions) == ((), ())


def test_a_game_given_twice_is_refused():
    with pytest.raises(UsageError, match="g1 stands twice"):
        slate([scores(g1=0.5)], games("g1", "g1"), quotes())


def test_the_order_of_quotes_and_games_changes_nothing():
    ids = ["g1", "g2", "g3"]
    offered = quotes(*[row for g in ids for row in moneyline(g, -130, 120)])
    model = scores(g1=0.6, g2=0.5, g3=0.7)
    forth = slate([model], games(*ids), offered).predictions
    back = slate([model], games(*ids[::-1]), offered.iloc[::-1].reset_index(drop=True)).predictions
    assert {p.prediction_hash for p in forth} == {p.prediction_hash for p in back}


@dataclass(frozen=True)
class HalfModel:
    outcomes = (Selection.HOME, Selection.AWAY)
    feature_names = ("a", "b")

    def predict_proba(self, X):
        return np.column_stack([np.full(len(X), 0.7), np.full(len(X), 0.3)])


def test_a_row_without_any_feature_has_no_probability():
    X = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, np.nan], "other": [1.0, 1.0]}, index=["g1", "g2"])
    p = reference_probability(HalfModel(), X)
    assert p["g1"] == 0.7
    assert np.isnan(p["g2"])


def wide(half):
    """An interval so wide to either side of .55."""
    return VennAbers(lower=((0.0, 0.55 - half),), upper=((1.0, 0.55 + half),), n=500)


@pytest.mark.parametrize(("price", "half"), [(-110, 0.01), (-110, 0.05), (120, 0.02), (200, 0.3)])
def test_the_stake_shrinks_with_the_interval_as_baker_and_mchale_have_it(price, half):
    offered = quotes(*moneyline("g1", price, -300))
    (sure,) = slate([scores(g1=0.55)], games("g1"), offered, uncapped(shrink=True)).predictions
    (unsure,) = slate([replace(scores(g1=0.55), interval=wide(half))], games("g1"), offered, uncapped()).predictions
    b = 100 / 110 if price == -110 else price / 100
    f = (b * 0.55 - 0.45) / b
    assert sure.kelly_fraction == pytest.approx(0.25 * f, abs=1e-6)
    expected = 0.25 * f * f**2 / (f**2 + ((b + 1) / b) ** 2 * half**2)
    assert unsure.kelly_fraction == pytest.approx(expected, abs=1e-6)
    (plain,) = slate(
        [replace(scores(g1=0.55), interval=wide(half))], games("g1"), offered, uncapped(shrink=False)
    ).predictions
    assert plain.kelly_fraction == sure.kelly_fraction


def uncapped(shrink=True):
    return replace(POLICY, kelly=KellyConfig(cap=1, game_cap=1, slate_cap=1, shrink=shrink))


def test_a_game_with_stale_features_is_abstained_from_before_its_quotes_are_looked_at():
    board = games("g1", "g2").assign(stale=[True, False])
    found = slate([scores(g1=0.6, g2=0.6)], board, quotes(*moneyline("g1")))
    assert [(a.game_id, a.reason) for a in found.abstentions] == [("g1", "stale_features"), ("g2", "no_fresh_quote")]
