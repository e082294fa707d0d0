"""Who writes and who reads each table, found in the source by its syntax trees; `docs/tables.md` is printed from it.

A node is a definition at the top of a module. It leads to every definition it names, so what a command reaches is what
its function leads to. SQL stands in `db/repositories` alone: there a node writes the tables it inserts into, updates or
deletes from, and reads those it selects from.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.docs_reference import ROOT, commands

PACKAGE = "aipro_ml"
TABLES = ROOT / "docs" / "tables.md"
ROOMS = ("cli", "api", "jobs", "db")
"""Where commands, jobs and SQL stand; the other rooms may not import the database."""

Node = tuple[str, str]

WRITES = {"insert": 0, "update": 0, "delete": 0, "upsert": 1, "insert_new": 1, "copy_rows": 1}
"""Calls that write, and which argument is the table."""

READS = {"select", "exists", "aliased", "join", "outerjoin"}
ALWAYS = {"nightly", "schedule run-due", "demo"}
"""Commands that do everything: named only where no other does."""

_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE(?: ONLY)?|DELETE FROM|TRUNCATE(?: TABLE)?)\s+\"?(\w+)")
_READ = re.compile(r"(?<!DELETE )\b(?:FROM|JOIN|USING)\s+(?:ONLY\s+)?\"?(\w+)")
_STATEMENT = re.compile(r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN)\s")


@dataclass
class Definition:
    """What a definition leads to, and which tables it writes and reads itself.

    `hands_on`: tables it gives to other functions of the database layer; `writes_given`, `reads_given`: whether it
    writes or reads a table that was given to it.
    """

    leads_to: set[Node] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    hands_on: set[str] = field(default_factory=set)
    writes_given: bool = False
    reads_given: bool = False


@dataclass(frozen=True)
class TableUse:
    """Of one table: the repositories' functions and the commands that write it, and the same of reading.

    `reading` has only those jobs a command or the API calls that read the table and do not write it: what reads its own
    rows to write them anew is no reader.
    """

    name: str
    says: str
    rules: str
    writing: tuple[str, ...]
    written_by: tuple[str, ...]
    reading: tuple[str, ...]
    read_by: tuple[str, ...]
    tests: tuple[str, ...]


@cache
def models() -> dict[str, Any]:
    """Return every mapped class by its name."""
    from aipro_ml.db import models as registered
    from aipro_ml.db.base import Base

    assert len(registered.metadata.tables)  # the classes register themselves
    return {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}


@cache
def graph() -> dict[Node, Definition]:
    """Return every definition of the package."""
    paths = [path for room in ROOMS for path in (ROOT / PACKAGE / room).rglob("*.py")]
    trees = {_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    defined = {name: {each: node for node in tree.body for each in _names(node)} for name, tree in trees.items()}
    imports = {name: dict(_imported(tree)) for name, tree in trees.items()}
    found = {(module, name): Definition() for module, definitions in defined.items() for name in definitions}
    for (module, name), one in found.items():
        node = defined[module][name]
        named = {_home(each, defined, imports) for each in _mentions(node, module, imports[module])}
        one.leads_to |= named & found.keys()
        if module.startswith(f"{PACKAGE}.db"):
            _use(node, one, defined[module])
        for decorator in getattr(node, "decorator_list", []):  # a route or command is reached through its router
            if (module, _root(decorator)) in found:
                found[module, _root(decorator)].leads_to.add((module, name))
    for node, one in found.items():
        if one.hands_on:
            below = [found[each] for each in _reached(node, found) if each[0].startswith(f"{PACKAGE}.db")]
            one.writes |= one.hands_on if any(each.writes_given for each in below) else set()
            one.reads |= one.hands_on if any(each.reads_given for each in below) else set()
    return found


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _imported(tree: ast.Module) -> Iterator[tuple[str, Node | str]]:
    """Yield (name here, (module, name there) or module) of every import of the package's own, also in functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.asname, each.name) for each in node.names if each.asname and PACKAGE in each.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            for each in node.names:
                place = f"{node.module}.{each.name}"
                is_module = (ROOT / f"{place.replace('.', '/')}.py").is_file() or (
                    ROOT / place.replace(".", "/")
                ).is_dir()
                yield each.asname or each.name, place if is_module else (str(node.module), each.name)


def _mentions(node: ast.stmt, module: str, imports: dict[str, Node | str]) -> Iterator[Node]:
    """Yield what a definition names; a parameter or local name hides what the module has of that name.

    A module named as a whole stands for its router.
    """
    decorators = getattr(node, "decorator_list", [])
    parts = [inner for part in ast.iter_child_nodes(node) if part not in decorators for inner in ast.walk(part)]
    local = {each.arg for each in parts if isinstance(each, ast.arg)}
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        local |= {each.id for each in parts if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    for each in parts:
        if isinstance(each, ast.Constant) and str(each.value).startswith(
            f"{PACKAGE}."
        ):  # what a server is told to load
            place, _, name = str(each.value).partition(":")
            yield place, name
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id not in local:
            place = imports.get(each.value.id)
            if isinstance(place, str):
                yield place, each.attr
        elif isinstance(each, ast.Name) and each.id not in local:
            place = imports.get(each.id)
            yield place if isinstance(place, tuple) else (place or module, "router" if place else each.id)


def _home(node: Node, defined: dict[str, dict[str, Any]], imports: dict[str, dict[str, Node | str]]) -> Node:
    """Return where a name is defined that a module only hands on."""
    for _ in range(5):
        module, name = node
        place = imports.get(module, {}).get(name)
        if name in defined.get(module, {}) or not isinstance(place, tuple):
            return node
        node = place
    return node


def _root(decorator: ast.expr) -> str:
    while isinstance(decorator, ast.Call | ast.Attribute):
        decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value
    return decorator.id if isinstance(decorator, ast.Name) else ""


def _use(node: ast.stmt, found: Definition, definitions: dict[str, ast.stmt]) -> None:
    """Note which tables a definition of the database layer writes and reads."""
    aliases, known = dict(_aliases(node, definitions)), {model.__tablename__ for model in models().values()}
    for line in _statements(node):
        calls = [each for each in ast.walk(line) if isinstance(each, ast.Call)]
        targets = {table for call in calls for table in _written(call, aliases)}
        found.writes |= targets
        found.writes_given |= any(_called(call) in WRITES and not _written(call, aliases) for call in calls)
        found.hands_on |= {table for call in calls for table in _handed_on(call, known)}
        named = {table for each in ast.walk(line) for table in _tables(each, aliases)}
        selects = any(_called(call) in READS for call in calls)
        is_constant = line is node
        if selects or (is_constant and not isinstance(node, ast.ClassDef)):
            found.reads |= named if selects else named - targets
    for text in _sql(node):
        found.reads_given |= "FROM {" in text
        found.writes |= known & set(_WRITTEN.findall(text))
        found.reads |= known & set(_READ.findall(text))


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    """Yield the simple statements and the heads of the compound ones; a constant is one of its own."""
    bodies = [each for each in ast.walk(node) if isinstance(each, ast.stmt)]
    for each in bodies:
        if not hasattr(each, "body"):
            yield each
        else:
            heads = [getattr(each, name, None) for name in ("test", "iter")]
            yield from (head for head in [*heads, *getattr(each, "items", [])] if isinstance(head, ast.AST))


def _aliases(node: ast.stmt, definitions: dict[str, ast.stmt]) -> Iterator[tuple[str, set[str]]]:
    """Yield (local name, tables) where a class, or a choice among several, gets a short name."""
    for each in ast.walk(node):
        if not isinstance(each, ast.Assign) or len(each.targets) != 1:
            continue
        target, value = each.targets[0], each.value
        whole = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts)
        for name, given in zip(target.elts, value.elts, strict=True) if whole else [(target, value)]:
            if isinstance(name, ast.Name):
                tables = {table for part in ast.walk(given) for table in _chosen(part, definitions)}
                if tables:
                    yield name.id, tables


def _chosen(part: ast.AST, definitions: dict[str, ast.stmt]) -> set[str]:
    if isinstance(part, ast.Name) and part.id in models():
        return {models()[part.id].__tablename__}
    if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name) and part.value.id in definitions:
        inside = ast.walk(definitions[part.value.id])
        return {
            models()[each.id].__tablename__ for each in inside if isinstance(each, ast.Name) and each.id in models()
        }
    return set()


def _tables(part: ast.AST, aliases: dict[str, set[str]]) -> set[str]:
    if not isinstance(part, ast.Name):
        return set()
    return aliases.get(part.id) or ({models()[part.id].__tablename__} if part.id in models() else set())


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _written(call: ast.Call, aliases: dict[str, set[str]]) -> set[str]:
    at = WRITES.get(_called(call))
    if at is None or len(call.args) <= at:
        return set()
    return {table for part in ast.walk(call.args[at]) for table in _tables(part, aliases)}


def _handed_on(call: ast.Call, known: set[str]) -> set[str]:
    """Return the tables a call gives to a function that is none of SQLAlchemy's: `X.__table__`, or by name."""
    if _called(call) in {*WRITES, *READS}:
        return set()
    parts = [part for given in (*call.args, *(each.value for each in call.keywords)) for part in ast.walk(given)]
    classes = {
        p.value.id
        for p in parts
        if isinstance(p, ast.Attribute) and p.attr == "__table__" and isinstance(p.value, ast.Name)
    }
    names = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return {models()[each].__tablename__ for each in classes if each in models()} | (names & known)


def _sql(node: ast.stmt) -> Iterator[str]:
    docs = {id(each.value) for each in ast.walk(node) if isinstance(each, ast.Expr)}
    for each in ast.walk(node):
        is_text = isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in docs
        if is_text and _STATEMENT.search(each.value):
            yield each.value


@cache
def reach(start: Node) -> frozenset[Node]:
    """Return every definition `start` leads to, itself among them."""
    return frozenset(_reached(start, graph()))


def _reached(start: Node, among: dict[Node, Definition]) -> set[Node]:
    seen, ahead = set(), [start]
    while ahead:
        node = ahead.pop()
        if node not in seen and node in among:
            seen.add(node)
            ahead += among[node].leads_to
    return seen


@cache
def writes(start: Node) -> set[str]:
    """Return the tables that may be written from here."""
    return set().union(*(graph()[node].writes for node in reach(start)))


@cache
def reads(start: Node) -> set[str]:
    """Return the tables that may be read from here."""
    return set().union(*(graph()[node].reads for node in reach(start)))


@cache
def entries() -> dict[str, Node]:
    """Return the commands by name, and the Python API."""
    found = {" ".join(path): command.callback for path, command in commands()}
    nodes = {name: (callback.__module__, callback.__name__) for name, callback in found.items()}
    return {**nodes, "Python API": (f"{PACKAGE}.api.platform", "Platform")}


@cache
def called_jobs() -> dict[Node, frozenset[str]]:
    """Return the jobs that commands and the APIs call themselves, each with the commands that lead to it."""
    outside = {node for node in graph() if node[0].startswith((f"{PACKAGE}.cli", f"{PACKAGE}.api"))}
    jobs = {to for node in outside for to in graph()[node].leads_to if to[0].startswith(f"{PACKAGE}.jobs")}
    return {
        job: frozenset(name for name, start in entries().items() if job in reach(start))
        for job in jobs
        if job in graph()
    }


def uses() -> list[TableUse]:
    """Return every table with its writers and readers, in the order of the specification."""
    from aipro_ml.db.models import metadata

    told = {model.__tablename__: model for model in models().values()}
    return [_use_of(name, told[name]) for name in metadata.tables]


def _use_of(name: str, model: Any) -> TableUse:
    writing = sorted(node for node, one in graph().items() if name in one.writes)
    reading = sorted(job for job in called_jobs() if name in reads(job) and name not in writes(job))
    readers = set().union(*(called_jobs()[job] for job in reading)) if reading else set()
    return TableUse(
        name=name,
        says=(model.__doc__ or "").strip().split("\n")[0].rstrip("."),
        rules=_rules(model.__table__),
        writing=tuple(_short(node) for node in writing),
        written_by=_named({each for each, start in entries().items() if any(node in reach(start) for node in writing)}),
        reading=tuple(_short(job) for job in reading),
        read_by=_named(readers),
        tests=tuple(_tests_of(name, writing, reading)),
    )


def _rules(table: Any) -> str:
    from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint

    marks = [mark.replace("_", "-") for mark in ("append_only", "insert_only", "never_deleted") if table.info.get(mark)]
    kinds = {"checks": CheckConstraint, "unique": UniqueConstraint, "keys": ForeignKeyConstraint}
    counts = {word: sum(isinstance(one, kind) for one in table.constraints) for word, kind in kinds.items()}
    return ", ".join([*marks, *(f"{count} {word}" for word, count in counts.items() if count)]) or "primary key"


def _short(node: Node) -> str:
    return f"{node[0].rsplit('.', 1)[-1]}.{node[1]}"


def _named(found: set[str]) -> tuple[str, ...]:
    return tuple(sorted(found - ALWAYS, key=lambda each: (each == "Python API", each)) or sorted(found))


@cache
def _test_files() -> dict[str, str]:
    return {
        p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8")
        for p in sorted((ROOT / "tests").rglob("test_*.py"))
        if p.name != "test_tables.py"
    }


def _tests_of(name: str, writing: list[Node], reading: list[Node]) -> Iterator[str]:
    """Yield the tests that name the table, else those that call a job which writes or reads it."""
    named = [path for path, text in _test_files().items() if re.search(rf"\b{name}\b", text)]
    jobs = {job for job in called_jobs() if any(node in reach(job) for node in writing)} | set(reading)
    calls = {f"from {module} import" for module, _ in jobs}
    yield from named or [path for path, text in _test_files().items() if any(call in text for call in calls)]


_HEAD = """# Tables

Generated from the code by `.venv/bin/python -m tests.docs_reference`: which commands lead to the SQL that writes a
table, and which jobs read it for something other than writing it anew. A test fails for a table without a writer, a
reader or a test, and where this page and the code differ. `aipro nightly`, `aipro schedule run-due` and `aipro demo` do
everything and are named only where nothing else does.

Columns stand in `schema/schema.sql`, and as data in `schema/tables.json`.
"""


def tables_page() -> str:
    """Return docs/tables.md."""
    found = uses()
    lines = [
        _HEAD,
        f"{len(found)} tables:\n",
        "| table | holds | written by | read by | rules | tests |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{one.name}` | {one.says} | {_cell(one.written_by, 3)} ({_cell(one.writing, 2)}) "
        f"| {_cell(one.read_by, 3)} ({_cell(one.reading, 2)}) | {one.rules} | {_cell(one.tests, 1)} |"
        for one in found
    ]
    return "\n".join([*lines, ""])


def _cell(names: tuple[str, ...], most: int) -> str:
    more = f" + {len(names) - most}" if len(names) > most else ""
    return ", ".join(f"`{name}`" for name in names[:most]) + more or "nobody"
