"""The wheel holds the package with its configuration and schema, nothing else, and works without a checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ASK = """
import json
import aipro_ml
from aipro_ml import config, resources
from aipro_ml.db import migrate
settings = config.load_settings()
print(json.dumps({
    "package": aipro_ml.__file__, "checkout": resources.checkout(), "configs": str(resources.configs_dir()),
    "sport": config.sport_config("NFL").name, "head": migrate.head(), "home": str(settings.home),
    "artifacts": str(settings.artifacts_dir),
}))
"""


def shipped(folder: str) -> set[str]:
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = out.glob("*.whl")
    return built


def test_the_wheel_holds_package_configuration_and_schema_once_and_nothing_else(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    beside = {f"aipro_ml/{name}" for name in shipped("configs") | shipped("schema")}
    assert sorted(names) == sorted(shipped("aipro_ml") | beside)


def test_the_wheel_carries_the_licence_and_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [licence] = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        [commands] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert b"Apache License" in archive.read(licence)
        assert "aipro = aipro_ml.cli.app:main" in archive.read(commands).decode()


def test_the_unpacked_wheel_keeps_its_state_in_the_users_data_folder(wheel, tmp_path):
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    unset = {"AIPRO_HOME", "AIPRO_ARTIFACTS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**environment, "PYTHONPATH": str(place), "XDG_DATA_HOME": str(tmp_path / "data")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "package": str(place / "aipro_ml" / "__init__.py"),
        "checkout": None,
        "configs": str(place / "aipro_ml" / "configs"),
        "sport": "National Football League",
        "head": max(path.name[:4] for path in (ROOT / "schema" / "migrations" / "versions").glob("*.py")),
        "home": str(tmp_path / "data" / "aipro"),
        "artifacts": str(tmp_path / "data" / "aipro" / "artifacts"),
    }
