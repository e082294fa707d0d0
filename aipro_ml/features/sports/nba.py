"""The National Basketball Association: crowded nights and road trips instead of weeks and byes."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import (
    ats,
    context,
    efficiency_nba,
    elo,
    form,
    market,
    overtime,
    rest,
    schedule,
    scoring,
    usage,
)

NBA = Sport(
    code="NBA",
    name="National Basketball Association",
    views=(
        elo.VIEW,
        scoring.VIEW,
        form.VIEW,
        overtime.VIEW.without("overtime_rate_mean", "regulation_margin_diff"),
        rest.VIEW.without("short_week_diff", "bye_diff"),
        schedule.VIEW,
        # indoors on wood, and no slot of the week is like the NFL's Monday night
        context.VIEW.without("week", "primetime", "dome", "artificial_turf", "west_to_east_early"),
        efficiency_nba.VIEW,
        usage.NBA_VIEW,
        market.VIEW,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="NBA",
)
SIM_NBA = replace(NBA, code="SIM-NBA", name="NBA (simulated)")
