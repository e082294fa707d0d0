"""Every table is alive: something writes it, something else reads it, a test holds it; docs/tables.md says which."""

import ast

import pytest

from tests import tables_reference as reference
from tests.docs_reference import ROOT
from tests.tables_reference import TABLES, Definition, tables_page, uses

ALIVE = {one.name: one for one in uses()}


def test_there_are_fifty_five_tables():
    assert len(ALIVE) == 55


@pytest.mark.parametrize("name", sorted(ALIVE))
def test_a_table_has_a_writer_a_reader_and_a_test(name):
    one = ALIVE[name]
    assert one.writing, f"nothing writes {name}"
    assert one.written_by, f"no command leads to what writes {name}: {one.writing}"
    assert one.reading, f"no job of a command reads {name} but to write it"
    assert one.read_by
    assert one.tests, f"no test names {name}"


def test_the_page_of_tables_is_what_the_code_does():
    assert TABLES.read_text(encoding="utf-8") == tables_page(), "run: python -m tests.docs_reference"


@pytest.mark.parametrize(
    ("code", "written", "read"),
    [
        ("def f(c): c.execute(insert(Alert).values(a=1))", {"alerts"}, set()),
        ("def f(c):\n    row = Alert\n    c.execute(update(row).where(row.id == 1))", {"alerts"}, set()),
        ("def f(c): c.execute(select(Alert.id).join(User))", set(), {"alerts", "users"}),
        ("def f(c, rows): upsert(c, Alert.__table__, rows, key=('id',), update=())", {"alerts"}, set()),
        ("def f(c): c.execute(text('DELETE FROM alerts'))", {"alerts"}, set()),
        ("def f(c): return text('SELECT a.id FROM alerts a JOIN users u ON u.id = a.x')", set(), {"alerts", "users"}),
        ("def f(c):\n    '''Return what SELECT reads FROM alerts.'''", set(), set()),
    ],
)
def test_what_a_function_writes_is_told_from_what_it_reads(code, written, read):
    (node,) = ast.parse(code).body
    found = Definition()
    reference._use(node, found, {})
    assert (found.writes, found.reads) == (written, read)


def test_a_job_that_reads_a_table_only_to_write_it_is_no_reader():
    assert "warehouse.refresh" not in ALIVE["dim_dates"].reading
    assert "warehouse_questions.ask" in ALIVE["dim_dates"].reading


def test_a_table_whose_writer_is_gone_is_found(monkeypatch):
    graph = {node: one for node, one in reference.graph().items() if "alerts" not in one.writes}
    monkeypatch.setattr(reference, "graph", lambda: graph)
    alerts = reference._use_of("alerts", reference.models()["Alert"])
    assert alerts.writing == alerts.written_by == ()


def test_every_module_of_repositories_is_looked_at():
    modules = {path.stem for path in (ROOT / "aipro_ml" / "db" / "repositories").glob("[!_]*.py")}
    assert modules <= {module.rsplit(".", 1)[-1] for module, _ in reference.graph()}
