"""`aipro data validate` on malformed files of every source: findings or one clear error, never a traceback."""

import importlib
import logging
from pathlib import Path

import pytest

from aipro_ml.cli.app import main
from aipro_ml.sources.registry import SOURCES
from tests.sources import malformed, malformed_files

MODULES = sorted(path.stem for path in (Path(__file__).parents[1] / "sources").glob("layouts_*.py"))
LAYOUTS = [layout for module in MODULES for layout in importlib.import_module(f"tests.sources.{module}").LAYOUTS]
NEEDS = {"mapped", "action-network"}
"""Sources that need a mapping file or stored games beside the file."""

FILES = [one for one in LAYOUTS if one.source in SOURCES and one.source not in NEEDS]
SPORTS = {"odds-api-days": "NHL"}
"""The sport of a feed that does not say it, where it is not NCAAF."""


def called(layout):
    return f"{layout.source} {layout.file}"


def written(layout, content, folder: Path) -> Path:
    """Write a file, or a folder of files, and return its place."""
    if isinstance(content, bytes):
        place = folder / (Path(layout.file).name if "/" not in layout.file else "bmr.tar.gz")
        place.write_bytes(content)
        return place
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def validated(monkeypatch, capsys, tmp_path):
    """Run the command as a shell would; return its exit code and all it printed."""
    logger = logging.getLogger("aipro_ml")
    kept = logger.handlers[:], logger.propagate, logger.level
    monkeypatch.setenv("AIPRO_HOME", str(tmp_path / "home"))
    files = tmp_path / "files"
    files.mkdir()

    def run(layout, content):
        words = ["aipro", "data", "validate", layout.source, str(written(layout, content, files))]
        words += ["--sport", SPORTS.get(layout.source, "NCAAF")] if SOURCES[layout.source].needs_sport else []
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out + said.err

    yield run
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.propagate = kept[0], kept[1]
    logger.setLevel(kept[2])


@pytest.mark.parametrize("layout", FILES, ids=called)
def test_spoilt_cells_are_listed_and_the_file_is_read(layout, validated):
    column, values = next(iter(layout.cells.items()))
    code, said = validated(layout, layout.content(malformed.spoilt_rows(layout, column, values)))
    assert code == 0, said
    assert "Traceback" not in said
    assert "critical" in said
    assert all(char.isprintable() or char in "\r\n" for char in said)


@pytest.mark.parametrize("layout", FILES, ids=called)
def test_a_truncated_file_is_one_clear_error_alone_and_in_a_folder(layout, validated):
    fault = malformed_files.file_faults(layout)["a gzip cut at 50"]
    code, said = validated(layout, fault.content)
    assert "Traceback" not in said
    assert code == 1, said
    if isinstance(fault.content, bytes):
        assert said.startswith("error: "), said
    else:
        assert f"error: {layout.file}: the gzip file is truncated; fetch it again" in said
