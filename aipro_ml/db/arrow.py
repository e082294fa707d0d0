"""Large reads by ADBC: Arrow tables over a second connection that sees exactly what the first one sees."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from aipro_ml.db.copy import driver_connection

log = logging.getLogger(__name__)

_STATE = """
    SELECT pg_current_xact_id_if_assigned() IS NULL,
           CASE WHEN current_user <> session_user THEN quote_ident(current_user) END
"""


def fetch_tables(connection: sa.Connection, statements: Sequence[str]) -> list[pa.Table] | None:
    """Return the results of `statements` as Arrow tables, all of one moment; None where ADBC cannot be used.

    The second connection takes the first one's address, settings, role and snapshot. It could not see what the
    first one's transaction has written and not yet committed, so then, as inside a savepoint, the answer is
    None; likewise where the server lets nobody else in. An error of a statement itself is raised.
    """
    raw = driver_connection(connection)
    untouched, role = raw.execute(_STATE).fetchone() or (False, None)
    if not untouched or connection.in_nested_transaction():
        return None
    (snapshot,) = raw.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    with _cursor(raw) as cursor:
        if cursor is None:
            return None
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        if role is not None:
            cursor.execute(f"SET LOCAL ROLE {role}")
        tables = []
        for statement in statements:
            cursor.execute(statement)
            tables.append(cursor.fetch_arrow_table())
        return tables


@contextmanager
def _cursor(raw: psycopg.Connection[Any]) -> Iterator[Any]:
    """Yield a cursor of a new ADBC connection to where `raw` is connected, None where there is none to be had."""
    import adbc_driver_postgresql.dbapi as driver  # loads pyarrow's C++ and its own libpq

    address = make_conninfo(**{**raw.info.get_parameters(), "password": raw.info.password})
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
