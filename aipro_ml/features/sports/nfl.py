"""The National Football League, and the simulated league that is shaped like it."""

from dataclasses import replace

from aipro_ml.enums import BetType
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.views import ats, context, efficiency_nfl, elo, form, market, overtime, rest, scoring, usage

NFL = Sport(
    code="NFL",
    name="National Football League",
    views=(
        elo.VIEW,
        scoring.VIEW,
        form.VIEW,
        overtime.VIEW.without("overtime_rate_mean", "regulation_margin_diff"),
        rest.VIEW,
        context.VIEW,
        efficiency_nfl.VIEW,
        usage.NFL_VIEW,
        market.VIEW,
        ats.VIEW,
    ),
    bet_types=(BetType.MONEYLINE, BetType.SPREAD, BetType.TOTAL),
    settings="NFL",
)

SIM_NFL = replace(NFL, code="SIM-NFL", name="NFL (simulated)")
"""Simulated games live in a sport of their own, so that they never mix with real ones."""
