"""The files at the places a user names: files, web addresses, or folders with everything in them."""

from pathlib import Path

from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.jobs.fetch import fetch


def files_at(places: list[str]) -> dict[str, bytes]:
    """Return the content of each file by its name, of files in a folder by their path in it.

    UsageError for no place at all, DataFileError for one that is not there and for two files of one name.
    """
    if not places:
        raise UsageError("this source reads files: name at least one, or a folder or address")
    found: dict[str, bytes] = {}
    for place in places:
        path = Path(place).expanduser()
        inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else []
        if path.is_dir() and not inside:
            raise DataFileError("the folder is empty", file=place)
        named = [(str(each.relative_to(path)), fetch(str(each))[1]) for each in inside] or [fetch(place)]
        for name, content in named:
            if name in found:
                raise DataFileError("two files of this name were given", file=name)
            found[name] = content
    return found
