"""Published predictions for those who read them from outside: a page at a time, newest first by place in the ledger."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, false, func, or_, select
from sqlalchemy.orm import aliased

from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import Prediction, PredictionResult, ShapExplanation
from aipro_ml.db.models.sports import Game, Sport, Team
from aipro_ml.db.models.warehouse import FactModelPromotion, FactPrediction, FactPredictionRun
from aipro_ml.enums import BetType, RunMode, Tier

_FACT, _RUN, _GRADE = FactPrediction, FactPredictionRun, PredictionResult
_HOME, _AWAY = aliased(Team), aliased(Team)


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
    query = _QUERIES[wanted.is_short, wanted.graded]
    statement = query.where(*_seen(sight), *_asked(wanted)).order_by(_FACT.seq.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_FACT.seq < before)
    found = connection.execute(statement)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def prediction_seen(connection: Connection, sight: Sight, prediction_id: UUID) -> dict[str, Any] | None:
    """Return the prediction, or None where there is none that the reader may see."""
    statement = _QUERIES[False, False].where(_FACT.prediction_id == prediction_id, *_seen(sight))
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else dict(row)


def explanation_rows(connection: Connection, prediction_id: UUID) -> list[dict[str, Any]]:
    """Return rank, feature_name, feature_value, shap_value and impact_direction of a prediction, by rank."""
    row = ShapExplanation
    columns = (row.rank, row.feature_name, row.feature_value, row.shap_value, row.impact_direction)
    statement = select(*columns).where(row.prediction_id == prediction_id).order_by(row.rank, row.feature_name)
    return [dict(each) for each in connection.execute(statement).mappings()]


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
        Game.game_date.label("kickoff"),
        _AWAY.abbreviation.label("away"),
        _HOME.abbreviation.label("home"),
        Game.status,
        Game.away_score,
        Game.home_score,
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
    start = (
        start.join(Sport, Sport.id == Game.sport_id)
        .join(_HOME, _HOME.id == Game.home_team_id)
        .join(_AWAY, _AWAY.id == Game.away_team_id)
        .outerjoin(Sportsbook, Sportsbook.id == _FACT.sportsbook_id)
    )
    return start if graded else start.outerjoin(_GRADE, grade)


_QUERIES = {(few, graded): _query(by_games=few, graded=graded) for few in (False, True) for graded in (False, True)}
"""By whether few games are asked for, and whether only graded predictions."""


def _seen(sight: Sight) -> list[ColumnElement[bool]]:
    modes = _RUN.mode.in_(sorted(sight.modes))
    return [modes] if sight.shadow else [modes, _IN_PRODUCTION]


def _asked(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return a condition a filter that is set."""
    conditions: list[ColumnElement[bool]] = [_RUN.mode.in_(wanted.modes)]
    if wanted.kickoffs is not None:
        since, until = wanted.kickoffs
        conditions += [Game.game_date >= since, Game.game_date < until]
    if wanted.shadow:
        conditions.append(~_IN_PRODUCTION)
    if wanted.graded:
        conditions.append(_GRADE.actual_result.is_not(None))
    equal = {Sport.code: wanted.sport, _FACT.model_id: wanted.model_id, _FACT.game_id: wanted.game_id}
    conditions += [column == value for column, value in equal.items() if value is not None]
    among = {_FACT.bet_type: wanted.bet_types, _FACT.signal_tier: wanted.tiers}
    return conditions + [column.in_(values) for column, values in among.items() if values]
