"""What every request of the API finds here: the open database, who is known, what was counted, and the clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from aipro_ml.accounts.addresses import client_agent, client_ip, network_of
from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.callers import Callers, Credential, credential_of
from aipro_ml.api.rest.finished import Answers
from aipro_ml.api.rest.problems import TooManyError
from aipro_ml.api.rest.rates import STRANGERS_A_MINUTE, Rates
from aipro_ml.api.rest.trace import Spent, Trace, trace_of
from aipro_ml.config import Settings
from aipro_ml.errors import AccessError
from aipro_ml.inference.ledger import Head
from aipro_ml.jobs.actors import Actor

Clock = Callable[[], datetime]
Asked = ParamSpec("Asked")
Told = TypeVar("Told")


class Roots:
    """Remembers the Merkle root of the newest head: a ledger grows and never changes."""

    def __init__(self) -> None:
        self._newest: tuple[Head, str] | None = None
        self._lock = threading.Lock()

    def of(self, head: Head, compute: Callable[[], str]) -> str:
        """Return the root of the ledger up to `head`, computed where it is another head's than the last one's."""
        with self._lock:
            if self._newest is None or self._newest[0] != head:
                self._newest = (head, compute())
            return self._newest[1]


@dataclass(frozen=True)
class House:
    """The open installation behind the API."""

    settings: Settings
    reader: Engine
    writer: Engine
    clock: Clock
    callers: Callers
    rates: Rates
    answers: Answers
    roots: Roots = field(default_factory=Roots)

    def read(
        self, ask: Callable[Concatenate[Connection, Asked], Told], *args: Asked.args, **more: Asked.kwargs
    ) -> Told:
        """Return what `ask` reads, on a connection that cannot write.

        A connection that was lost since it was last used is found out by using it: then it is asked once more.
        """
        try:
            with self.reader.connect() as connection:
                return ask(connection, *args, **more)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self.reader.connect() as connection:
            return ask(connection, *args, **more)

    def read_at_once(
        self, ask: Callable[Concatenate[Connection, Asked], Told], *args: Asked.args, **more: Asked.kwargs
    ) -> Told:
        """Return the same where `ask` reads several things that must be of one moment."""

        def of_one_moment(connection: Connection) -> Told:
            return ask(connection.execution_options(isolation_level="REPEATABLE READ"), *args, **more)

        return self.read(of_one_moment)


async def house_of(request: Request) -> House:
    """Return the installation this request is answered by."""
    found: House = request.app.state.house
    return found


def permitted(permission: str | None) -> Callable[[Request], object]:
    """Return the dependency that yields the caller, once they are known, within their rate and have the permission.

    None: any caller.
    """

    async def caller_of(request: Request) -> Caller:
        house = await house_of(request)
        caller = await _known(house, request, credential_of(request.headers))
        await admit(house, trace_of(request.scope), caller)
        if permission is not None:
            caller.require(permission)
        return caller

    return caller_of


async def admit(house: House, trace: Trace, caller: Caller) -> None:
    """Note who asks and take one request off their rate; TooManyError where it is used up."""
    trace.caller, trace.permissions = str(caller.key_id or caller.user_id), caller.permissions
    kind = "session" if caller.key_id is None else "key"
    trace.spent = await spend(house, caller.per_minute, kind, trace.caller)


async def _known(house: House, request: Request, credential: Credential) -> Caller:
    found = house.callers.known(credential)
    if found is not None:
        return found
    try:
        return await run_in_threadpool(house.callers.look_up, credential)
    except AccessError:
        await spend(house, STRANGERS_A_MINUTE, "stranger", network(request))
        raise


async def spend(house: House, per_minute: int, kind: str, who: str) -> Spent:
    """Take one request off a rate; TooManyError where it is used up."""
    if house.rates.waits:
        spent = await run_in_threadpool(house.rates.spend, per_minute, kind, who)
    else:
        spent = house.rates.spend(per_minute, kind, who)
    if not spent.allowed:
        raise TooManyError(spent)
    return spent


def address(request: Request) -> str | None:
    """Return the IP address a request comes from, None where it comes from no network."""
    return client_ip(None if request.client is None else request.client.host)


def network(request: Request) -> str:
    """Return the network a request is counted under while nobody is known."""
    return network_of(address(request)) or "-"


def actor(request: Request, user_id: UUID) -> Actor:
    """Return the user of this request as who acts, with address and agent."""
    return Actor(user_id, None, address(request), client_agent(request.headers.get("user-agent")))


Housed = Annotated[House, Depends(house_of)]
