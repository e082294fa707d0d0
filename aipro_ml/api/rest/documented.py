"""What the OpenAPI document says beside what FastAPI reads off the code: problems, credentials, headers."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from aipro_ml.api.rest.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/Problem"
Responses = dict[int | str, dict[str, Any]]

_MEANINGS = {
    400: "A spoiled cursor, or a body that cannot be read.",
    401: "No key or token, or one that opens nothing.",
    403: "Known, and not permitted.",
    404: "Not there, or not for this caller.",
    409: "A guard refused: over a limit, after kick-off, not enough money …",
    413: "The body is too large.",
    422: "The request does not fit what is documented.",
    429: "The rate is used up: see Retry-After.",
    500: "An error nobody foresaw.",
    503: "The database does not answer.",
}
_ALWAYS = (422, 429, 500, 503)
CREDENTIALS: list[dict[str, list[str]]] = [{"Key": []}, {"Session": []}]

DESCRIPTION = """
Read predictions, results, performance, models and the ledger of this installation; see your bankroll; place bets.

Show an API key as `X-API-Key`, or a session's access token as `Authorization: Bearer …`. Lists come in pages, newest
first: `next` of one is the `cursor` of the following. Every answer that can be kept has an `ETag`; show it as
`If-None-Match` and 304 says that nothing changed. Every error is a problem (RFC 9457). Times are UTC. Money is text.
""".strip()


def problems(*more: int) -> Responses:
    """Return the documentation of the problems an operation may answer with: those of all, and `more`."""
    return {status: _told(status) for status in sorted({*_ALWAYS, *more})}


def reading(*more: int) -> Responses:
    """Return the same for an operation that needs a caller and whose answer has a tag."""
    unchanged: dict[str, Any] = {"description": "Nothing changed since the answer with this tag."}
    return {304: unchanged, **problems(401, 403, *more)}


def needs(permission: str) -> dict[str, Any]:
    """Return the documentation of the credential and the permission an operation needs."""
    return {"security": CREDENTIALS, "x-permission": permission}


def _told(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": {"$ref": _REF}}}}
    if status == 429:
        told["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return told


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    told = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=app.openapi_tags
    )
    parts = told.setdefault("components", {})
    shapes = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    named = {**shapes.pop("$defs", {}), "Problem": shapes}
    parts.setdefault("schemas", {}).update(named)
    parts["securitySchemes"] = {
        "Key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`aipro key add` issues one."},
        "Session": {"type": "http", "scheme": "bearer", "description": "The access token of POST /v1/login."},
    }
    return told
