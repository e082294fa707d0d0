"""The sport MLB."""

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo, form, market, rest, scoring

MLB = Sport(
    code="MLB",
    name="Major League Baseball",
    views=(elo.VIEW, scoring.VIEW, form.VIEW, rest.VIEW, context.VIEW, market.VIEW, ats.VIEW),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="MLB",
)
