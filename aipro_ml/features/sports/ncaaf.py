"""College football: the NFL's week, but hundreds of teams whose conference and subdivision say much."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo, form, market, overtime, rest, scoring

NCAAF = Sport(
    code="NCAAF",
    name="College Football",
    views=(
        elo.VIEW,
        scoring.VIEW,
        form.VIEW,
        overtime.VIEW.without("overtime_rate_mean", "regulation_margin_diff"),
        rest.VIEW.without("games_last_7_diff", "games_last_14_diff"),  # everybody plays once a week
        context.VIEW.without("same_division", "same_conference"),  # schools change both, and only the present are known
        market.VIEW,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="NCAAF",
)
SIM_NCAAF = replace(NCAAF, code="SIM-NCAAF", name="College Football (simulated)")
