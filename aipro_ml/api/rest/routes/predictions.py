"""/v1/predictions and /v1/results: what was published, why, and how it ended."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer, plain_answer
from aipro_ml.api.rest.cursors import cursor_of, place_of, whole
from aipro_ml.api.rest.documented import needs, reading
from aipro_ml.api.rest.house import Housed, permitted
from aipro_ml.api.rest.problems import NotFoundError
from aipro_ml.api.rest.shapes import ExplainedPrediction, PredictionsPage
from aipro_ml.api.rest.shared import SharedRoute
from aipro_ml.api.rest.wire import Day, Flag, Id, Question, SportCode
from aipro_ml.enums import BetType, RunMode, Tier
from aipro_ml.errors import ForbiddenError
from aipro_ml.jobs import published
from aipro_ml.jobs.published import Asked, Days, Sight

router = APIRouter(prefix="/v1", tags=["predictions"], route_class=SharedRoute)
Reader = Annotated[Caller, Depends(permitted("predictions:read"))]


class PredictionsAsked(Question):
    """Which predictions."""

    sport: SportCode | None = None
    date: Day | None = Field(default=None, description="The local day of the games; of UTC where no sport is named.")
    since: Day | None = Field(default=None, description="Games of this local day and later.")
    until: Day | None = Field(default=None, description="Games of this local day and earlier.")
    bet_type: BetType | None = None
    tier: list[Tier] = Field(default=[], description="May stand several times.")
    model: Id | None = None
    game: Id | None = None
    mode: RunMode = Field(default=RunMode.LIVE, description="`backfilled` needs predictions:backfilled.")
    shadow: Flag = Field(default=False, description="Of models out of production instead; needs predictions:shadow.")

    @property
    def days(self) -> Days:
        """Return the local days the games are of."""
        return Days(self.since, self.until) if self.date is None else Days(self.date, self.date)


def sight_of(caller: Caller) -> Sight:
    """Return what a caller may see: everybody live predictions of production models, some more."""
    modes = {RunMode.LIVE} | ({RunMode.BACKFILLED} if caller.may("predictions:backfilled") else set())
    return Sight(frozenset(modes), shadow=caller.may("predictions:shadow"))


@router.get(
    "/predictions", response_model=PredictionsPage, responses=reading(400), openapi_extra=needs("predictions:read")
)
def predictions(
    request: Request, house: Housed, caller: Reader, asked: Annotated[PredictionsAsked, Query()]
) -> Response:
    """List published predictions, the newest first, each with its grade once it has one."""
    return _listed(request, house, caller, asked, graded=False)


@router.get("/results", response_model=PredictionsPage, responses=reading(400), openapi_extra=needs("predictions:read"))
def results(request: Request, house: Housed, caller: Reader, asked: Annotated[PredictionsAsked, Query()]) -> Response:
    """List the predictions that are graded, the newest first."""
    return _listed(request, house, caller, asked, graded=True)


@router.get(
    "/predictions/{prediction_id}",
    response_model=ExplainedPrediction,
    responses=reading(404),
    openapi_extra=needs("predictions:read"),
)
def prediction(request: Request, house: Housed, caller: Reader, prediction_id: Id) -> Response:
    """Return one prediction with its explanation: what each feature added to the log-odds."""
    row = house.read(published.prediction, sight_of(caller), prediction_id)
    if row is None:
        raise NotFoundError("no prediction of this id is published for you")
    return answer(request, ExplainedPrediction.of(row))


def _listed(request: Request, house: Housed, caller: Caller, asked: PredictionsAsked, *, graded: bool) -> Response:
    sight = sight_of(caller)
    _refuse_unseen(sight, asked)
    question: dict[str, Any] = {**asked.asked, "graded": graded}
    before = None if asked.cursor is None else place_of(asked.cursor, question, (whole,))[0]
    wanted = Asked(
        sport=asked.sport,
        days=asked.days,
        bet_types=() if asked.bet_type is None else (asked.bet_type,),
        tiers=tuple(sorted(set(asked.tier))),
        mode=asked.mode,
        model_id=asked.model,
        game_id=asked.game,
        shadow=asked.shadow,
        graded=graded,
    )
    rows = house.read(published.predictions_page, sight, wanted, before, asked.limit + 1)
    shown = rows[: asked.limit]
    following = cursor_of([shown[-1]["seq"]], question) if len(rows) > asked.limit else None
    return plain_answer(request, PredictionsPage.parts_of(shown, following))


def _refuse_unseen(sight: Sight, asked: PredictionsAsked) -> None:
    """Raise ForbiddenError for what the caller may not see: an empty page would say that there is none."""
    if asked.mode not in sight.modes:
        raise ForbiddenError("back-filled predictions need the permission predictions:backfilled")
    if asked.shadow and not sight.shadow:
        raise ForbiddenError("predictions of models out of production need the permission predictions:shadow")
