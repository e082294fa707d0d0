"""The files at the places a user names: files, web addresses, or folders with everything in them."""

from pathlib import Path

from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.jobs.fetch import fetch, is_address


def entries(place: str) -> list[tuple[str, str]]:
    """Return (place, name) of each file at `place`; a file of a folder is named by its path inside, others "".

    UsageError for a folder without a file; hidden files are passed over.
    """
    path = Path(place).expanduser()
    if is_address(place) or not path.is_dir():
        return [(place, "")]
    inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
    if not inside:
        raise UsageError(f"{place}: the folder holds no file")
    return [(str(each), each.relative_to(path).as_posix()) for each in inside]


def named_content(place: str, name: str) -> tuple[str, bytes]:
    """Return a file's name (its own where `name` is empty) and content."""
    own, content = fetch(place)
    return name or own, content


def files_at(places: list[str]) -> dict[str, bytes]:
    """Return the content of each file by its name, of files in a folder by their path in it.

    UsageError for no place at all and an empty folder, DataFileError for a file that is not there and for two files of
    one name.
    """
    if not places:
        raise UsageError("this source reads files: name at least one, or a folder or address")
    found: dict[str, bytes] = {}
    for place in places:
        for name, content in (named_content(*entry) for entry in entries(place)):
            if name in found:
                raise DataFileError("two files of this name were given", file=name)
            found[name] = content
    return found
