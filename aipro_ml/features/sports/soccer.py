"""Soccer: the leagues of England, Spain and Germany, each a sport of its own with three-way moneylines."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo, form, market, rest, scoring

EPL = Sport(
    code="EPL",
    name="Premier League",
    views=(elo.VIEW, scoring.VIEW, form.VIEW, rest.VIEW, context.VIEW, market.VIEW, ats.VIEW),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="EPL",
)
LALIGA = replace(EPL, code="LALIGA", name="La Liga", settings="LALIGA")
BUNDES = replace(EPL, code="BUNDES", name="Bundesliga", settings="BUNDES")
