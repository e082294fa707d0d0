"""The sports the platform knows: one file each, one line here; a sport `like` another needs only its configuration."""

from functools import cache

from aipro_ml import resources
from aipro_ml.config import sport_config
from aipro_ml.errors import UsageError
from aipro_ml.features.sports.base import Sport
from aipro_ml.features.sports.mlb import MLB, SIM_MLB
from aipro_ml.features.sports.nba import NBA, SIM_NBA
from aipro_ml.features.sports.ncaaf import NCAAF, SIM_NCAAF
from aipro_ml.features.sports.nfl import NFL, SIM_NFL
from aipro_ml.features.sports.nhl import NHL, SIM_NHL
from aipro_ml.features.sports.soccer import BUNDES, EPL, LALIGA, SIM_EPL

WRITTEN = (NFL, NCAAF, NBA, NHL, MLB, EPL, LALIGA, BUNDES)
SIMULATED = (SIM_NFL, SIM_NCAAF, SIM_NBA, SIM_NHL, SIM_MLB, SIM_EPL)


@cache
def sports() -> dict[str, Sport]:
    """Return every sport by its code: those written here, and each configured one that is `like` one of them.

    UsageError where a configuration is like a sport that is not written here.
    """
    known = {league.code: league for league in (*WRITTEN, *SIMULATED)}
    for path in sorted((resources.configs_dir() / "sports").glob("*.yaml")):
        config = sport_config(path.stem)
        if config.code in known:
            continue
        if config.like not in known:
            wanted = ", ".join(league.code for league in WRITTEN)
            raise UsageError(f"{path}: {config.code} has no views of its own; name a sport it is `like`: {wanted}")
        known[config.code] = known[config.like].under(config)
    return known
