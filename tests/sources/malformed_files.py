"""Bytes that are no file of a source: damaged containers, other encodings and headers; each is refused whole."""

import bz2
import gzip
import io
import lzma
import zipfile
from dataclasses import dataclass

from aipro_ml.errors import DataFileError
from tests.sources.contract import Content
from tests.sources.malformed import MILLION, Layout


@dataclass(frozen=True)
class FileFault:
    """Bytes that are no file of the source; `line` where the error must name one."""

    content: Content
    line: int | None = None


def check_refused(layout: Layout, fault: FileFault) -> str:
    """Return what is wrong with how bytes were refused: one clear error that begins with the file, or a finding."""
    try:
        batch = layout.read(fault.content)
    except DataFileError as error:
        return _clear(str(error), error.line, layout, fault)
    told = [finding for finding in batch.findings if finding.rule == "unreadable_file"]
    if not told:
        return f"accepted, with findings {batch.findings[:3]}"
    layout.check(batch)
    return _clear(told[0].message, told[0].line, layout, fault)


def _clear(said: str, line: int | None, layout: Layout, fault: FileFault) -> str:
    if not said.startswith(layout.file) and layout.file not in said.split(":", maxsplit=1)[0]:
        return f"does not begin with the file: {said[:200]}"
    if len(said) > 2000 or not all(char.isprintable() for char in said):
        return f"not fit for a terminal: {said[:200]!r}"
    if fault.line is not None and line != fault.line:
        return f"line {line}, not {fault.line}: {said[:200]}"
    return ""


def file_faults(layout: Layout) -> dict[str, FileFault]:
    """Return what may become of a file on its way; each must be refused as a whole."""
    good = layout.encode(layout.rows(3))
    found: dict[str, tuple[bytes, int | None]] = {name: (data, None) for name, data in _wrong_bytes(good).items()}
    if layout.kind == "xlsx":
        found |= {f"workbook, {name}": (data, None) for name, data in _binary_faults(good).items()}
    elif layout.kind == "parquet":
        found |= {f"parquet, {name}": (data, None) for name, data in _binary_faults(good).items()}
        found["a parquet file of another end"] = (good[:-4] + b"PARX", None)
    else:
        found |= _text_faults(good)
    if layout.kind == "csv":
        found |= _csv_faults(layout, good)
    if layout.kind == "json":
        found |= {name: (data, None) for name, data in _json_faults(good).items()}
    return {
        name: FileFault(layout.damaged(number, data), line) for number, (name, (data, line)) in enumerate(found.items())
    }


def _wrong_bytes(good: bytes) -> dict[str, bytes]:
    """Return contents that are no text, no workbook and no Parquet file."""
    packed = gzip.compress(good, mtime=0)
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "nothing")
    cuts = {f"a gzip cut at {cut}": packed[: len(packed) * cut // 100] for cut in (10, 30, 50, 70, 90, 99)}
    return cuts | {
        "empty": b"", "blank lines": b"\n\n\n", "spaces": b"   ", "a byte-order mark": b"\xef\xbb\xbf",
        "an empty gzip": gzip.compress(b"", mtime=0), "two bytes of a gzip": packed[:2], "ten bytes": packed[:10],
        "a gzip without its length": packed[:-4], "a gzip with flipped bits": bytes(flipped),
        "a gzip with another check sum": packed[:-8] + b"\x00\x00\x00\x00" + packed[-4:],
        "a gzip in a gzip": gzip.compress(gzip.compress(b"\xff\xfe", mtime=0), mtime=0),
        "bzip2": bz2.compress(good), "xz": lzma.compress(good), "a zip": zipped.getvalue(),
        "a page of the web": b"<html><body>404 Not Found</body></html>", "zeros": bytes(1000),
        "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
        "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a program": b"\x7fELF\x02\x01\x01\x00",
        "half a Parquet file": b"PAR1\x15\x04\x15\xfe\x8f", "a pointer to a file": b"version https://git-lfs\noid x\n",
        "an SQLite file": b"SQLite format 3\x00\x10\x00",
    }  # fmt: skip


def _text_faults(good: bytes) -> dict[str, tuple[bytes, int | None]]:
    """Return bytes that are no UTF-8 text, with the line the first bad one is in."""
    text = good.decode()
    half = len(good) // 2
    while good[half] & 0xC0 == 0x80:  # not inside a letter
        half += 1
    line = good.count(b"\n", 0, half) + 1
    spots = {
        "Latin-1": b"\xe9", "a lone continuation": b"\x80", "an overlong slash": b"\xc0\xaf", "a NUL byte": b"\x00",
        "a surrogate": b"\xed\xa0\x80", "beyond Unicode": b"\xf5\x80\x80\x80", "0xFF": b"\xff",
    }  # fmt: skip
    found: dict[str, tuple[bytes, int | None]] = {
        f"{name} in the middle": (good[:half] + spot + good[half:], line) for name, spot in spots.items()
    }
    found |= {f"{name} at the start": (spot + good, 1) for name, spot in spots.items()}
    found |= {f"UTF-16 {end}": (text.encode(f"utf-16-{end}"), 1) for end in ("le", "be")}
    found |= {"UTF-16 with its mark": (text.encode("utf-16"), 1), "UTF-32": (text.encode("utf-32"), 1)}
    found["a gzip of UTF-16"] = (gzip.compress(text.encode("utf-16"), mtime=0), 1)
    return found


def _csv_faults(layout: Layout, good: bytes) -> dict[str, tuple[bytes, int | None]]:
    """Return text that is no such table: another separator, quotes that do not close, headers that lack a column."""
    header, _, body = good.partition(b"\n")
    last = good.count(b"\n") + 1
    found: dict[str, tuple[bytes, int | None]] = {
        "semicolons": (good.replace(b",", b";"), 1), "tabs": (good.replace(b",", b"\t"), 1),
        "no header": (body, 1), "JSON": (b'[{"a": 1}]', 1), "XML": (b"<?xml version='1.0'?><a/>", 1),
        "a quote that never closes": (good + b'"' + body.partition(b"\n")[0] + b"\n", last),
        "text behind a closed quote": (good + b'"a"b,' + body.partition(b"\n")[0] + b"\n", last),
        "a cell of a million characters": (good + b"x" * MILLION + b"\n", last),
    }  # fmt: skip
    names = header.decode().split(",")
    for column in layout.required:
        place = names.index(column)
        for name, other in (("missing", f"other_{column}"), ("blank", ""), ("in another case", column.swapcase())):
            if other != column:
                changed = ",".join([*names[:place], other, *names[place + 1 :]]).encode()
                found[f"{column} {name} in the header"] = (changed + b"\n" + body, 1)
        doubled = header + b"," + column.encode() + b"\n" + body
        found[f"{column} twice in the header"] = (doubled, 1)
    return found


def _json_faults(good: bytes) -> dict[str, bytes]:
    cuts = {f"JSON cut at {cut} %": good[: len(good) * cut // 100] for cut in (1, 10, 25, 50, 75, 90, 99)}
    return cuts | {
        "null": b"null", "a number": b"7", "a text": b'"text"', "an object": b"{}", "a trailing comma": b"[1,]",
        "many brackets": b"[" * 200_000, "a number of ten thousand digits": b"[" + b"9" * 10_000 + b"]",
        "single quotes": b"[{'a': 1}]", "JavaScript": b"var x = [];", "two answers": good + good, "CSV": b"a,b\n1,2\n",
        "JSON lines": good[1:-1].replace(b"}, {", b"}\n{"), "a comment": b"// x\n" + good, "an open key": b'[{"a":',
    }  # fmt: skip


def _binary_faults(good: bytes) -> dict[str, bytes]:
    """Return a binary container cut at many places, and the damage a transfer as text does."""
    cuts = {f"cut at {cut} %": good[: len(good) * cut // 100] for cut in range(2, 100, 4)}
    ends = {f"without its last {count} bytes": good[:-count] for count in (1, 2, 4, 8, 12)}
    as_text = good.replace(b"\n", b"\r\n") if b"\n" in good else good[:-1]
    decoded = good.decode("latin-1").encode()
    return cuts | ends | {"line ends of a text": as_text, "decoded as a text": decoded, "zeros at its end": good[:-40]}
