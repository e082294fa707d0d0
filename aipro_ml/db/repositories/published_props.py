"""Published player props for those who read them from outside, a page at a time, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.predictions import PlayerProp
from aipro_ml.db.models.sports import Game, Player, Sport
from aipro_ml.db.models.warehouse import FactPlayerProp
from aipro_ml.db.repositories.game_columns import GAME, with_teams
from aipro_ml.enums import RunMode, Tier

_FACE, _FACT = PlayerProp, FactPlayerProp


@dataclass(frozen=True)
class WantedProps:
    """Which props a reader asks for; None and () leave a filter out.

    `kickoffs`: from and to, the latter excluded. `mode`: live are those published before the game began.
    """

    sport: str | None = None
    kickoffs: tuple[datetime, datetime] | None = None
    tiers: tuple[Tier, ...] = ()
    mode: RunMode = RunMode.LIVE


def props_before(
    connection: Connection, wanted: WantedProps, before: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` props published before `before` (published_at, id; None: the newest), newest first."""
    statement = _PROPS.where(*_asked(wanted)).order_by(_FACE.created_at.desc(), _FACE.id.desc())
    if before is not None:
        statement = statement.where(tuple_(_FACE.created_at, _FACE.id) < before)
    return [dict(row) for row in connection.execute(statement.limit(limit)).mappings()]


def _props() -> Select[*tuple[Any, ...]]:
    chosen = select(
        _FACE.id,
        _FACT.game_id,
        Sport.code.label("sport"),
        *GAME,
        Player.name.label("player"),
        _FACE.prop_type.label("prop"),
        _FACT.line,
        _FACE.line.is_(None).label("projection"),
        _FACE.predicted_value.label("expected"),
        _FACE.over_probability,
        _FACE.under_probability,
        Sportsbook.name.label("book"),
        _FACT.over_price,
        _FACT.under_price,
        _FACE.signal_tier.label("tier"),
        _FACT.as_of,
        _FACE.created_at.label("published_at"),
        _FACT.prediction_hash,
        _FACT.result,
        _FACT.actual_value.label("actual"),
        _FACT.graded_at,
    )
    published = (
        chosen.select_from(_FACE)
        .join(_FACT, _FACT.player_prop_id == _FACE.id)
        .join(Game, Game.id == _FACT.game_id)
        .join(Player, Player.id == _FACT.player_id)
        .outerjoin(Sportsbook, Sportsbook.id == _FACT.sportsbook_id)
    )
    return with_teams(published)


_PROPS = _props()


def _asked(wanted: WantedProps) -> list[ColumnElement[bool]]:
    early = _FACE.created_at < Game.game_date
    conditions: list[ColumnElement[bool]] = [early if wanted.mode is RunMode.LIVE else ~early]
    if wanted.sport is not None:
        conditions.append(Sport.code == wanted.sport)
    if wanted.kickoffs is not None:
        conditions += [Game.game_date >= wanted.kickoffs[0], Game.game_date < wanted.kickoffs[1]]
    if wanted.tiers:
        conditions.append(_FACE.signal_tier.in_(wanted.tiers))
    return conditions
