"""/v1/login, /v1/refresh, /v1/logout and /v1/me: who the caller is, and for how long."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import secret_answer
from aipro_ml.api.rest.callers import credential_of
from aipro_ml.api.rest.documented import CREDENTIALS, problems
from aipro_ml.api.rest.house import Housed, address, network, permitted, spend
from aipro_ml.api.rest.rates import LOGINS_A_MINUTE
from aipro_ml.api.rest.shapes_money import CallerTold, LoginWish, RefreshWish, TokenPair
from aipro_ml.errors import AccessError
from aipro_ml.jobs import sessions
from aipro_ml.jobs.sessions import LoginRequest, Tokens

router = APIRouter(prefix="/v1", tags=["sessions"])
AnyCaller = Annotated[Caller, Depends(permitted(None))]


@router.post("/login", response_model=TokenPair, responses=problems(400, 401, 413))
async def login(request: Request, house: Housed, wish: LoginWish) -> Response:
    """Begin a session; what was wrong is never told."""
    await spend(house, LOGINS_A_MINUTE, "login", network(request))
    agent = request.headers.get("user-agent")
    asked = LoginRequest(wish.email, wish.password, wish.code, address(request), agent)
    tokens = await run_in_threadpool(sessions.login, house.writer, house.settings, asked, house.clock())
    return secret_answer(_pair(tokens))


@router.post("/refresh", response_model=TokenPair, responses=problems(400, 401, 413))
async def refresh(request: Request, house: Housed, wish: RefreshWish) -> Response:
    """Return the next pair of tokens; the presented one is used up, and shown again it ends the session."""
    await spend(house, LOGINS_A_MINUTE, "refresh", network(request))
    who = (address(request), request.headers.get("user-agent"), house.clock())
    tokens = await run_in_threadpool(sessions.refresh, house.writer, house.settings, wish.refresh_token, *who)
    return secret_answer(_pair(tokens))


@router.post("/logout", status_code=204, responses=problems(401), openapi_extra={"security": [{"Session": []}]})
async def logout(request: Request, house: Housed, caller: AnyCaller) -> Response:
    """End the session whose access token is shown."""
    if caller.key_id is not None:
        raise AccessError  # a key has no session
    credential = credential_of(request.headers)
    await run_in_threadpool(sessions.logout, house.writer, credential.text, house.clock())
    house.callers.forget(credential)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.get("/me", response_model=CallerTold, responses=problems(401), openapi_extra={"security": CREDENTIALS})
async def me(caller: AnyCaller) -> Response:
    """Return who the caller is taken for, and what they may do."""
    told = CallerTold(
        user_id=caller.user_id,
        email=caller.email,
        role=caller.role,
        permissions=sorted(caller.permissions),
        key_id=caller.key_id,
        per_minute=caller.per_minute,
    )
    return secret_answer(told)


def _pair(tokens: Tokens) -> TokenPair:
    return TokenPair(
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        access_expires_at=tokens.access_expires_at,
        refresh_expires_at=tokens.refresh_expires_at,
    )
