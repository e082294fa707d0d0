"""Advisory locks: one writer at a time where two would step on each other's rows."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError


def wait_for(connection: Connection, name: str, seconds: int = 600) -> None:
    """Wait for the exclusive right called `name` until this transaction ends; it is not held before or after.

    Who waits here waits for another whole job, which takes longer than a usual lock or statement may.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{seconds}s'"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))").bindparams(name=name))
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


@contextmanager
def held(engine: Engine, name: str, seconds: int = 3600) -> Iterator[None]:
    """Hold the exclusive right called `name` while the block runs, over any number of transactions.

    It is a session's lock: a process that is killed gives it back with its connection. So whoever holds it knows
    that no other process of that name is alive.
    """
    named = {"name": name}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{seconds}s'"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))").bindparams(**named))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))").bindparams(**named))
            connection.execute(text("RESET lock_timeout"))
            connection.execute(text("RESET statement_timeout"))


@contextmanager
def tried(engine: Engine, name: str) -> Iterator[bool]:
    """Try for the exclusive right called `name` while the block runs: False at once where another process has it.

    A session's lock, as in `held`; where the server goes away meanwhile, nothing is left to give back.
    """
    named = {"name": name}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))").bindparams(**named))
        try:
            yield bool(got)
        finally:
            if got and not connection.invalidated:
                with suppress(DBAPIError):
                    connection.execute(
                        text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))").bindparams(**named)
                    )
