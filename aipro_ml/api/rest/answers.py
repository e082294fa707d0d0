"""Answers that are cheap to ask again: each has a tag, and who shows the tag hears that nothing changed."""

import hashlib
import re
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from aipro_ml.api.rest.finished import Finished, Question
from aipro_ml.api.rest.house import House
from aipro_ml.api.rest.trace import trace_of

JSON = "application/json"
REVALIDATE = "private, no-cache"
"""Keep it, and ask each time whether it still holds: what a caller may see is theirs alone."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def answer(request: Request, told: BaseModel) -> Response:
    """Return `told` as JSON with a tag made of its bytes, or 304 where the caller has these."""
    return _digested(request, told.__pydantic_serializer__.to_json(told))


def plain_answer(request: Request, parts: dict[str, Any]) -> Response:
    """Return the parts of an answer as `answer` does, without making it first: for pages of many rows."""
    return _digested(request, to_json(parts, inf_nan_mode="null"))


def _digested(request: Request, body: bytes) -> Response:
    return finished(request, body, hashlib.sha256(body).hexdigest()[:32])


def finished(request: Request, body: bytes, tag: str) -> Response:
    """Return JSON bytes under this tag as `tagged` does, and keep them where the place is shared."""
    trace = trace_of(request.scope)
    if trace.era is not None and trace.permissions is not None:
        house: House = request.app.state.house
        question = Question(request.scope["path"], request.scope["query_string"], trace.permissions)
        house.answers.keep(question, trace.era, Finished(body, tag))
    return tagged(request, body, tag)


def tagged(request: Request, body: bytes, tag: str) -> Response:
    """Return JSON bytes under this tag, or 304 where the caller has them."""
    return unchanged(request, tag) or Response(body, media_type=JSON, headers=_headers(tag))


def unchanged(request: Request, tag: str) -> Response | None:
    """Return 304 where the caller shows this tag (`If-None-Match`), else None."""
    shown = request.headers.get("if-none-match")
    if shown is None or not (shown.strip() == "*" or f'"{tag}"' in _TAG.findall(shown)):
        return None
    return Response(status_code=304, headers=_headers(tag))


def secret_answer(told: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `told` as JSON that nobody may keep."""
    body = told.__pydantic_serializer__.to_json(told)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, JSON)


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Cache-Control": REVALIDATE, "Vary": "Authorization, X-API-Key"}
