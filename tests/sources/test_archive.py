"""Tar files become the named bytes of the files in them."""

import gzip
import io
import tarfile

import pytest

from aipro_ml.errors import DataFileError
from aipro_ml.sources import archive


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("folder/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


FILES = {"folder/b.csv": b"2" * 3000, "folder/a.csv": b"1"}


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_the_files_come_by_name_and_nothing_else(wrap):
    assert list(archive.members(wrap(packed(FILES)), name="x.tar").items()) == sorted(FILES.items())


@pytest.mark.parametrize(
    "data",
    [b"", b"no tar file", packed(FILES)[:2500], gzip.compress(packed(FILES))[:-40], gzip.compress(b"text"), packed({})],
    ids=["empty", "no tar", "cut", "cut gzip", "gzip of no tar", "no member"],
)
def test_what_is_no_whole_tar_file_is_one_clear_error(data):
    with pytest.raises(DataFileError, match=r"x\.tar"):
        archive.members(data, name="x.tar")


def test_an_archive_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 2000)
    with pytest.raises(DataFileError, match="split the archive"):
        archive.members(packed(FILES), name="x.tar")
