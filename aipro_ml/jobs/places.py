"""The files at the places a user names: files, web addresses, or folders with everything in them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from aipro_ml.errors import AiproError, DatabaseError, DataFileError, GuardError, MissingFileError, UsageError
from aipro_ml.jobs.fetch import fetch, is_address


def entries(place: str) -> list[tuple[str, str]]:
    """Return (place, name) of each file at `place`; a file of a folder is named by its path inside, others "".

    MissingFileError where nothing is there, or a folder without a file; hidden files are passed over.
    """
    if is_address(place):
        return [(place, "")]
    path = Path(place).expanduser()
    if not path.is_dir():
        return [(_there(place, path), "")]
    inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
    if not inside:
        raise MissingFileError("the folder holds no file", file=place)
    return [(str(each), each.relative_to(path).as_posix()) for each in inside]


def _there(place: str, path: Path) -> str:
    try:
        missing = not path.exists()
    except OSError:
        return place  # a name no file can have: reading it says why
    if missing:
        raise MissingFileError("no such file or folder", file=place)
    return place


def named_content(place: str, name: str) -> tuple[str, bytes]:
    """Return a file's name (its own where `name` is empty) and content."""
    own, content = fetch(place)
    return name or own, content


def files_at(places: list[str]) -> dict[str, bytes]:
    """Return the content of each file by its name, of files in a folder by their path in it.

    UsageError for no place at all, MissingFileError for a file that is not there and for an empty folder,
    DataFileError for two files of one name.
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


Read = TypeVar("Read")
Refuse = Callable[[AiproError], None]
"""What is done with the error of a file that cannot be taken, before the other files are: noted, or raised."""


def raise_it(error: AiproError) -> None:
    """Raise the error: the first bad file ends everything."""
    raise error


def refuse(error: AiproError, on_refused: Refuse) -> None:
    """Hand the error of one file to `on_refused`; raise what concerns the whole request, its data or the database."""
    if isinstance(error, UsageError | GuardError | DatabaseError):
        raise error
    on_refused(error)


def read_together(
    files: Mapping[str, bytes], read: Callable[[Mapping[str, bytes]], Read], on_refused: Refuse
) -> tuple[Read, dict[str, bytes]]:
    """Return what `read` makes of the files that can be read together, and those files.

    A file that cannot be read goes to `on_refused` and the others are read without it; where it is the only one,
    or no file of these, its DataFileError is raised.
    """
    left = dict(files)
    while True:
        try:
            return read(left), left
        except DataFileError as error:
            if error.file not in left or len(left) == 1:
                raise
            refuse(error, on_refused)
            del left[error.file]
