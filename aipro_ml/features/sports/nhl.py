"""The National Hockey League: goals, overtime that is near a coin, crowded nights and road trips."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo, form, goals, market, overtime, rest, schedule, scoring

NHL = Sport(
    code="NHL",
    name="National Hockey League",
    views=(
        elo.VIEW,
        scoring.VIEW.without("offence_diff", "defence_diff"),  # the goals' attack and defence say it
        goals.VIEW,
        form.VIEW.without("close_game_rate_diff"),  # the rate of overtime says it
        overtime.VIEW.without("overtime_last_diff"),
        rest.VIEW.without("short_week_diff", "bye_diff", "games_last_14_diff"),
        schedule.VIEW,
        context.VIEW.without("week", "primetime", "dome", "artificial_turf", "west_to_east_early"),
        market.VIEW,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="NHL",
)
SIM_NHL = replace(NHL, code="SIM-NHL", name="NHL (simulated)")
