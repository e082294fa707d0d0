"""Soccer: the leagues of England, Spain and Germany, each a sport of its own with three-way moneylines."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, elo_draw, form, goals, market, rest, scoring, soccer

EPL = Sport(
    code="EPL",
    name="Premier League",
    views=(
        elo_draw.VIEW,
        scoring.VIEW.without("offence_diff", "defence_diff"),  # the goals' attack and defence say it
        goals.VIEW,
        soccer.VIEW,
        form.VIEW.without("close_game_rate_diff"),  # within a goal's margin only draws are close
        rest.VIEW.without("short_week_diff", "bye_diff"),
        # a double round robin of one division, on grass, in one time zone, without play-offs
        context.VIEW.without(
            "week", "same_division", "same_conference", "neutral", "postseason", "primetime", "dome",
            "artificial_turf", "time_zone_shift", "west_to_east_early",
        ),
        market.THREE_WAY,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="EPL",
)  # fmt: skip
LALIGA = replace(EPL, code="LALIGA", name="La Liga", settings="LALIGA")
BUNDES = replace(EPL, code="BUNDES", name="Bundesliga", settings="BUNDES")
SIM_EPL = replace(EPL, code="SIM-EPL", name="Premier League (simulated)")
