"""Files written whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield where to write: a draft beside `path` that takes its place at the end, and goes where that is not reached.

    On a full disk, an error or a kill what stood at `path` still stands. A device, a pipe or a link (`/dev/stdout`) is
    no file to be replaced: it is written to directly.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        yield path
        return
    draft = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        yield draft
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    except OSError as error:
        if error.filename in {None, str(draft), draft}:
            error.filename = str(path)  # what was to be written; nobody knows the draft
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path`, whole or not at all; OSError where it cannot be written."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def is_disk_s_fault(error: Exception) -> bool:
    """Return whether no better place would have helped: the disk, or what may be used of it, is full or broken."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
