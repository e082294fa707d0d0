"""Published predictions for those who read them from outside: a page at a time, newest first by place in the ledger."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    any_,
    bindparam,
    false,
    func,
    or_,
    select,
)

from aipro_ml.db.compiled import Compiled
from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import Prediction, PredictionResult, ShapExplanation
from aipro_ml.db.models.sports import Game, Sport
from aipro_ml.db.models.warehouse import FactModelPromotion, FactPrediction, FactPredictionRun
from aipro_ml.db.repositories.game_columns import GAME, with_teams
from aipro_ml.enums import BetType, RunMode, Tier
from aipro_ml.times import ensure_utc

_FACT, _RUN, _GRADE = FactPrediction, FactPredictionRun, PredictionResult


FEW_DAYS = timedelta(days=31)


@dataclass(frozen=True)
class Sight:
    """What a reader may see: runs of these modes; with `shadow` also what models out of production said."""

    modes: frozenset[RunMode] = frozenset({RunMode.LIVE})
    shadow: bool = False


@dataclass(frozen=True)
class Wanted:
    """Which predictions a reader asks for; None and () leave a filter out.

    `kickoffs`: from and to, the latter excluded. `graded`: only those with a result. `shadow`: those of models out of
    production instead of the others.
    """

    sport: str | None = None
    kickoffs: tuple[datetime, datetime] | None = None
    bet_types: tuple[BetType, ...] = ()
    tiers: tuple[Tier, ...] = ()
    modes: tuple[RunMode, ...] = field(default=(RunMode.LIVE,))
    model_id: UUID | None = None
    game_id: UUID | None = None
    shadow: bool = False
    graded: bool = False

    @property
    def is_short(self) -> bool:
        """Return whether few games are asked for."""
        if self.kickoffs is None:
            return self.game_id is not None
        return self.kickoffs[1] - self.kickoffs[0] <= FEW_DAYS


def predictions_before(
    connection: Connection, sight: Sight, wanted: Wanted, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` predictions whose `seq` is below `before` (None: the newest), by falling `seq`.

    Of few days their games are looked up first, else the ledger is read from its end: the joins stand in that order.
    """
    values = {name: value for name, value in _values(wanted, before).items() if value is not None}
    statement = _page(wanted.is_short, wanted.graded, wanted.shadow, sight.shadow, frozenset(values))
    return statement.rows(connection, {**values, **_sight(sight), "most": limit})


def prediction_seen(connection: Connection, sight: Sight, prediction_id: UUID) -> dict[str, Any] | None:
    """Return the prediction, or None where there is none that the reader may see."""
    rows = _one(sight.shadow).rows(connection, {"prediction_id": prediction_id, **_sight(sight)})
    return rows[0] if rows else None


def explanation_rows(connection: Connection, prediction_id: UUID) -> list[dict[str, Any]]:
    """Return rank, feature_name, feature_value, shap_value and impact_direction of a prediction, by rank."""
    return _EXPLANATION.rows(connection, {"prediction_id": prediction_id})


def ledger_row(connection: Connection, prediction_id: UUID) -> dict[str, Any] | None:
    """Return the ledger row of the prediction, or None."""
    row = connection.execute(select(*_FACT.__table__.c).where(_FACT.prediction_id == prediction_id)).mappings()
    found = row.one_or_none()
    return None if found is None else dict(found)


def _champion() -> ColumnElement[Any]:
    """Return the model that was in production for the game and bet type when the run was computed."""
    decision = FactModelPromotion
    took_effect = or_(decision.action != "promote", decision.verdict == "PROMOTE")
    statement = select(decision.model_id).where(
        decision.sport_id == Game.sport_id,
        decision.bet_type == _FACT.bet_type,
        decision.decided_at <= _RUN.started_at,
        took_effect,
    )
    newest = statement.order_by(decision.decided_at.desc(), decision.id).limit(1)
    return newest.correlate(Game, _FACT, _RUN).scalar_subquery()


_IN_PRODUCTION = func.coalesce(_champion() == _FACT.model_id, false())


def _query(*, by_games: bool, graded: bool = False) -> Select[*tuple[Any, ...]]:
    columns = (
        _FACT.seq,
        _FACT.prediction_id.label("id"),
        Sport.code.label("sport"),
        _FACT.game_id,
        *GAME,
        _FACT.bet_type,
        _FACT.predicted_side.label("side"),
        _FACT.line_at_prediction.label("line"),
        _FACT.odds_at_prediction.label("odds"),
        Sportsbook.name.label("book"),
        _FACT.probability,
        _FACT.probability_low,
        _FACT.probability_high,
        _FACT.fair_probability,
        _FACT.push_probability,
        _FACT.edge,
        _FACT.ev,
        _FACT.kelly_fraction,
        _FACT.signal_tier.label("tier"),
        _FACT.as_of,
        _FACT.created_at.label("published_at"),
        _RUN.mode,
        _IN_PRODUCTION.label("in_production"),
        _FACT.model_id,
        _FACT.prediction_hash,
        _FACT.chain_hash,
        _GRADE.actual_result.label("result"),
        _GRADE.profit_loss,
        _GRADE.clv,
        _GRADE.closing_line,
        _GRADE.graded_at,
    )
    return _joined(select(*columns), by_games=by_games, graded=graded)


def _joined(chosen: Select[*tuple[Any, ...]], *, by_games: bool, graded: bool) -> Select[*tuple[Any, ...]]:
    """Return the columns from their tables, joined in the order in which rows are dropped soonest."""
    grade = _GRADE.prediction_id == _FACT.prediction_id
    if by_games:
        said = Prediction
        start = chosen.select_from(Game).join(said, said.game_id == Game.id).join(_FACT, _FACT.prediction_id == said.id)
    else:
        start = chosen.select_from(_FACT)
    if graded:
        start = start.join(_GRADE, grade)
    start = start.join(_RUN, _RUN.id == _FACT.run_id)
    if not by_games:
        start = start.join(Game, Game.id == _FACT.game_id)
    start = with_teams(start).outerjoin(Sportsbook, Sportsbook.id == _FACT.sportsbook_id)
    return start if graded else start.outerjoin(_GRADE, grade)


_WANTED: dict[str, ColumnElement[bool]] = {
    "since": Game.game_date >= bindparam("since"),
    "until": Game.game_date < bindparam("until"),
    "sport": Sport.code == bindparam("sport"),
    "model_id": _FACT.model_id == bindparam("model_id"),
    "game_id": _FACT.game_id == bindparam("game_id"),
    "bet_types": _FACT.bet_type == any_(bindparam("bet_types", type_=ARRAY(String))),
    "tiers": _FACT.signal_tier == any_(bindparam("tiers", type_=ARRAY(String))),
    "modes": _RUN.mode == any_(bindparam("modes", type_=ARRAY(String))),
    "before": _FACT.seq < bindparam("before"),
}
"""The condition a filter that is set puts, by the name of its value."""


def _values(wanted: Wanted, before: int | None) -> dict[str, Any]:
    """Return the value of each filter, None where it is not set."""
    since, until = (None, None) if wanted.kickoffs is None else map(_naive, wanted.kickoffs)
    return {
        "since": since,
        "until": until,
        "sport": wanted.sport,
        "model_id": wanted.model_id,
        "game_id": wanted.game_id,
        "bet_types": [str(each) for each in wanted.bet_types] or None,
        "tiers": [str(each) for each in wanted.tiers] or None,
        "modes": [str(each) for each in wanted.modes],
        "before": before,
    }


def _naive(moment: datetime) -> datetime:
    return ensure_utc(moment).replace(tzinfo=None)


def _sight(sight: Sight) -> dict[str, Any]:
    return {"seen": sorted(str(each) for each in sight.modes)}


def _seen(*, shadow: bool) -> list[ColumnElement[bool]]:
    modes = _RUN.mode == any_(bindparam("seen", type_=ARRAY(String)))
    return [modes] if shadow else [modes, _IN_PRODUCTION]


@lru_cache(maxsize=256)
def _page(by_games: bool, graded: bool, shadow: bool, sees_shadow: bool, filters: frozenset[str]) -> Compiled:
    """Return the statement of a page; `shadow`: only what models out of production said."""
    conditions = [*_seen(shadow=sees_shadow), *(_WANTED[name] for name in sorted(filters))]
    if shadow:
        conditions.append(~_IN_PRODUCTION)
    if graded:
        conditions.append(_GRADE.actual_result.is_not(None))
    query = _query(by_games=by_games, graded=graded).where(*conditions)
    return Compiled(query.order_by(_FACT.seq.desc()).limit(bindparam("most", type_=Integer)))


@lru_cache(maxsize=2)
def _one(sees_shadow: bool) -> Compiled:
    this = _FACT.prediction_id == bindparam("prediction_id")
    return Compiled(_query(by_games=False).where(this, *_seen(shadow=sees_shadow)))


_EXPLANATION = Compiled(
    select(
        ShapExplanation.rank,
        ShapExplanation.feature_name,
        ShapExplanation.feature_value,
        ShapExplanation.shap_value,
        ShapExplanation.impact_direction,
    )
    .where(ShapExplanation.prediction_id == bindparam("prediction_id"))
    .order_by(ShapExplanation.rank, ShapExplanation.feature_name)
)
