"""The notebook a data scientist starts from runs as it stands, and was kept as it ran."""

import copy
import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs_reference import ROOT
from tests.fixtures_commands import environment
from tests.fixtures_platform import Platform
from tests.test_docs import MACHINE

NOTEBOOK = ROOT / "docs" / "start.ipynb"
SMALL = "SEASONS, TEST_SEASONS = 6, 2"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for cell in codes(notebook) for output in cell.outputs)


def test_the_notebook_was_kept_with_the_outputs_of_one_whole_run(notebook) -> None:
    assert [cell.execution_count for cell in codes(notebook)] == list(range(1, len(codes(notebook)) + 1))
    kinds = {output.output_type for cell in codes(notebook) for output in cell.outputs}
    assert kinds <= {"stream", "execute_result", "display_data"}
    assert not [output for cell in codes(notebook) for output in cell.outputs if output.get("name") == "stderr"]
    assert pictures(notebook) == 5


def test_the_notebook_is_small_and_names_no_place_of_one_machine(notebook) -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 400_000
    assert not MACHINE.search(text)
    assert not re.search(r"/(?:tmp|var)/", text)


def test_every_cell_of_the_notebook_runs_on_a_small_league(notebook, database_settings, monkeypatch) -> None:
    for name, value in environment(Platform(database_settings)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(database_settings.mlflow_tracking_uri))
    small = copy.deepcopy(notebook)
    (parameters,) = [cell for cell in codes(small) if "parameters" in cell.metadata.get("tags", [])]
    parameters.source = SMALL
    NotebookClient(small, timeout=300, kernel_name="python3").execute()
    assert pictures(small) == 5
    said = "".join(output.get("text", "") for cell in codes(small) for output in cell.outputs)
    assert "16 predictions, 0 abstentions, published: False" in said
