"""The policy tiers a bet by its value and listens to the system settings of its sport."""

import json

import pytest

from aipro_ml.config import policy_config
from aipro_ml.enums import BetType, Tier
from aipro_ml.errors import UsageError
from aipro_ml.inference.policy import build_policy, policy_of

SPREAD = BetType.SPREAD


@pytest.mark.parametrize(
    ("ev", "edge", "tier"),
    [
        (0.05, 0.03, Tier.A),
        (0.0499999999, 0.03, Tier.A),
        (0.0499, 0.03, Tier.B),
        (0.2, 0.0299, Tier.B),
        (0.03, 0.02, Tier.B),
        (0.2, 0.0199, Tier.C),
        (0.01, 0.01, Tier.C),
        (0.0099, 0.5, Tier.D),
        (0.5, 0.0099, Tier.D),
        (-0.1, -0.1, Tier.D),
        (0.5, None, Tier.D),
        (None, 0.5, Tier.D),
    ],
)
def test_value_tiers_need_both_ev_and_edge(ev, edge, tier):
    assert build_policy(policy_config(), "NFL").tier(SPREAD, 0.9, ev, edge) is tier


@pytest.mark.parametrize(("p", "tier"), [(0.65, "A"), (0.6, "B"), (0.55, "C"), (0.549, "D")])
def test_the_probability_policy_looks_at_probability_alone(p, tier):
    config = policy_config().model_copy(update={"tier_policy": "probability"})
    assert build_policy(config, "NFL").tier(SPREAD, p, -0.2, -0.2) == tier


def test_a_setting_moves_one_threshold_of_one_bet_type():
    policy = build_policy(policy_config(), "nfl", {"tier.NFL.spread.A.ev": "0.2", "tier.NBA.spread.A.ev": "junk"})
    assert policy.tier(SPREAD, 0.5, 0.1, 0.1) is Tier.B
    assert policy.tier(BetType.TOTAL, 0.5, 0.1, 0.1) is Tier.A


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tier.NFL.spread.D.ev", "0.1"),
        ("tier.NFL.parlay.A.ev", "0.1"),
        ("tier.NFL.spread.A.odds", "0.1"),
        ("tier.NFL.spread.A.ev", "much"),
    ],
)
def test_a_malformed_setting_is_named(key, value):
    with pytest.raises(UsageError, match=key):
        build_policy(policy_config(), "NFL", {key: value})


def test_the_document_of_a_policy_makes_the_same_policy_again():
    policy = build_policy(policy_config(), "SIM-NFL", {"tier.SIM-NFL.spread.A.ev": "0.2"}, figures="NFL")
    again = policy_of(json.loads(json.dumps(policy.document)))
    assert again == policy
    assert again.version == policy.version
    assert policy.freshness.form_max_age_days == 21
    assert build_policy(policy_config(), "EPL").version != policy.version
