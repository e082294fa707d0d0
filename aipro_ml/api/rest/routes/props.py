"""/v1/props: what was published of players' figures, and how it ended."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer
from aipro_ml.api.rest.cursors import cursor_of, key, moment, place_of
from aipro_ml.api.rest.documented import needs, reading
from aipro_ml.api.rest.house import Housed, permitted
from aipro_ml.api.rest.routes.predictions import sight_of
from aipro_ml.api.rest.shapes_props import Prop, PropsPage
from aipro_ml.api.rest.shared import SharedRoute
from aipro_ml.api.rest.wire import Day, Question, SportCode
from aipro_ml.enums import RunMode, Tier
from aipro_ml.errors import ForbiddenError
from aipro_ml.jobs.published import Days, days_of
from aipro_ml.jobs.published_props import WantedProps, props_page

router = APIRouter(prefix="/v1", tags=["predictions"], route_class=SharedRoute)
Reader = Annotated[Caller, Depends(permitted("predictions:read"))]


class PropsAsked(Question):
    """Which props."""

    sport: SportCode | None = None
    date: Day | None = Field(default=None, description="The local day of the games; of UTC where no sport is named.")
    tier: list[Tier] = Field(default=[], description="May stand several times.")
    mode: RunMode = Field(
        default=RunMode.LIVE,
        description="`live`: published before the game began; `backfilled`: later, needs predictions:backfilled.",
    )


@router.get("/props", response_model=PropsPage, responses=reading(400), openapi_extra=needs("predictions:read"))
def props(request: Request, house: Housed, caller: Reader, asked: Annotated[PropsAsked, Query()]) -> Response:
    """List published player props, the newest first, each with its result once it has one."""
    if asked.mode not in sight_of(caller).modes:
        raise ForbiddenError("back-filled props need the permission predictions:backfilled")
    question: dict[str, Any] = {**asked.asked, "list": "props"}
    before = None if asked.cursor is None else place_of(asked.cursor, question, (moment, key))
    kickoffs = days_of(Days(asked.date, asked.date), asked.sport)
    wanted = WantedProps(asked.sport, kickoffs, tuple(sorted(set(asked.tier))), asked.mode)
    rows = house.read(props_page, wanted, before, asked.limit + 1)
    shown = rows[: asked.limit]
    following = cursor_of([shown[-1]["published_at"], shown[-1]["id"]], question) if len(rows) > len(shown) else None
    return answer(request, PropsPage(items=[Prop.of(row) for row in shown], next=following))
