"""The application: its places, its errors, its documentation, and the database behind it."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from aipro_ml import __version__, logs
from aipro_ml.api.rest import problems
from aipro_ml.api.rest.callers import Callers
from aipro_ml.api.rest.documented import document
from aipro_ml.api.rest.envelope import Envelope
from aipro_ml.api.rest.finished import Answers
from aipro_ml.api.rest.house import Clock, House
from aipro_ml.api.rest.page import install_pages
from aipro_ml.api.rest.rates import Rates
from aipro_ml.api.rest.routes import health, ledger, models, money, predictions, props, sessions
from aipro_ml.config import Settings, load_settings
from aipro_ml.jobs.serving import engines
from aipro_ml.jobs.system_settings import given_settings

_SHOWN = (
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-Id",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
_TAGS = [
    {"name": "predictions", "description": "What was published, why, and how it ended."},
    {"name": "models", "description": "What speaks, and how it has done."},
    {"name": "ledger", "description": "Proof that nothing published was changed."},
    {"name": "money", "description": "The caller's own bankroll and bets."},
    {"name": "sessions", "description": "Log in, take the next tokens, log out."},
    {"name": "health", "description": "Whether all this answers."},
]


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def served() -> FastAPI:
    """Return the application of the installation the environment names: what a server's worker calls."""
    settings = load_settings()
    logs.configure(level=settings.log_level, as_json=settings.log_json, folder=settings.logs_dir)
    given = given_settings(settings, os.environ, ())
    return create(settings.model_copy(update={"overrides": given}))


def create(settings: Settings, clock: Clock = now, ticks: Callable[[], float] = time.monotonic) -> FastAPI:
    """Return the application of an installation; its database is opened when it starts and given back at its end.

    `ticks`: seconds that never go back, by which callers and answers are remembered.
    """
    app = FastAPI(
        title="AI PRO SPORTS",
        version=__version__,
        openapi_tags=_TAGS,
        lifespan=_lifespan(settings, clock, ticks),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for each in (predictions, props, models, ledger, money, sessions, health):
        app.include_router(each.router)
    problems.install(app)
    install_pages(app)
    _document(app)
    origins = [origin.strip() for origin in settings.api_cors_origins.split(",") if origin.strip()]
    if origins:
        asked = ["Authorization", "X-API-Key", "Idempotency-Key", "If-None-Match", "Content-Type", "X-Request-Id"]
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=asked,
            expose_headers=_SHOWN,
        )
    app.add_middleware(Envelope)  # the last that is added stands outermost
    return app


def _lifespan(
    settings: Settings, clock: Clock, ticks: Callable[[], float]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        store = settings.api_rate_store
        rates = Rates(None if store is None else store.get_secret_value())
        with engines(settings) as (reader, writer):
            # a thread a connection: one more would only wait for a connection
            anyio.to_thread.current_default_thread_limiter().total_tokens = settings.pool_size
            callers, answers = Callers(writer, clock, ticks), Answers(ticks)
            app.state.house = House(settings, reader, writer, clock, callers, rates, answers)
            app.state.pulse = health.Pulse()
            yield

    return life


def _document(app: FastAPI) -> None:
    """Let the document be made once, with what FastAPI cannot read off the code."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
