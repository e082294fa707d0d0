"""/v1/health: whether this answers, for anybody; how each component was, for those who may know."""

import threading
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from aipro_ml import __version__
from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer, secret_answer
from aipro_ml.api.rest.documented import needs, reading
from aipro_ml.api.rest.house import House, Housed, permitted
from aipro_ml.api.rest.shapes import Component, Components, Health
from aipro_ml.jobs import published

router = APIRouter(prefix="/v1/health", tags=["health"])
Operator = Annotated[Caller, Depends(permitted("health:read"))]
REMEMBERED_S = 1.0
"""Seconds an answer is good for, so that nobody loads the database by asking."""


class Pulse:
    """Whether the database answered within the last second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until, self._alive = 0.0, False

    def alive(self, house: House) -> bool:
        """Return whether the database answers."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._alive = _answers(house)
                self._until = time.monotonic() + REMEMBERED_S
            return self._alive


def _answers(house: House) -> bool:
    try:
        house.read(published.answers)
    except SQLAlchemyError:
        return False
    return True


@router.get(
    "", response_model=Health, responses={503: {"model": Health, "description": "The database does not answer."}}
)
def health(request: Request, house: Housed) -> Response:
    """Return whether the API and its database answer."""
    alive = request.app.state.pulse.alive(house)
    told = Health(status="healthy" if alive else "down", version=__version__)
    return secret_answer(told, 200 if alive else 503)


@router.get("/components", response_model=Components, responses=reading(), openapi_extra=needs("health:read"))
def components(request: Request, house: Housed, caller: Operator) -> Response:  # noqa: ARG001 - who may ask is checked
    """Return how each component was when the night last looked at it."""
    rows = house.read(published.latest_health)
    told = [Component(**{name: row[name] for name in Component.model_fields}) for row in rows]
    return answer(request, Components(items=told))
