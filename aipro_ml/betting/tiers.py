"""Signal tiers by value or by probability (methods §3)."""

import math
from collections.abc import Mapping

from aipro_ml.config import TierThreshold
from aipro_ml.enums import Tier

_BEST_FIRST = (Tier.A, Tier.B, Tier.C)
_DECIMALS = 6  # .05 computed from prices may be .0499999999999: compare what is stored


def signal_tier(ev: float | None, edge: float | None, thresholds: Mapping[str, TierThreshold]) -> Tier:
    """Return the best tier whose least EV and edge are both reached (policy `value`), else D.

    An unknown EV or edge (None or NaN: a one-sided market) is D. `thresholds` may lack tiers.
    """
    if ev is None or edge is None or math.isnan(ev) or math.isnan(edge):
        return Tier.D
    ev, edge = round(float(ev), _DECIMALS), round(float(edge), _DECIMALS)
    for tier in _BEST_FIRST:
        least = thresholds.get(tier)
        if least is not None and ev >= least.ev and edge >= least.edge:
            return tier
    return Tier.D


def probability_tier(p: float, thresholds: Mapping[str, float]) -> Tier:
    """Return the best tier whose least probability of the predicted side is reached, else D."""
    p = round(float(p), _DECIMALS)
    for tier in _BEST_FIRST:
        least = thresholds.get(tier)
        if least is not None and p >= least:
            return tier
    return Tier.D
