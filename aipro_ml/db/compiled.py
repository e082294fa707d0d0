"""Statements that are asked many times a second: compiled once, their rows taken as the driver reads them."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Select

from aipro_ml.db.base import UtcTimestamp


class Compiled:
    """A SELECT whose values are named (`bindparam`), at a third of what SQLAlchemy needs to build and read it.

    Only moments are converted: every other column must be of a type that psycopg itself reads as Python wants it.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._names = tuple(str(column.key) for column in statement.selected_columns)
        self._moments = [
            str(column.key) for column in statement.selected_columns if isinstance(column.type, UtcTimestamp)
        ]
        self._texts: WeakKeyDictionary[Dialect, tuple[str, dict[str, Any]]] = WeakKeyDictionary()

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows by column; moments among `values` are naive UTC, as the columns store them."""
        text, constants = self._texts.get(connection.dialect) or self._compile(connection.dialect)
        cursor = connection.exec_driver_sql(text, {**constants, **values}).cursor
        return [] if cursor is None else [self._read(row) for row in cursor.fetchall()]

    def _compile(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        compiled = self._statement.compile(dialect=dialect)
        constants: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}
        self._texts[dialect] = (str(compiled), constants)
        return self._texts[dialect]

    def _read(self, row: tuple[Any, ...]) -> dict[str, Any]:
        read = dict(zip(self._names, row, strict=True))
        for name in self._moments:
            if read[name] is not None:
                read[name] = read[name].replace(tzinfo=UTC)
        return read
