"""When a backtest decides, what a model knows by then, and the matrix of both: features, lines, labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from aipro_ml.betting.books import is_average, is_maximum
from aipro_ml.betting.consensus import consensus
from aipro_ml.betting.settlement import SettlementRules, outcomes_of
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.features.build import META_COLUMNS, MatrixRequest, build_matrices, decided_entities
from aipro_ml.features.history import History
from aipro_ml.features.labels import labels, reference_lines
from aipro_ml.features.market import current_market
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport
from aipro_ml.market.closing import stood_at_close


@dataclass(frozen=True)
class Moments:
    """When each game is decided (index game_id, UTC): `as_of`.

    `decided`: may it be bet on, or only learned from? `known`: what the model has heard of by then ends here.
    """

    as_of: pd.Series
    decided: pd.Series
    known: pd.Series

    def of_seasons(self, seasons: pd.Series, first: int, last: int) -> pd.Index:
        """Return the games to bet on of these seasons (`seasons`: index game_id)."""
        season = seasons.reindex(self.as_of.index)
        return self.as_of.index[self.decided & season.between(first, last)]


def moments_of(history: History, records: Records, league: Sport, bet_type: BetType, how: BacktestConfig) -> Moments:
    """Return when each game is decided on this bet type; games nobody knew of by then are left out.

    At openers a game that never had one gets `opener_days` before its kick-off, to be learned from and not bet on.
    """
    if how.decide == "openers":
        kickoff = history.latest_schedule()["kickoff"]
        opened = opener_times(records.odds, kickoff, bet_type, how.books)
        as_of = opened.reindex(kickoff.index).fillna(kickoff - pd.Timedelta(days=how.opener_days))
        decided = pd.Series(kickoff.index.isin(opened.index), index=kickoff.index)
    else:
        request = MatrixRequest(decision_minutes=how.decide or league.config.decision_minutes)
        as_of = decided_entities(history, league, request)["as_of"]
        decided = pd.Series(data=True, index=as_of.index)
    known = as_of - pd.Timedelta(hours=how.lag_hours)
    heard = (history.first_known().reindex(as_of.index) <= known).to_numpy(bool)
    return Moments(as_of.loc[heard], decided.loc[heard], known.loc[heard])


def opener_times(odds: pd.DataFrame, kickoff: pd.Series, bet_type: BetType, books: Sequence[str]) -> pd.Series:
    """Return when each game's market was first quoted by one of `books` (none named: any bookmaker), by game_id.

    A market that was quoted at one moment only was seen at its close: it has no opener.
    """
    rows = odds.loc[(odds["market"] == bet_type.value).to_numpy(bool)].astype({"game_id": object, "book": object})
    rows = rows.loc[~(is_average(rows["book"]) | is_maximum(rows["book"]))]
    rows = rows.loc[(rows["recorded_at"] < rows["game_id"].map(kickoff)).to_numpy(bool)]
    last = rows.groupby("game_id")["recorded_at"].max()
    own = rows.loc[rows["book"].isin(books)] if books else rows
    first = own.groupby("game_id")["recorded_at"].min()
    return first.loc[first < last.reindex(first.index)]


def backtest_matrix(
    facts: tuple[Records, History], league: Sport, bet_type: BetType, moments: Moments, columns: tuple[str, ...]
) -> FeatureMatrix:
    """Return every game's features as known at `moments.known`, its line at `moments.as_of` and its label.

    Games to learn from only have the closing line where none was quoted when they were decided: their label needs
    one, and they are never bet on. The matrix's `as_of` is the moment the model's knowledge ends.
    """
    records, history = facts
    ids = list(moments.as_of.index)
    if not ids:
        raise UsageError(f"{league.code}: no game was known when it would have been decided")
    request = MatrixRequest(game_ids=ids, as_of=moments.known, columns=columns, with_labels=False)
    X = build_matrices(history, league, (bet_type,), request)[bet_type].X
    entities = history.schedule(ids, moments.as_of)
    market = current_market(entities, history, league.config)
    rules = SettlementRules.of(league.config)
    quoted = reference_lines(entities, history, bet_type, market)
    learned = quoted if bet_type is BetType.MONEYLINE else quoted.fillna(_closing_lines(records, league, bet_type))
    settled = labels(learned, history, bet_type, rules=rules)
    meta = entities[list(META_COLUMNS)].assign(
        result_known_at=history.scored_at().reindex(entities.index),
        line=quoted.where(moments.decided, learned),
        market_prob=market[f"{bet_type.value}_fair"],
        outcome_points=settled["points"],
    )
    weight = settled["weight"] if settled["weight"].ne(1.0).any() else None
    return FeatureMatrix(X, moments.known, meta, settled["y"], outcomes_of(bet_type, rules.moneyline), weight)


def _closing_lines(records: Records, league: Sport, bet_type: BetType) -> pd.Series:
    """Return the reference side's line most books closed at, by game_id."""
    own = records.closing.loc[(records.closing["market"] == bet_type.value).to_numpy(bool)]
    closed = stood_at_close(own.astype({"game_id": object, "market": object}))
    quotes = closed.rename(columns={"closing_line": "line", "closing_price": "price"})
    return consensus(quotes, league.config.devig).set_index("game_id")["line"]
