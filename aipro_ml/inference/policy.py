"""The betting policy: which side is published, its tier and how much of the bankroll it may take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from aipro_ml.betting.tiers import probability_tier, signal_tier
from aipro_ml.config import KellyConfig, PolicyConfig, TierThreshold, overridden, under
from aipro_ml.enums import BetType, Tier
from aipro_ml.errors import UsageError
from aipro_ml.identity import content_hash

SIGNAL_TIERS = (Tier.A, Tier.B, Tier.C)


@dataclass(frozen=True)
class Freshness:
    """How late a result may be and how old a team's last one within its season; None: no limit."""

    result_delay_hours: float | None = None
    form_max_age_days: float | None = None


@dataclass(frozen=True)
class Policy:
    """`PolicyConfig` with the sport's `system_settings` applied; thresholds a bet type."""

    side: Literal["ev", "probability"]
    tier_policy: Literal["value", "probability"]
    tiers: Mapping[BetType, Mapping[str, TierThreshold]]
    probability_tiers: Mapping[str, float]
    calibration_minimum: int
    kelly: KellyConfig
    freshness: Freshness = Freshness()

    @property
    def document(self) -> dict[str, Any]:
        """Return the policy as a JSON-able mapping; `policy_of` makes it again."""
        tiers = {str(b): {str(t): limit.model_dump() for t, limit in of.items()} for b, of in self.tiers.items()}
        plain = {**asdict(self), "tiers": tiers, "kelly": self.kelly.model_dump()}
        return {**plain, "probability_tiers": {str(t): p for t, p in self.probability_tiers.items()}}

    @property
    def version(self) -> str:
        """Return the hash (64 hex digits) of the document."""
        return content_hash(self.document)

    def tier(self, bet_type: BetType, probability: float, ev: float | None, edge: float | None) -> Tier:
        """Return the tier of a bet (methods §3), compared after rounding to six decimals.

        A one-sided market (`edge` None) and a side without a price (`ev` None) are D under either policy.
        """
        if edge is None or ev is None:
            return Tier.D
        if self.tier_policy == "probability":
            return probability_tier(probability, self.probability_tiers)
        return signal_tier(ev, edge, self.tiers[bet_type])


def policy_of(document: Mapping[str, Any]) -> Policy:
    """Return the policy a run kept as `document`."""
    tiers = {
        BetType(bet_type): {tier: TierThreshold(**limit) for tier, limit in limits.items()}
        for bet_type, limits in document["tiers"].items()
    }
    kelly, freshness = KellyConfig(**document["kelly"]), Freshness(**document["freshness"])
    return Policy(**{**document, "tiers": tiers, "kelly": kelly, "freshness": freshness})


def build_policy(
    config: PolicyConfig, sport: str, settings: Mapping[str, str] | None = None, figures: str | None = None
) -> Policy:
    """Return the policy of `sport`; keys `tier.<SPORT>.<bet_type>.<A|B|C>.<ev|edge>` and `kelly.<name>` override.

    `figures`: the sport whose figures it takes, where that is another (a simulated league's). UsageError names a key
    of this sport that is none of these, or whose value does not fit.
    """
    tiers: dict[BetType, dict[str, TierThreshold]]
    tiers = {bet_type: {t: config.tiers[t] for t in SIGNAL_TIERS} for bet_type in BetType}
    prefix = f"tier.{sport.upper()}."
    for key, value in sorted((settings or {}).items()):
        if key.startswith(prefix):
            bet_type, tier, name = _parse_key(key, prefix)
            tiers[bet_type][tier] = overridden(tiers[bet_type][tier], {name: value}, key.removesuffix(name))
    return Policy(
        side=config.side,
        tier_policy=config.tier_policy,
        tiers=tiers,
        probability_tiers={t: config.probability_tiers[t] for t in SIGNAL_TIERS},
        calibration_minimum=config.calibration_minimum,
        kelly=overridden(config.kelly, under(settings or {}, "kelly."), "kelly."),
        freshness=Freshness(
            config.freshness.result_delay_hours,
            config.freshness.form_max_age_days.get((figures or sport).upper()),
        ),
    )


def _parse_key(key: str, prefix: str) -> tuple[BetType, Tier, str]:
    parts = key.removeprefix(prefix).split(".")
    if len(parts) == 3 and parts[0] in set(BetType) and parts[1] in SIGNAL_TIERS and parts[2] in {"ev", "edge"}:
        return BetType(parts[0]), Tier(parts[1]), parts[2]
    raise UsageError(f"system setting {key}: expected {prefix}<bet_type>.<A|B|C>.<ev|edge>")
