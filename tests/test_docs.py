import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aipro_ml.inference.prediction import HASHED_COLUMNS
from tests.docs_reference import (
    COMMANDS,
    FEATURES,
    ROOT,
    commands,
    commands_page,
    features_page,
    root_command,
)
from tests.features.point_in_time import league_of, leaking_columns, unlabelled
from tests.features.random_league import random_league

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".sql", ".json", ".lock", ".mako", ".cfg", ".txt", ".sh", ""}
LEFT_OUT = {".git", ".venv", ".aipro", "artifacts", "build", "dist", "mlruns", "__pycache__", "uv.lock", "LICENSE"}
GENERATED = {"schema.sql", "tables.json", "0001_first.sql", "0002_ledger_guards.sql", "commands.md"}
LONGEST = 450
# an absolute path of somebody's machine; a package index's address
MACHINE = re.compile(r"(?<![\w.~/-])/(?:work|root|home|Users|mnt)/[\w.]")
REGISTRY = re.compile(r"pypi\.(?:org|python)|files\.pythonhosted|--(?:extra-)?index-url|artifactory|jfrog\.io", re.I)


def tracked() -> Iterator[Path]:
    """Yield the checkout's text files that git would track."""
    stack = [ROOT]
    while stack:
        for path in sorted(stack.pop().iterdir()):
            hidden = path.name.startswith(".") and path.name not in {".ci", ".gitignore"}
            if hidden or path.name in LEFT_OUT or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                stack.append(path)
            elif path.suffix in TEXT:
                yield path


def fences(page: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, content) of each fenced block of a page."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        yield found[1], found[2]


def told_commands(page: Path) -> list[str]:
    """Return the `aipro …` command lines in a page's fenced blocks, continued lines joined."""
    lines = []
    for language, content in fences(page):
        if language not in {"console", "sh"}:
            continue
        prompt = "$ " if language == "console" else ""
        for line in content.replace("\\\n", " ").splitlines():
            told = line.removeprefix(prompt).split(" #")[0].strip()
            if line.startswith(prompt) and re.match(r"(?:\w+=\S+ )*(?:\S*/)?aipro(?: |$)", told):
                lines.append(re.sub(r"^(?:\w+=\S+ )+", "", told))
    return lines


def mentioned_commands(page: Path) -> list[str]:
    """Return the commands a page names in running text, between backquotes."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [name for name in re.findall(r"`(aipro [^`]+)`", text) if "…" not in name]


def parsed(line: str) -> tuple[Any, list[str]]:
    """Return (command, words after its name) of a command line; ValueError for a word no group knows."""
    command = root_command()
    words = shlex.split(re.split(r" [|>] ", line, maxsplit=1)[0])[1:]
    while hasattr(command, "commands"):
        words = after_options(command, words)
        if not words:
            return command, []
        if words[0] not in command.commands:
            raise ValueError(f"no command {words[0]!r} in: {line}")
        command, words = command.commands[words[0]], words[1:]
    return command, words


def after_options(command: Any, words: list[str]) -> list[str]:
    """Return `words` without the options at their beginning."""
    words = list(words)
    while words and words[0].startswith("-"):
        option = option_of(command, words.pop(0))
        if option is not None and not option.is_flag:
            words.pop(0)
    return words


def option_of(command: Any, word: str) -> Any:
    """Return the option `word` names, None for --help; ValueError where there is none."""
    name = word.partition("=")[0]
    if name == "--help":
        return None
    for option in command.params:
        if option.param_type_name == "option" and name in [*option.opts, *option.secondary_opts]:
            return option
    raise ValueError(f"no option {name} of {command.name}")


def faults_of(line: str, *, complete: bool = True) -> list[str]:
    """Return what is wrong with a command line of the documentation."""
    try:
        command, words = parsed(line)
        given, arguments = set(), []
        while words:
            word = words.pop(0)
            if word == "--":
                break
            if not word.startswith("-"):
                arguments.append(word)
                continue
            option = option_of(command, word)
            given.add(option.name if option is not None else "help")
            if option is not None and not option.is_flag and "=" not in word:
                words.pop(0)
    except (ValueError, IndexError) as error:
        return [f"{line}: {error}"]
    if hasattr(command, "commands"):
        return [f"{line}: a group, not a command"] if complete and line != "aipro --help" and not given else []
    return shape_faults(line, command, given, len(arguments), complete=complete)


def shape_faults(line: str, command: Any, given: set[str], count: int, *, complete: bool) -> list[str]:
    """Return missing required options and a wrong number of arguments."""
    places = [option for option in command.params if option.param_type_name == "argument"]
    most = 99 if any(place.nargs < 0 for place in places) else len(places)
    faults = [f"{line}: {count} arguments, at most {most}"] if count > most else []
    if not complete or "help" in given:
        return faults
    least = sum(place.required for place in places)
    faults += [f"{line}: {count} arguments, at least {least}"] if count < least else []
    needed = {option.name for option in command.params if option.param_type_name == "option" and option.required}
    return faults + [f"{line}: --{name} is missing" for name in sorted(needed - given)]


def test_the_commands_page_is_what_the_program_says() -> None:
    assert COMMANDS.read_text(encoding="utf-8") == commands_page(), "run: python -m tests.docs_reference"


def test_the_commands_page_names_every_command_and_no_other() -> None:
    told = set(re.findall(r"^##+ (aipro(?: [a-z-]+)+)", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE))
    groups = {" ".join(["aipro", *path[:end]]) for path, _ in commands() for end in range(1, len(path))}
    assert told - groups == {" ".join(["aipro", *path]) for path, _ in commands()}


def test_every_command_and_option_says_what_it_does() -> None:
    silent = [" ".join(path) for path, command in commands() if not (command.help or "").strip()]
    assert silent == []


def test_the_table_of_feature_views_is_what_the_code_computes() -> None:
    text = FEATURES.read_text(encoding="utf-8")
    assert text == features_page(text), "run: python -m tests.docs_reference"
    assert "`elo_prob`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_of_a_page_is_one_the_program_takes(page: Path) -> None:
    faults = [fault for line in told_commands(page) for fault in faults_of(line)]
    faults += [fault for line in mentioned_commands(page) for fault in faults_of(line, complete=False)]
    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "aipro data improt nflverse games.csv",
        "aipro train run --sport NFL --bet-type spread --test-until 2022",
        "aipro train search --sport NFL",
        "aipro model show",
        "aipro db stop now",
    ],
)
def test_a_command_line_the_program_refuses_is_found(line: str) -> None:
    assert faults_of(line)


def test_the_pages_hold_command_lines_at_all() -> None:
    assert sum(len(told_commands(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target in re.findall(r"\[[^\]]+\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges derive them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in readme]
    assert missing == []


def test_no_file_names_a_path_of_one_machine_or_a_package_index() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if (MACHINE.search(line) or REGISTRY.search(line)) and path != Path(__file__).resolve():
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_no_written_file_is_longer_than_450_lines() -> None:
    long = {}
    for path in tracked():
        if path.name in GENERATED or path.suffix == ".lock":
            continue
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > LONGEST:
            long[path.relative_to(ROOT).as_posix()] = count
    assert long == {}


def test_the_view_told_in_the_docs_computes_and_knows_no_future() -> None:
    told = next(content for language, content in fences(FEATURES) if language == "python")
    example: dict[str, Any] = {}
    exec(compile(told, "features.md", "exec"), example)
    view, records = example["VIEW"], random_league(1)
    matrix = unlabelled(records, league_of(view), None, None)
    assert tuple(matrix.X.columns) == example["COLUMNS"]
    assert matrix.X["last_margin_diff"].notna().mean() > 0.5
    assert leaking_columns((view,), records, every=17) == set()


def test_the_hash_told_in_the_docs_is_that_of_the_json_beside_it() -> None:
    page = ROOT / "docs" / "predictions.md"
    told = next(content for language, content in fences(page) if language == "json")
    digest = hashlib.sha256("".join(line.strip() for line in told.splitlines()).encode()).hexdigest()
    assert f"`{digest}`" in page.read_text(encoding="utf-8")
    assert tuple(json.loads(told)) == HASHED_COLUMNS
