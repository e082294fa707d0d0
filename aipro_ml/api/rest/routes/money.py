"""/v1/bankroll and /v1/bets: the caller's own money and nobody else's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field, StringConstraints

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer, secret_answer
from aipro_ml.api.rest.cursors import cursor_of, key, moment, place_of
from aipro_ml.api.rest.documented import needs, problems, reading
from aipro_ml.api.rest.house import House, Housed, actor, permitted
from aipro_ml.api.rest.problems import NotFoundError
from aipro_ml.api.rest.routes.predictions import sight_of
from aipro_ml.api.rest.shapes_money import Bankroll, Bet, BetsPage, BetWish, MovementOfMoney, MovementsPage
from aipro_ml.api.rest.wire import Flag, Id, Question
from aipro_ml.jobs import bets as placing
from aipro_ml.jobs import published, published_money
from aipro_ml.jobs.bank import Request as BankRequest

router = APIRouter(prefix="/v1", tags=["money"])
Owner = Annotated[Caller, Depends(permitted("bank:read"))]
Bettor = Annotated[Caller, Depends(permitted("bets:write"))]
_LINK = {"operationId": "bet_v1_bets__bet_id__get", "parameters": {"bet_id": "$response.body#/id"}}
NO_BANKROLL = "you have no bankroll: `aipro bank open` opens one"


class BetsAsked(Question):
    """Which bets."""

    open: Flag = Field(default=False, description="Only those that are not settled.")


IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,100}$")] | None,
    Header(
        alias="Idempotency-Key",
        description="A word of your own for this bet, 8 to 100 characters: asked again under it, no second bet is "
        "placed, and the answer is the bet that was.",
        examples=["6f1c0c9a-54a9-4e6f-8d55-0c1d2e3f4a5b"],
    ),
]


@router.get("/bankroll", response_model=Bankroll, responses=reading(404), openapi_extra=needs("bank:read"))
def bankroll(request: Request, house: Housed, caller: Owner) -> Response:
    """Return the caller's bankroll and what its bets came to."""
    summary = house.read_at_once(published_money.bankroll, caller.user_id)
    if summary is None:
        raise NotFoundError(NO_BANKROLL)
    return answer(request, Bankroll.of(summary))


@router.get(
    "/bankroll/movements",
    response_model=MovementsPage,
    responses=reading(400, 404),
    openapi_extra=needs("bank:read"),
)
def movements(request: Request, house: Housed, caller: Owner, asked: Annotated[Question, Query()]) -> Response:
    """List what moved in the caller's bankroll, the latest first."""
    question = {**asked.asked, "list": "movements"}
    before = None if asked.cursor is None else place_of(asked.cursor, question, (moment, key))
    rows = house.read(published_money.movements_page, caller.user_id, before, asked.limit + 1)
    if rows is None:
        raise NotFoundError(NO_BANKROLL)
    shown = rows[: asked.limit]
    following = cursor_of([shown[-1]["created_at"], shown[-1]["id"]], question) if len(rows) > len(shown) else None
    return answer(request, MovementsPage(items=[MovementOfMoney(**row) for row in shown], next=following))


@router.get("/bets", response_model=BetsPage, responses=reading(400), openapi_extra=needs("bank:read"))
def bets(request: Request, house: Housed, caller: Owner, asked: Annotated[BetsAsked, Query()]) -> Response:
    """List the caller's bets, the latest first."""
    question = {**asked.asked, "list": "bets"}
    before = None if asked.cursor is None else place_of(asked.cursor, question, (moment, key))
    rows = house.read(published_money.bets_page, caller.user_id, before, asked.limit + 1, open_only=asked.open)
    shown = rows[: asked.limit]
    following = cursor_of([shown[-1]["placed_at"], shown[-1]["id"]], question) if len(rows) > len(shown) else None
    return answer(request, BetsPage(items=[Bet.of(row) for row in shown], next=following))


@router.get("/bets/{bet_id}", response_model=Bet, responses=reading(404), openapi_extra=needs("bank:read"))
def bet(request: Request, house: Housed, caller: Owner, bet_id: Id) -> Response:
    """Return one of the caller's bets."""
    return answer(request, Bet.of(_own_bet(house, caller, bet_id)))


@router.post(
    "/bets",
    status_code=201,
    response_model=Bet,
    responses={
        200: {"model": Bet, "description": "It was placed before under this Idempotency-Key."},
        201: {"description": "It is placed.", "links": {"bet": _LINK}},
        **problems(400, 401, 403, 404, 409, 413),
    },
    openapi_extra=needs("bets:write"),
)
def place(
    request: Request, house: Housed, caller: Bettor, wish: BetWish, idempotency_key: IdempotencyKey = None
) -> Response:
    """Place a bet on a prediction and take its stake from the caller's bankroll; it cannot be taken back."""
    if not house.read(published.is_seen, sight_of(caller), wish.prediction):
        raise NotFoundError("no prediction of this id is published for you")
    if house.read(published_money.bankroll, caller.user_id) is None:
        raise NotFoundError(NO_BANKROLL)
    wanted = placing.Wish(
        prediction=str(wish.prediction),
        stake=None if wish.stake is None else Decimal(wish.stake),
        odds=wish.odds,
        book=wish.book,
        again=wish.again,
        key=idempotency_key,
    )
    by = actor(request, caller.user_id)
    who = BankRequest(caller.email, by, house.clock(), overrides=house.settings.overrides)
    slip = placing.place(house.writer, who, wanted)
    told = Bet.of(_own_bet(house, caller, slip.bet_id))
    return secret_answer(told, 200 if slip.repeated else 201, {"Location": f"/v1/bets/{slip.bet_id}"})


def _own_bet(house: House, caller: Caller, bet_id: Id) -> Mapping[str, Any]:
    row = house.read(published_money.bet, caller.user_id, bet_id)
    if row is None:
        raise NotFoundError("you have no bet of this id")
    return row
