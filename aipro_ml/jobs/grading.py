"""Every prediction of a sport held against what is known of its game now; reads only."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.betting.settlement import SettlementRules
from aipro_ml.db.repositories import grades, odds, reference
from aipro_ml.evaluation.grading import GRADE_COLUMNS, Accounting, Grading, grade, standing_of
from aipro_ml.features.history import History
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.jobs.facts import load_played

STORED = ("actual_result", "profit_loss", "clv", "closing_line")
"""What of a grade `prediction_results` stores; the warehouse's `fact_bets` has the rest too."""

_GAME = ["status", "kickoff", "home_score", "away_score", "overtime"]


@dataclass(frozen=True)
class Graded:
    """`predictions` as stored, with their stored grades; their `grades` (GRADE_COLUMNS) and `standing` by id now."""

    predictions: pd.DataFrame
    grades: pd.DataFrame
    standing: pd.Series

    @property
    def accounting(self) -> Accounting:
        """Return how many stand where."""
        return Grading(self.grades, self.standing).accounting

    @property
    def rows(self) -> pd.DataFrame:
        """Return the graded predictions with their grade of now, in the ledger's order."""
        told = self.predictions.drop(columns=[*STORED, "graded_at"])
        return told.merge(self.grades, on="prediction_id", how="inner")


def grade_predictions(connection: Connection, league: Sport, games: Collection[str] | None = None) -> Graded:
    """Grade every prediction of the sport, or of these `games` (ids), on the line and price it took.

    RuntimeError should graded, pending, void and ungradeable not be all of them.
    """
    reference.sport_id(connection, league.code)
    found = grades.predictions_to_grade(connection, league.code)
    if games is not None:
        found = found.loc[found["game_id"].isin(list(games))].reset_index(drop=True)
    return _graded(connection, league, found)


def grade_at_odds(connection: Connection, code: str, taken: pd.DataFrame) -> pd.DataFrame:
    """Return GRADE_COLUMNS of bets on predictions of the sport, each at its own odds; those of no final game are out.

    `taken`: bet_id, prediction_id (text) and odds; in what is returned `bet_id` stands for `prediction_id`.
    """
    league = sport(code)
    found = grades.predictions_to_grade(connection, league.code, set(taken["prediction_id"]))
    bets = found.merge(taken, on="prediction_id", how="inner").drop(columns="prediction_id")
    bets = bets.assign(odds_at_prediction=bets["odds"].astype("float64")).rename(columns={"bet_id": "prediction_id"})
    return _graded(connection, league, bets).grades.rename(columns={"prediction_id": "bet_id"})


def _graded(connection: Connection, league: Sport, found: pd.DataFrame) -> Graded:
    if found.empty:
        return Graded(found, pd.DataFrame(columns=list(GRADE_COLUMNS)), pd.Series(dtype=object))
    closing = odds.closing_of(connection, sorted(found["game_id"].unique()))
    history = History(load_played(connection, league.code))
    seasons = [_of_season(history, league, part, closing) for _, part in found.groupby("season", sort=True)]
    graded = Graded(found, _joined([one.grades for one in seasons]), pd.concat([one.standing for one in seasons]))
    if graded.accounting.total != len(found):
        raise RuntimeError(
            f"{len(found)} predictions of {league.code}, but {graded.accounting} of them stand somewhere"
        )
    return graded


def void_predictions(connection: Connection, code: str, ids: Iterable[object]) -> set[str]:
    """Return which of these predictions of the sport are void by what is known of their games now."""
    league = sport(code)
    found = grades.predictions_to_grade(connection, league.code, ids)
    standing = standing_of(found, _games(found), SettlementRules.of(league.config))
    return set(standing.index[standing == "void"])


def _of_season(history: History, league: Sport, part: pd.DataFrame, closing: pd.DataFrame) -> Grading:
    distributions = distributions_before(history, league, int(part["season"].iloc[0]))
    rules = SettlementRules.of(league.config)
    return grade(part, _games(part), closing, distributions, league.config.devig, rules=rules)


def _games(found: pd.DataFrame) -> pd.DataFrame:
    return found.drop_duplicates("game_id").set_index("game_id")[_GAME]


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True) if some else parts[0]
