"""The sport NBA."""

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo, form, market, rest, scoring

NBA = Sport(
    code="NBA",
    name="National Basketball Association",
    views=(elo.VIEW, scoring.VIEW, form.VIEW, rest.VIEW, context.VIEW, market.VIEW, ats.VIEW),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="NBA",
)
