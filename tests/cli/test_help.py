"""The face of the command line: fast help, a sentence for every command, shell completion."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from aipro_ml.cli.app import app

ROOT = typer.main.get_command(app)
HEAVY = {"mlflow", "sklearn", "shap", "lightgbm", "pandas", "numpy", "sqlalchemy", "psycopg", "matplotlib", "httpx"}


def commands(command: click.Command = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield (words, command) of every command below `command`."""
    for name, each in getattr(command, "commands", {}).items():
        yield " ".join((*path, name)), each
        yield from commands(each, (*path, name))


COMMANDS = dict(commands())


def python(code: str, **environment: str) -> str:
    """Return what `code` prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("--help", HEAVY | {"pydantic"}),
        ("--version", HEAVY | {"pydantic"}),
        ("data import --help", HEAVY),  # below the root the settings are read first, with pydantic
        ("predict run --help", HEAVY),
    ],
)
def test_help_imports_no_heavy_library(words, heavy):
    code = f"""
import sys
sys.argv = ["aipro", *{words.split()!r}]
from aipro_ml.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("HEAVY", sorted({heavy!r} & set(sys.modules)))
"""
    assert python(code).splitlines()[-1] == "HEAVY []"


def test_the_nouns_are_those_of_the_plan():
    assert {
        "db", "data", "features", "train", "calibrate", "model", "predict", "grade", "perf", "demo", "ui", "config",
    } <= COMMANDS.keys()  # fmt: skip


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_command_says_what_it_does(words):
    command = COMMANDS[words]
    assert len((command.help or "").split()) >= 2
    if not getattr(command, "commands", None):
        assert (inspect.getdoc(command.callback) or "").split("\n")[0] in command.help
    shown = CliRunner().invoke(app, [*words.split(), "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_every_command_that_lists_rows_speaks_json():
    for words in ("data games", "data quality", "features list", "features views", "train list", "model list",
                  "model show", "predict list", "predict runs", "predict explain", "perf list", "config show",
                  "db status", "db check", "ledger verify"):  # fmt: skip
        options = {name for parameter in COMMANDS[words].params for name in parameter.opts}
        assert "--json" in options, words


@pytest.mark.parametrize(
    "words",
    [
        "data import", "data fetch", "features build", "train run", "calibrate run",
        "model promote", "model rollback", "predict run", "grade run", "perf daily", "db restore",
    ],
)  # fmt: skip
def test_every_command_that_writes_rows_has_a_dry_run(words):
    assert "--dry-run" in {name for parameter in COMMANDS[words].params for name in parameter.opts}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_gets_a_completion_script(shell):
    code = f"""
import sys
sys.argv = ["aipro", "--show-completion", "{shell}"]
from aipro_ml.cli.app import app
app(prog_name="aipro")
"""
    script = python(code, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_AIPRO_COMPLETE" in script
    assert "aipro" in script


def test_completion_knows_the_commands():
    code = "import sys; sys.argv = ['aipro']; from aipro_ml.cli.app import app; app(prog_name='aipro')"
    asked = {"_AIPRO_COMPLETE": "complete_bash", "COMP_WORDS": "aipro pre", "COMP_CWORD": "1"}
    assert python(code, **asked).split() == ["predict"]
