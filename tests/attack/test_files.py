"""Files and addresses made to hurt: bombs, markup, keys in addresses, names that are no text."""

import io
import re
import threading
import time
import zipfile

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from aipro_ml.cli import output
from aipro_ml.db.repositories import quality
from aipro_ml.errors import AiproError, DataFileError
from aipro_ml.jobs.fetch import Patience, fetch, shown_address
from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_record import keep_raw
from aipro_ml.sources.excel import read_excel
from aipro_ml.sources.parquet import read_parquet
from tests.fixtures_platform import NOW
from tests.jobs.nflverse_file import as_csv, season_rows

SECRETS = ("s3cret", "KEY", "someone")
ADDRESSES = (
    "http://someone:s3cret@127.0.0.1:9/odds?apiKey=KEY",
    "HTTP://127.0.0.1:9/odds?apiKey=KEY",
    "http://127.0.0.1:9/odds#KEY",
    "http://127.0.0.1:9/odds;apiKey=KEY",
    "https:/127.0.0.1:9/odds?apiKey=KEY",
    "ftp://someone:s3cret@127.0.0.1/odds?apiKey=KEY",
    "file:///etc/odds?KEY",
    "http://someone:s3cret@[bad/odds",
    "http://x:s3cret?@127.0.0.1/odds",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_key_or_password_of_an_address_is_told(database_settings, address):
    with pytest.raises(AiproError) as refused:
        fetch(address, Patience(attempts=1, first_wait=0, timeout=1))
    said = f"{refused.value} {shown_address(address)}"
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize("text", ["[/]", "[/red] x", "[red]x[/red]", "\x1b[31mx", "\ud800x"])
def test_what_looks_like_markup_or_drives_a_terminal_is_shown_as_text(capsys, text):
    output.table([{"name": text, text: 1}], title=text)
    output.say(text)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert shown.count(text if text.startswith("[") else "x") >= 3


def _workbook(sheet):
    """A workbook whose first sheet is this XML."""
    plain, packed = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, sheet if part.endswith("sheet1.xml") else old.read(part))
    return packed.getvalue()


OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
HEAD = '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
SHEETS = {
    "a row far below": f'{OPEN}{HEAD}<row r="999999999999"><c r="A9"><v>1</v></c></row></sheetData></worksheet>',
    "cells far to the right": OPEN + HEAD + '<row><c r="XFD2"><v>1</v></c></row>' * 700 + "</sheetData></worksheet>",
}


@pytest.mark.parametrize("kind", list(SHEETS))
def test_a_small_workbook_that_claims_to_be_endless_is_refused_soon(kind):
    data, started = _workbook(SHEETS[kind]), time.process_time()
    assert len(data) < 10_000
    with pytest.raises(DataFileError, match=r"x\.xlsx: more than"):
        read_excel(data, name="x.xlsx", columns=["a"])
    assert time.process_time() - started < 30


def test_a_workbook_that_says_it_is_a_million_columns_wide_is_read_as_it_is():
    said = f'{OPEN}<dimension ref="A1:XFD1048576"/>{HEAD}<row r="9000"><c r="A9000"><v>1</v></c></row>'
    read = read_excel(_workbook(f"{said}</sheetData></worksheet>"), name="x.xlsx", columns=["a"])
    assert (read.rows_read, read.frame["line_number"].tolist()) == (1, [9000])


def test_a_small_parquet_file_of_endless_rows_is_refused():
    cells = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000_001, dtype=np.int8)), ["x"])
    packed = io.BytesIO()
    parquet.write_table(pa.table({"a": cells}), packed)
    with pytest.raises(DataFileError, match="rows; split the file"):
        read_parquet(packed.getvalue(), name="x.parquet", columns=["a"])


@pytest.mark.parametrize("name", ["b\udcffd.csv", "two\nlines.csv", "\x1b[31m.csv", "[bold].csv"])
def test_a_file_whose_name_is_no_text_imports_and_its_findings_are_kept(database_settings, engine, tmp_path, name):
    place = tmp_path / name
    first, *others = season_rows()
    place.write_bytes(as_csv([first | {"home_moneyline": "5", "home_spread_odds": "=1+1"}, *others]))
    (report,) = import_source(database_settings, Request("nflverse", (str(place),)), ImportOptions(NOW))
    assert report.games_inserted > 0
    with engine.connect() as connection:
        assert quality.recent_checks(connection, 5)
    told = report.report.read_text(encoding="utf-8")
    assert len(report.findings) >= 2
    assert not re.search(r'(^|,)"?=', told)


def test_two_who_keep_the_same_payload_at_once_do_not_disturb_each_other(tmp_path):
    failed = []

    def keep(content):
        try:
            keep_raw(tmp_path, content)
        except OSError as error:
            failed.append(error)

    for number in range(20):
        content = bytes([number]) * 300_000
        together = [threading.Thread(target=keep, args=(content,)) for _ in range(8)]
        for one in together:
            one.start()
        for one in together:
            one.join()
    assert failed == []
    assert len(list(tmp_path.iterdir())) == 20
