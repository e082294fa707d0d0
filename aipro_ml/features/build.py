"""The matrix builder: games and decision times in, one row of features, labels and context a game out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.betting.settlement import SettlementRules, outcomes_of
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, LeakError, UsageError
from aipro_ml.features.history import History
from aipro_ml.features.labels import labels, reference_lines
from aipro_ml.features.market import current_market, market_frame
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import UTC_TIME, Records
from aipro_ml.features.sport import Sport
from aipro_ml.features.view import FeatureView

META_COLUMNS = ("season", "week", "kickoff", "home_team_id", "away_team_id")


@dataclass(frozen=True)
class MatrixRequest:
    """Which games, decided when, with which columns.

    `game_ids`: None for every game known at its decision time. `as_of`: UTC times by game_id; None for
    kick-off minus `decision_minutes` (None: the sport's). `columns`: None for every feature of the sport.
    `as_known_at` caps all knowledge (features, schedule, labels); `labels_known_at` only the labels'.
    """

    game_ids: Sequence[str] | None = None
    as_of: pd.Series | None = None
    decision_minutes: int | None = None
    columns: tuple[str, ...] | None = None
    with_labels: bool = True
    as_known_at: pd.Timestamp | None = None
    labels_known_at: pd.Timestamp | None = None


def build_matrix(
    records: Records, sport: Sport, bet_type: BetType, request: MatrixRequest | None = None
) -> FeatureMatrix:
    """Return the matrix of one bet type; see `build_matrices`."""
    return build_matrices(records, sport, (bet_type,), request)[bet_type]


def build_matrices(
    records: Records | History, sport: Sport, bet_types: Iterable[BetType], request: MatrixRequest | None = None
) -> dict[BetType, FeatureMatrix]:
    """Return one matrix a bet type over the same features, computed once.

    One row out for each game in, in the order given (by kick-off where none was). LeakError for a game nobody
    knew of at its as_of and, with labels, for one decided at or after its kick-off; without labels such a
    game keeps its row with every feature missing, for the caller to abstain from. A History in place of the records
    is asked as it is, and what it has found out already is not computed again; UsageError if capped a second time.
    """
    request = request or MatrixRequest()
    if isinstance(records, History) and request.as_known_at is not None:
        raise UsageError("as_known_at caps records; a History has its own already: pass one or the other")
    history = records if isinstance(records, History) else History(records, request.as_known_at)
    entities = decided_entities(history, sport, request)
    features, market = features_and_market(entities, history, sport, request.columns or sport.columns())
    rules = SettlementRules.of(sport.config)
    return {
        bet_type: _matrix(features, market, history, entities, (bet_type, rules, request)) for bet_type in bet_types
    }


def decided_entities(history: History, sport: Sport, request: MatrixRequest) -> pd.DataFrame:
    """Return the entities (as_of and schedule as known then, index game_id) of a request."""
    as_of = request.as_of
    if as_of is None:
        minutes = sport.config.decision_minutes if request.decision_minutes is None else request.decision_minutes
        as_of = _decision_times(history, pd.Timedelta(minutes=minutes))
    ids = request.game_ids
    if ids is None:
        decided = pd.Index(history.game_ids())
        known = history.first_known().reindex(decided) <= as_of.reindex(decided)
        ids = list(decided[known.to_numpy(bool)])
    return history.schedule(ids, as_of)


def _decision_times(history: History, lead: pd.Timedelta) -> pd.Series:
    """Return `lead` before each kick-off, as it was known then where a later one came to light only afterwards.

    A kick-off corrected after the game must neither move its decision behind the one everybody went by, nor
    forbid to train on it.
    """
    as_of = history.latest_schedule()["kickoff"] - lead
    known = as_of.index[(history.first_known().reindex(as_of.index) <= as_of).to_numpy(bool)]
    then = history.schedule(list(known), as_of)
    begun = then.loc[then["as_of"] >= then["kickoff"], "kickoff"] - lead
    as_of.loc[begun.index] = begun
    return as_of


def compute_views(views: Sequence[FeatureView], entities: pd.DataFrame, history: History, sport: Sport) -> pd.DataFrame:
    """Return the columns of `views` as float64 on the index of `entities`; AiproError for a view off its word."""
    config, parts = sport.config, [pd.DataFrame(index=entities.index)]
    for view in views:
        part = view.compute(entities.copy(), history, config)
        if not part.index.equals(entities.index) or set(part.columns) != {*view.columns, *view.left_out}:
            raise AiproError(
                f"feature view {view.name} must return exactly its columns on the games it was given, one row each"
            )
        parts.append(part[list(view.columns)].astype("float64"))
    return pd.concat(parts, axis=1)


def epochs(entities: pd.DataFrame, history: History) -> Iterator[tuple[pd.DataFrame, History]]:
    """Yield the entities of each epoch between corrections with the History they may see (see History)."""
    bounds = history.correction_times()
    epoch = np.searchsorted(pd.DatetimeIndex(bounds, dtype=UTC_TIME), entities["as_of"].array, side="right")
    for number in np.unique(epoch):
        seen = history.before(bounds[number]) if number < len(bounds) else history
        yield entities.loc[epoch == number], seen


def features_and_market(
    entities: pd.DataFrame, history: History, sport: Sport, columns: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (features, market) with each row computed on the History of its epoch (see History)."""
    started = entities["as_of"] >= entities["kickoff"]
    views = sport.views_of(columns)
    features, markets = [], []
    for part, seen in epochs(entities, history):
        features.append(compute_views(views, part, seen, sport))
        markets.append(current_market(part, seen, sport.config))
    if not features:
        features.append(pd.DataFrame(index=entities.index, columns=list(columns), dtype="float64"))
        markets.append(market_frame(history.quotes(entities, 1), entities.index, sport.config))
    table = pd.concat(features).reindex(entities.index)[list(columns)]
    table.loc[started] = np.nan  # a game that has begun is not decided any more
    return table, pd.concat(markets).reindex(entities.index)


def _matrix(
    features: pd.DataFrame,
    market: pd.DataFrame,
    history: History,
    entities: pd.DataFrame,
    asked: tuple[BetType, SettlementRules, MatrixRequest],
) -> FeatureMatrix:
    bet_type, rules, request = asked
    outcomes = outcomes_of(bet_type, rules.moneyline)
    lines = reference_lines(entities, history, bet_type, market)
    # the label is the score as it stands: a corrected one was known from its correction on
    meta = entities[list(META_COLUMNS)].assign(
        result_known_at=history.scored_at().reindex(entities.index),
        line=lines,
        market_prob=market[f"{bet_type.value}_fair"],
    )
    if len(outcomes) > 2:
        meta = meta.assign(**_three_way(market, bet_type))
    y = weight = None
    if request.with_labels:
        _refuse_started(entities)
        settled = labels(lines, history, bet_type, request.labels_known_at, rules)
        y, halves = settled["y"], settled["weight"].ne(1.0)
        meta = meta.assign(outcome_points=settled["points"])
        weight = settled["weight"] if halves.any() else None
    return FeatureMatrix(features, entities["as_of"], meta, y, outcomes, weight)


def _three_way(market: pd.DataFrame, bet_type: BetType) -> dict[str, pd.Series]:
    """Return the fair probabilities of home and draw, both missing where nobody prices the draw."""
    draw = market[f"{bet_type.value}_fair_draw"]
    return {"market_prob": market[f"{bet_type.value}_fair"].where(draw.notna()), "market_draw": draw}


def _refuse_started(entities: pd.DataFrame) -> None:
    late = entities.loc[entities["as_of"] >= entities["kickoff"]]
    if len(late):
        raise LeakError(
            f"game {late.index[0]} would be decided at {late['as_of'].iloc[0]}, after its kick-off: "
            "a training row must be decided before it"
        )
