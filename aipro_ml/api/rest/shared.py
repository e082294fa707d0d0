"""Places whose answer hangs on the question and on what the caller may do, never on who they are."""

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from aipro_ml.api.rest.answers import tagged
from aipro_ml.api.rest.callers import credential_of
from aipro_ml.api.rest.finished import Question
from aipro_ml.api.rest.house import House, admit
from aipro_ml.api.rest.trace import trace_of
from aipro_ml.jobs import published


class SharedRoute(APIRoute):
    """Gives the finished answer to a known caller within their rate, where there is one; else it is made and kept.

    The permissions are part of the question, so who gets a finished answer may have it.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        given = await _finished(scope["app"].state.house, Request(scope)) if scope["method"] == "GET" else None
        await (super().handle if given is None else given)(scope, receive, send)


async def _finished(house: House, request: Request) -> Response | None:
    answers, trace = house.answers, trace_of(request.scope)
    if answers.is_due:
        await run_in_threadpool(answers.check, lambda: house.read(published.state))
    trace.era = answers.era
    caller = house.callers.known(credential_of(request.headers))
    if caller is None:
        return None
    found = answers.find(Question(request.scope["path"], request.scope["query_string"], caller.permissions))
    if found is None:
        return None
    await admit(house, trace, caller)
    return tagged(request, found.body, found.tag)
