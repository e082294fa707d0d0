"""Large reads by ADBC: Arrow tables over a second connection that sees exactly what the first one sees."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from aipro_ml.db.copy import driver_connection

log = logging.getLogger(__name__)

_STATE = """
    SELECT pg_current_xact_id_if_assigned() IS NULL,
           CASE WHEN current_user <> session_user THEN quote_ident(current_user) END
"""


Fetched = list[pa.Table] | None


def fetch_tables(connection: sa.Connection, statements: Sequence[str]) -> Fetched:
    """Return the results of `statements` as `fetching` does, with nothing beside."""
    with fetching(connection, statements) as wait:
        return wait()


@contextmanager
def fetching(connection: sa.Connection, statements: Sequence[str]) -> Iterator[Callable[[], Fetched]]:
    """Begin to fetch the results of `statements`; what is yielded waits for them, and `connection` is free meanwhile.

    They are Arrow tables, all of the moment of this call; None where ADBC cannot be used. The second connection takes
    the first one's address, settings, role and snapshot. It could not see what the first one's transaction has written
    and not yet committed, so then, as inside a savepoint, the answer is None; likewise where the server lets nobody
    else in. An error of a statement itself is raised by the waiting.
    """
    raw = driver_connection(connection)
    untouched, role = raw.execute(_STATE).fetchone() or (False, None)
    if not untouched or connection.in_nested_transaction():
        yield lambda: None
        return
    (snapshot,) = raw.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    address = make_conninfo(**{**raw.info.get_parameters(), "password": raw.info.password})
    begin = [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        f"SET TRANSACTION SNAPSHOT '{snapshot}'",
        "SET LOCAL synchronize_seqscans = off",  # rows in the order they were written: mostly that of time
        *([] if role is None else [f"SET LOCAL ROLE {role}"]),
    ]
    with ThreadPoolExecutor(1) as beside:  # leaving it waits: the snapshot ends with this transaction
        yield beside.submit(_fetch, address, begin, statements).result


def _fetch(address: str, begin: Sequence[str], statements: Sequence[str]) -> Fetched:
    with _cursor(address) as cursor:
        if cursor is None:
            return None
        for statement in begin:
            cursor.execute(statement)
        tables = []
        for statement in statements:
            cursor.execute(statement)
            tables.append(cursor.fetch_arrow_table())
        return tables


@contextmanager
def _cursor(address: str) -> Iterator[Any]:
    """Yield a cursor of a new ADBC connection to `address`, None where there is none to be had."""
    import adbc_driver_postgresql.dbapi as driver  # loads pyarrow's C++ and its own libpq

    try:
        opened = driver.connect(address)
    except driver.Error as error:
        log.warning("ADBC cannot connect, reading through the driver", extra={"reason": type(error).__name__})
        yield None
        return
    try:
        with opened.cursor() as cursor:
            yield cursor
    finally:
        opened.close()
