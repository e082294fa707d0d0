"""The schema as text, generated from the models: the DDL snapshot and the machine-readable contract."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, ExecutableDDLElement

from aipro_ml import resources
from aipro_ml.db.guards import FUNCTIONS, GUARDS
from aipro_ml.db.models import metadata

SNAPSHOT = "schema.sql"
CONTRACT = "tables.json"
APP_ROLE = "aipro_app"
"""The application's role: it reads and writes, owns nothing and cannot rewrite what is append-only."""

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

# a statement trigger fires where no row matches too, and for INSERT ... ON CONFLICT DO UPDATE
_TRIGGER = """
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""

_RIGHTS = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        BEGIN
            CREATE ROLE {role} NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was migrated at the same moment
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role {role} is missing and may not be created here: no rights were granted';
                RETURN;
        END;
    END IF;
    GRANT USAGE ON SCHEMA public TO {role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON
        {writable}
        TO {role};
    GRANT SELECT, INSERT, UPDATE ON
        {kept}
        TO {role};
    GRANT SELECT, INSERT ON
        {insertable}
        TO {role};
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        GRANT SELECT ON alembic_version TO {role};
    END IF;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
END
$$"""


def append_only_triggers() -> dict[str, str]:
    """Return the trigger that guards each append-only table: table name to trigger name."""
    return {name: f"{name}_append_only" for name in sorted(_marked("append_only"))}


def triggers() -> list[tuple[str, str]]:
    """Return (table, trigger) of every trigger the schema has."""
    return [*append_only_triggers().items(), *((guard.table, guard.trigger) for guard in GUARDS)]


def _marked(*marks: str) -> list[str]:
    """Return the tables that carry one of these marks in their `info`."""
    return [table.name for table in metadata.sorted_tables if any(table.info.get(mark) for mark in marks)]


def _ddl(element: ExecutableDDLElement) -> str:
    compiled = str(element.compile(dialect=_DIALECT)).strip()
    return "\n".join(line.rstrip() for line in compiled.splitlines()).replace("\t", "    ")


def _late_keys() -> list[ForeignKeyConstraint]:
    """Return the keys of cycles, which can only be added when both tables stand."""
    keys = [key for table in metadata.sorted_tables for key in table.foreign_key_constraints]
    return [key for key in keys if key.use_alter]


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _rights() -> str:
    insertable, kept = _marked("append_only", "insert_only"), _marked("never_deleted")
    writable = [name for name in metadata.tables if name not in {*insertable, *kept}]
    separator = ",\n        "
    return _RIGHTS.strip().format(
        role=APP_ROLE,
        writable=separator.join(sorted(writable)),
        kept=separator.join(sorted(kept)),
        insertable=separator.join(sorted(insertable)),
    )


def schema_sql() -> str:
    """Return the whole schema as DDL that runs from top to bottom in an empty database."""
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(_ddl(CreateTable(table)))
        statements += [_ddl(CreateIndex(index)) for index in _indexes(table)]
    statements += [_ddl(AddConstraint(key)) for key in _late_keys()]
    statements += [function.strip() for function in FUNCTIONS.values()]
    for table_name, trigger in append_only_triggers().items():
        statements.append(_TRIGGER.strip().format(name=trigger, table=table_name))
    statements += [guard.statement.strip() for guard in GUARDS]
    statements.append(_rights())
    head = "-- Generated from aipro_ml/db/models by `python -m aipro_ml.db.contract`: do not edit.\n"
    return head + "".join(f"\n{statement};\n" for statement in statements)


def _column(column: Column[Any]) -> dict[str, Any]:
    default = column.server_default
    return {
        "name": column.name,
        "type": column.type.compile(dialect=_DIALECT),
        "nullable": bool(column.nullable),
        "default": None if default is None else str(getattr(default, "arg", "")),
    }


def _index(index: Index) -> dict[str, Any]:
    where = index.dialect_options["postgresql"].get("where")
    return {
        "name": str(index.name),
        "columns": [column.name for column in index.columns],
        "unique": bool(index.unique),
        "where": None if where is None else str(where),
    }


def _foreign_key(key: ForeignKeyConstraint) -> dict[str, Any]:
    return {
        "name": str(key.name),
        "columns": key.column_keys,
        "references": key.referred_table.name,
        "on_delete": key.ondelete,
    }


def _by_name(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["name"]))


def _table(table: Table) -> dict[str, Any]:
    unique = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    checks = [rule for rule in table.constraints if isinstance(rule, CheckConstraint)]
    return {
        "name": table.name,
        "append_only": bool(table.info.get("append_only")),
        "columns": [_column(column) for column in table.columns],
        "primary_key": [column.name for column in table.primary_key],
        "unique": _by_name(
            [{"name": str(rule.name), "columns": [column.name for column in rule.columns]} for rule in unique]
        ),
        "foreign_keys": _by_name([_foreign_key(key) for key in table.foreign_key_constraints]),
        "checks": _by_name([{"name": str(rule.name), "condition": str(rule.sqltext)} for rule in checks]),
        "indexes": [_index(index) for index in _indexes(table)],
    }


def tables_json() -> str:
    """Return every table as JSON: columns, types, nullability, defaults, keys, checks and indexes."""
    tables = [_table(metadata.tables[name]) for name in sorted(metadata.tables)]
    return json.dumps({"tables": tables}, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write both texts into `folder`."""
    (folder / SNAPSHOT).write_text(schema_sql(), encoding="utf-8")
    (folder / CONTRACT).write_text(tables_json(), encoding="utf-8")


if __name__ == "__main__":
    write(resources.schema_dir())
