"""The sports the platform knows: one file each, one line here."""

from aipro_ml.features.sports.base import Sport
from aipro_ml.features.sports.mlb import MLB
from aipro_ml.features.sports.nba import NBA
from aipro_ml.features.sports.ncaaf import NCAAF
from aipro_ml.features.sports.nfl import NFL, SIM_NFL
from aipro_ml.features.sports.nhl import NHL
from aipro_ml.features.sports.soccer import BUNDES, EPL, LALIGA

SPORTS: dict[str, Sport] = {league.code: league for league in (NFL, SIM_NFL, NCAAF, NBA, NHL, MLB, EPL, LALIGA, BUNDES)}
