"""Answers that are cheap to ask again: each has a tag, and who shows the tag hears that nothing changed."""

import hashlib
import re

from fastapi import Request, Response
from pydantic import BaseModel

JSON = "application/json"
REVALIDATE = "private, no-cache"
"""Keep it, and ask each time whether it still holds: what a caller may see is theirs alone."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def answer(request: Request, told: BaseModel) -> Response:
    """Return `told` as JSON with a tag made of its bytes, or 304 where the caller has these."""
    body = told.__pydantic_serializer__.to_json(told)
    return tagged(request, body, hashlib.sha256(body).hexdigest()[:32])


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
