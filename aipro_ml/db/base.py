"""What every table shares: the declarative base, constraint names, column types and the rules of a column."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from aipro_ml.times import ensure_utc


class UtcTimestamp(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, TIMESTAMP WITHOUT TIME ZONE holding UTC in PostgreSQL.

    Binding a naive datetime raises ValueError (StatementError from an executed statement).
    """

    # the generic type, not PostgreSQL's own: SQLAlchemy then knows that moment − interval is a moment again
    impl = DateTime(timezone=False)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return `value` as UTC wall time, the form the column stores."""
        return None if value is None else ensure_utc(value).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored wall time as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """Let only datetimes take this type: an interval added to a moment stays an interval."""
        return self if isinstance(value, datetime) else self.impl_instance.coerce_compared_value(op, value)


UuidKey = Annotated[UUID, mapped_column(primary_key=True)]
"""A primary key; Python gives it, so that a thing keeps its identifier (see `aipro_ml.identity`)."""

Char1 = Annotated[str, mapped_column(CHAR(1))]
Char3 = Annotated[str, mapped_column(CHAR(3))]
Varchar10 = Annotated[str, mapped_column(String(10))]
Varchar20 = Annotated[str, mapped_column(String(20))]
Varchar50 = Annotated[str, mapped_column(String(50))]
Varchar64 = Annotated[str, mapped_column(String(64))]
Varchar100 = Annotated[str, mapped_column(String(100))]
Varchar200 = Annotated[str, mapped_column(String(200))]
Varchar255 = Annotated[str, mapped_column(String(255))]
Varchar500 = Annotated[str, mapped_column(String(500))]
Money10 = Annotated[Decimal, mapped_column(Numeric(10, 2))]
Money12 = Annotated[Decimal, mapped_column(Numeric(12, 2))]


class Base(DeclarativeBase):
    """Base of all tables.

    `Table.info` may carry `append_only` (a trigger refuses UPDATE, DELETE and TRUNCATE, of the owner too),
    `insert_only` (the application role may read and insert) or `never_deleted` (it may update too; see `db.guards`).
    """

    __table__: ClassVar[Table]

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Uuid(),
        str: Text(),
        float: Double(),
        datetime: UtcTimestamp(),
        # None is SQL NULL, never the JSON word null: one way to be absent
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
    }


def references(target: str, on_delete: str = "RESTRICT", *, unique: bool = False) -> MappedColumn[Any]:
    """Return a column that refers to `target` ("table.column").

    The default refuses to delete what is referred to: evidence outlives the wish to tidy up.
    """
    return mapped_column(ForeignKey(target, ondelete=on_delete), unique=unique or None)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """Return the check that `column` holds one of the closed vocabulary `words` (a StrEnum or strings)."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def american(column: str) -> CheckConstraint:
    """Return the check that `column` is an American price: at least +100 or at most -100."""
    return CheckConstraint(f"{column} >= 100 OR {column} <= -100", name=f"{column}_american")


def within_unit(column: str) -> CheckConstraint:
    """Return the check that `column` lies in [0, 1]; NaN, which PostgreSQL sorts above all, is refused."""
    return CheckConstraint(f"{column} >= 0 AND {column} <= 1", name=f"{column}_within_unit")
