"""Bytes of a tar file, plain or gzip, to the named bytes of the files in it."""

import io
import tarfile

from aipro_ml.errors import DataFileError
from aipro_ml.sources.read import MAX_BYTES, unpack


def members(data: bytes, *, name: str) -> dict[str, bytes]:
    """Return the content of each regular file in the tar file `data` by its path inside, in order of the paths.

    Folders and links are passed over; nothing is written to disk. Raises DataFileError where it is no whole
    tar file or unpacks to more than 512 MiB.
    """
    content = unpack(data, name=name)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            files = [member for member in archive.getmembers() if member.isfile()]
            if sum(member.size for member in files) > MAX_BYTES:
                raise DataFileError(f"more than {MAX_BYTES // 1024**2} MiB of files; split the archive", file=name)
            found = {member.name: _content(archive, member, name) for member in files}
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise DataFileError(f"no whole tar file ({error}); fetch it again", file=name) from error
    if not found:
        raise DataFileError("the archive holds no file", file=name)
    return dict(sorted(found.items()))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> bytes:
    opened = archive.extractfile(member)
    content = b"" if opened is None else opened.read()
    if len(content) != member.size:
        raise DataFileError(f"{member.name} ends early in this archive; fetch it again", file=name)
    return content
