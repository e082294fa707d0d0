"""Tuning Elo: the figures that would have served a sport's earlier seasons best; nothing is written."""

from collections.abc import Callable

from sqlalchemy import Engine

from aipro_ml.errors import UsageError
from aipro_ml.features.elo_tuning import EloTuning
from aipro_ml.features.elo_tuning import tune_elo as tuned
from aipro_ml.features.history import History
from aipro_ml.features.sport import sport
from aipro_ml.jobs.facts import load_records


def tune_elo(
    engine: Engine,
    code: str,
    until: int | None = None,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> EloTuning:
    """Return the tuning of a sport on its stored results up to the season `until`.

    Default: the earlier half of the seasons, so that the later half stays to test on.
    """
    league = sport(code)
    with engine.connect() as connection:
        results = History(load_records(connection, league.code, odds_of=())).results()
    if results.empty:
        raise UsageError(f"{league.code} has no results to tune Elo on: import games first")
    seasons = sorted(set(results["season"]))
    last = seasons[(len(seasons) - 1) // 2] if until is None else until
    return tuned(results, league.config.elo, last, min(league.config.burn_in_seasons, len(seasons) - 1), on_step)
