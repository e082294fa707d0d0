"""Major League Baseball: series and doubleheaders, parks that make runs, day and night."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, baseball, context, elo, form, market, overtime, rest, schedule, scoring

MLB = Sport(
    code="MLB",
    name="Major League Baseball",
    views=(
        elo.VIEW,
        scoring.VIEW,
        form.VIEW,
        overtime.VIEW.without("overtime_rate_mean", "regulation_margin_diff"),
        baseball.VIEW,
        # a team plays nearly every day: what counts is how many games lie behind it, not the days of rest
        rest.VIEW.without("rest_home", "rest_away", "short_week_diff", "bye_diff"),
        schedule.VIEW.without("back_to_back_diff", "three_in_four_diff", "four_in_six_diff"),
        context.VIEW.without("week", "neutral", "primetime", "west_to_east_early"),
        market.VIEW,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="MLB",
)
SIM_MLB = replace(MLB, code="SIM-MLB", name="MLB (simulated)")
