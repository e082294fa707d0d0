"""The sports the platform knows: one file each, one line here."""

from aipro_ml.features.sports.base import Sport
from aipro_ml.features.sports.nfl import NFL, SIM_NFL

SPORTS: dict[str, Sport] = {league.code: league for league in (NFL, SIM_NFL)}
