"""Signal tiers."""

import pytest

from aipro_ml.betting.tiers import probability_tier, signal_tier
from aipro_ml.config import TierThreshold
from aipro_ml.enums import Tier

VALUE = {
    "A": TierThreshold(ev=0.05, edge=0.03),
    "B": TierThreshold(ev=0.03, edge=0.02),
    "C": TierThreshold(ev=0.01, edge=0.01),
}


@pytest.mark.parametrize(
    ("ev", "edge", "tier"),
    [
        (0.05, 0.03, Tier.A),
        (0.0499999, 0.03, Tier.A),
        (0.049999, 0.03, Tier.B),
        (0.2, 0.029, Tier.B),
        (0.03, 0.02, Tier.B),
        (0.02, 0.5, Tier.C),
        (0.01, 0.01, Tier.C),
        (0.009, 0.5, Tier.D),
        (-0.1, 0.2, Tier.D),
        (0.5, None, Tier.D),
        (None, 0.5, Tier.D),
        (0.5, float("nan"), Tier.D),
    ],
)
def test_both_ev_and_edge_must_reach_the_tier(ev, edge, tier):
    assert signal_tier(ev, edge, VALUE) is tier


def test_thresholds_may_lack_tiers():
    assert signal_tier(0.5, 0.5, {"C": VALUE["C"]}) is Tier.C
    assert signal_tier(0.5, 0.5, {}) is Tier.D


@pytest.mark.parametrize(("p", "tier"), [(0.65, "A"), (0.6499999, "A"), (0.649, "B"), (0.55, "C"), (0.54, "D")])
def test_the_probability_policy_looks_at_the_probability_alone(p, tier):
    assert probability_tier(p, {"A": 0.65, "B": 0.60, "C": 0.55}) is Tier(tier)
