"""How margins and totals spread around the closing line, learned from earlier seasons of the same sport."""

import pandas as pd

from aipro_ml.betting.distribution import MarginDistribution, learn_key_numbers, learn_sd
from aipro_ml.enums import BetType
from aipro_ml.features.history import History
from aipro_ml.features.sport import Sport


def distributions_before(history: History, league: Sport, season: int) -> dict[BetType, MarginDistribution]:
    """Return how spreads and totals of `season` scatter, from what was known when the season began.

    The same season gives the same distribution, whatever was corrected later: a replay needs that. Key numbers are
    learned for every sport, the standard deviation where its figure is a starting value (`margins.learn`).
    """
    schedule = history.latest_schedule()
    start = schedule.loc[schedule["season"] == season, "kickoff"].min()
    results = history.before(start).results().set_index("game_id")
    outcomes = {
        BetType.SPREAD: results["home_score"] - results["away_score"],
        BetType.TOTAL: results["home_score"] + results["away_score"],
    }
    figures = league.config.margins
    starts = {BetType.SPREAD: figures.margin_sd, BetType.TOTAL: figures.total_sd}
    found = {}
    for bet_type, outcome in outcomes.items():
        lines = _lines(history, bet_type, start, results.index)
        sd = learn_sd(bet_type, outcome, lines, starts[bet_type]) if figures.learn else starts[bet_type]
        found[bet_type] = learn_key_numbers(bet_type, outcome, lines, sd)
    return found


def _lines(history: History, bet_type: BetType, start: pd.Timestamp, games: pd.Index) -> pd.Series:
    closing = history.closing_lines(bet_type)
    known = closing[closing["known_at"] < start].set_index("game_id")["line"]
    return known.reindex(games)
