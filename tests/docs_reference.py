"""The generated parts of the documentation; `python -m tests.docs_reference` writes them anew."""

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ROOT / "docs" / "commands.md"
FEATURES = ROOT / "docs" / "features.md"
BEGIN, END = "<!-- generated: views -->", "<!-- end of generated -->"

_HEAD = """# Commands

Generated from the program by `.venv/bin/python -m tests.docs_reference`; a test fails where this page and the
program differ. Every command has `--help`. Exit codes: 0 done, 1 a handled error, 2 a wrong request (or an error
nobody foresaw), 3 a guard refused (leak, stale data, a model that may not be promoted).
"""


def root_command() -> Any:
    """Return the root of the command line as Typer builds it."""
    from aipro_ml.cli.app import app

    return typer.main.get_command(app)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (path, command) of every command that does something, in the program's order."""
    group = root_command() if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def values_of(option: Any) -> str:
    """Return what an option takes: nothing for a flag, its choices, or its type."""
    kind = option.type_descriptor.annotation
    if getattr(option, "is_flag", False):
        return ""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(member.value) for member in kind)
    return {int: "number", Path: "path"}.get(kind, "text")


def commands_page() -> str:
    """Return docs/commands.md."""
    root = root_command()
    parts = [_HEAD, "## Before every command\n", _options([o for o in root.params if "completion" not in o.name])]
    parts.append("`--install-completion` and `--show-completion` set up the shell's completion.\n")
    noun = ""
    for path, command in commands():
        if path[0] != noun and len(path) > 1:
            noun = path[0]
            parts.append(f"## aipro {noun}\n\n{_sentence(root.commands[noun].help)}\n")
        level = "##" if len(path) == 1 else "###"
        parts.append(f"{level} {_usage(path, command)}\n\n{_sentence(command.help)}\n")
        rows = [option for option in command.params if option.param_type_name == "option" or option.help]
        if rows:
            parts.append(_options(rows))
    return "\n".join(parts)


def views_options() -> str:
    """Return the table of the NFL's feature views."""
    from aipro_ml.features.sport import sport

    rows = ["| view | group | columns |", "|---|---|---|"]
    rows += [
        f"| {view.name} | {view.group.replace('_', '-')} | {', '.join(f'`{name}`' for name in view.columns)} |"
        for view in sport("NFL").views
    ]
    return "\n".join(rows)


def features_page(text: str) -> str:
    """Return docs/features.md with its generated table up to date."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{views_options()}\n{END}", text)


SPORTS = ROOT / "docs" / "sports.md"
BEGIN_SPORTS, END_SPORTS = "<!-- generated: sports -->", "<!-- end of generated sports -->"


def sports_page(text: str) -> str:
    """Return docs/sports.md with its generated tables up to date: every sport's columns by view."""
    from aipro_ml.features.sports import WRITTEN, sports

    alike: dict[str, list[str]] = {league.code: [league.code] for league in WRITTEN}
    for code, league in sports().items():
        first = next(one.code for one in WRITTEN if one.views == league.views)
        if code not in alike[first]:
            alike[first].append(code)
    parts = []
    for league in WRITTEN:
        if next(one.code for one in WRITTEN if one.views == league.views) != league.code:
            continue
        others = ", ".join(f"`{code}`" for code in alike[league.code][1:])
        parts.append(f"### {league.name}\n\n{len(league.columns())} columns; the same for {others}.\n")
        parts += [
            f"- {view.name} ({view.group.replace('_', '-')}): {', '.join(f'`{name}`' for name in view.columns)}"
            for view in league.views
        ]
        parts.append("")
    pattern = re.compile(f"{re.escape(BEGIN_SPORTS)}.*?{re.escape(END_SPORTS)}", re.DOTALL)
    return pattern.sub(lambda _: "\n".join([BEGIN_SPORTS, "", *parts, END_SPORTS]), text)


def _usage(path: tuple[str, ...], command: Any) -> str:
    words = []
    for argument in (each for each in command.params if each.param_type_name == "argument"):
        word = argument.metavar or argument.name.upper()
        words.append(word if argument.required else f"[{word}]")
    return " ".join(["aipro", *path, *words])


def _options(options: list[Any]) -> str:
    lines = []
    for option in options:
        named = option.param_type_name == "option"
        shown = f"`{', '.join(option.opts)}`" if named else f"`{option.metavar or option.name.upper()}`"
        words = [shown, values_of(option)] if named else [shown]
        meaning = _meaning(option)
        lines.append(f"- {' '.join(word for word in words if word)}" + (f": {meaning}" if meaning else ""))
    return "\n".join(lines) + "\n"


def _meaning(option: Any) -> str:
    text = (option.help or "").strip()
    default = option.default
    if option.required and option.param_type_name == "option":
        text = f"{text} Required.".strip()
    elif default is not None and default is not False and not callable(default):
        text = f"{text} Default {getattr(default, 'value', default)}.".strip()
    return text


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def write() -> None:
    """Write the generated pages and parts."""
    from tests.tables_reference import TABLES, tables_page

    TABLES.write_text(tables_page(), encoding="utf-8")
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    SPORTS.write_text(sports_page(SPORTS.read_text(encoding="utf-8")), encoding="utf-8")
    FEATURES.write_text(features_page(FEATURES.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
