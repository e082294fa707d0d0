"""/v1/models and /v1/performance: what speaks, and how it has done."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer
from aipro_ml.api.rest.cursors import cursor_of, day, key, moment, place_of
from aipro_ml.api.rest.documented import needs, reading
from aipro_ml.api.rest.house import Housed, permitted
from aipro_ml.api.rest.problems import NotFoundError
from aipro_ml.api.rest.shapes import Model, ModelDetail, ModelsPage, PerformanceDay, PerformancePage
from aipro_ml.api.rest.shared import SharedRoute
from aipro_ml.api.rest.wire import Day, Flag, Id, Question, SportCode
from aipro_ml.enums import BetType
from aipro_ml.jobs import published
from aipro_ml.jobs.published import Days, WantedModels

router = APIRouter(prefix="/v1", tags=["models"], route_class=SharedRoute)
ModelReader = Annotated[Caller, Depends(permitted("models:read"))]
PerformanceReader = Annotated[Caller, Depends(permitted("performance:read"))]


class ModelsAsked(Question):
    """Which models."""

    sport: SportCode | None = None
    bet_type: BetType | None = None
    production: Flag | None = Field(default=None, description="Only those in production now, or only the others.")


class PerformanceAsked(Question):
    """Which days of which models."""

    sport: SportCode | None = None
    bet_type: BetType | None = None
    model: Id | None = None
    since: Day | None = Field(default=None, description="This day of UTC and later.")
    until: Day | None = Field(default=None, description="This day of UTC and earlier.")


@router.get("/models", response_model=ModelsPage, responses=reading(400), openapi_extra=needs("models:read"))
def models(request: Request, house: Housed, caller: ModelReader, asked: Annotated[ModelsAsked, Query()]) -> Response:
    """List models, the newest first: those of production, now or once; with predictions:shadow all."""
    before = None if asked.cursor is None else place_of(asked.cursor, asked.asked, (moment, key))
    wanted = WantedModels(asked.sport, asked.bet_type, asked.production, None, _shadow(caller))
    rows = house.read(published.models_page, wanted, before, asked.limit + 1)
    shown, last = rows[: asked.limit], rows[: asked.limit][-1:]
    following = cursor_of([last[0]["created_at"], last[0]["id"]], asked.asked) if len(rows) > asked.limit else None
    return answer(request, ModelsPage(items=[Model(**row) for row in shown], next=following))


@router.get(
    "/models/{model_id}", response_model=ModelDetail, responses=reading(404), openapi_extra=needs("models:read")
)
def model(request: Request, house: Housed, caller: ModelReader, model_id: Id) -> Response:
    """Return one model with its most important features."""
    row = house.read(published.model, model_id, shadow=_shadow(caller))
    if row is None:
        raise NotFoundError("no model of this id is told of to you")
    return answer(request, ModelDetail(**row))


@router.get(
    "/performance", response_model=PerformancePage, responses=reading(400), openapi_extra=needs("performance:read")
)
def performance(
    request: Request, house: Housed, caller: PerformanceReader, asked: Annotated[PerformanceAsked, Query()]
) -> Response:
    """List how models did by day, the latest first: those of production, now or once; with predictions:shadow all."""
    before = None if asked.cursor is None else place_of(asked.cursor, asked.asked, (day, key))
    wanted = WantedModels(asked.sport, asked.bet_type, None, asked.model, _shadow(caller))
    rows = house.read(published.performance_page, wanted, Days(asked.since, asked.until), before, asked.limit + 1)
    shown, last = rows[: asked.limit], rows[: asked.limit][-1:]
    following = cursor_of([last[0]["date"], last[0]["id"]], asked.asked) if len(rows) > asked.limit else None
    return answer(request, PerformancePage(items=[PerformanceDay(**row) for row in shown], next=following))


def _shadow(caller: Caller) -> bool:
    return caller.may("predictions:shadow")
