"""Advisory locks: one writer at a time where two would step on each other's rows."""

from sqlalchemy import Connection, text


def wait_for(connection: Connection, name: str, seconds: int = 600) -> None:
    """Wait for the exclusive right called `name` until this transaction ends; it is not held before or after.

    Who waits here waits for another whole job, which takes longer than a usual lock or statement may.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{seconds}s'"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))").bindparams(name=name))
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
