"""Errors as RFC 9457 has them: one shape for everything that goes wrong, and nothing of the inside in it."""

import logging
import math
import re
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from aipro_ml.api.rest.cursors import CursorError
from aipro_ml.api.rest.trace import Spent, trace_of
from aipro_ml.errors import (
    AccessError,
    AiproError,
    DatabaseError,
    ForbiddenError,
    GuardError,
    LockedOutError,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"
_LOGGER = logging.getLogger(__name__)
_BUSY_S = 5


class Fault(BaseModel):
    """What is wrong with one part of a request."""

    where: str = Field(description="Such as `query.limit` or `body.stake`.")
    says: str


class Problem(BaseModel):
    """An error; `detail` says what to do about it where something can be done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Too Many Requests",
                    "status": 429,
                    "detail": "100 requests a minute are heard: try again in 12 seconds",
                    "request_id": "6f1c0c9a54a94e6f",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str = Field(description="The request's id in the log, also in the header X-Request-Id.")
    errors: list[Fault] | None = Field(default=None, description="With status 422: what is wrong, part by part.")


class NotFoundError(AiproError):
    """What is asked for is not there, or not for this caller."""


class TooManyError(AiproError):
    """A rate is used up."""

    def __init__(self, spent: Spent) -> None:
        super().__init__(f"{spent.limit} requests a minute are heard: try again in {spent.reset} seconds")
        self.retry_after = spent.reset


def problem(
    request_id: str,
    status: int,
    detail: str,
    *,
    errors: Sequence[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response of a problem."""
    title = HTTPStatus(status).phrase
    told = Problem(title=title, status=status, detail=detail, request_id=request_id)
    if errors:
        told.errors = list(errors)
    body = told.model_dump_json(exclude_none=True)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def unexpected(request_id: str, error: BaseException) -> Response:
    """Return the answer to an error nobody foresaw: it tells nothing; the log has its kind and where it was raised.

    Not its message: that of a statement holds what was sent to the database, and that may be somebody's.
    """
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _LOGGER.error("unexpected error", extra={"kind": type(error).__name__, "frames": frames[-8:]})
    return problem(request_id, 500, "something went wrong here; the log has it under this request's id")


def install(app: FastAPI) -> None:
    """Let every error of the application become a problem."""
    app.add_exception_handler(AiproError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(SQLAlchemyError, _of_database)


_STATUS: tuple[tuple[type[AiproError], int], ...] = (
    (NotFoundError, 404),
    (CursorError, 400),
    (AccessError, 401),
    (ForbiddenError, 403),
    (LockedOutError, 429),
    (TooManyError, 429),
    (DatabaseError, 503),
    (GuardError, 409),
    (UsageError, 422),
)
"""The first kind an error is of decides."""


async def _of_ours(request: Request, error: Exception) -> Response:
    request_id = trace_of(request.scope).request_id
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if status == 500:
        return unexpected(request_id, error)
    if status == 503:
        return _unavailable(request_id, error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="aipro"'
    if isinstance(error, LockedOutError | TooManyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return problem(request_id, status, str(error), headers=headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    """Return what is wrong, without what was sent: it may be a password."""
    faults: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    told = [Fault(where=".".join(map(str, each["loc"])), says=_said(each)) for each in faults]
    return problem(trace_of(request.scope).request_id, 422, "the request does not fit: see `errors`", errors=told)


def _said(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")[:200]


async def _of_http(request: Request, error: Exception) -> Response:
    request_id = trace_of(request.scope).request_id
    if not isinstance(error, HTTPException):
        return unexpected(request_id, error)
    told = {404: "nothing is here: /docs tells what there is", 405: "this method is not for this place: see Allow"}
    detail = told.get(error.status_code, str(error.detail))
    headers = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
    return problem(request_id, error.status_code, detail, headers=headers)


def _methods(request: Request) -> str:
    """Return every method this place knows: each of them is a route of its own."""
    app: FastAPI = request.app
    path = request.url.path
    methods = {
        method.upper()
        for place, told in app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", place), path)
        for method in told
    }
    return ", ".join(sorted(methods or {"GET"}))


async def _of_database(request: Request, error: Exception) -> Response:
    """Return 503 where the server is lost, busy or gave up, else 500."""
    request_id = trace_of(request.scope).request_id
    lost = isinstance(error, PoolTimeoutError) or (isinstance(error, DBAPIError) and _is_lost(error))
    return _unavailable(request_id, error) if lost else unexpected(request_id, error)


def _is_lost(error: DBAPIError) -> bool:
    import psycopg

    return isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)


def _unavailable(request_id: str, error: BaseException) -> Response:
    _LOGGER.error("the database does not answer", extra={"kind": type(error).__name__})
    return problem(request_id, 503, "the database does not answer: try again", headers={"Retry-After": str(_BUSY_S)})
