"""Downloads against a real local server: broken, slow, refused, and mended the second time."""

import logging
import time

import pytest

from aipro_ml.errors import AiproError, DataFileError
from aipro_ml.jobs.fetch import Patience, download, fetch
from tests.jobs.web import serving

QUICK = Patience(attempts=3, first_wait=0.01, timeout=5)
KEY = "s3cr3t-k3y"


def test_a_server_that_fails_once_is_asked_again():
    with serving(lambda _path, _query, call: (500, {}, b"oops") if call == 1 else (200, {}, b"data")) as web:
        assert fetch(f"{web.address}/odds/games.csv?token=x", QUICK) == ("games.csv", b"data")
        assert len(web.asked) == 2


def test_a_page_that_is_not_there_is_not_asked_for_again():
    with serving(lambda *_: (404, {}, b"")) as web:
        with pytest.raises(AiproError, match=r"/games\.csv: the server answers 404"):
            fetch(f"{web.address}/games.csv", QUICK)
        assert len(web.asked) == 1


def test_a_body_cut_short_is_asked_for_again_and_never_taken():
    with serving(lambda *_: (200, {"Content-Length": "100"}, b"half")) as web:
        with pytest.raises(AiproError, match="the connection broke"):
            fetch(f"{web.address}/games.csv", QUICK)
        assert len(web.asked) == QUICK.attempts


def test_a_slow_server_ends_in_a_clear_message():
    def slow(*_):
        time.sleep(0.6)
        return 200, {}, b"late"

    with serving(slow) as web, pytest.raises(AiproError, match=r"no answer within 0\.2 s, 2 times"):
        fetch(f"{web.address}/games.csv", Patience(attempts=2, first_wait=0.01, timeout=0.2))


def test_the_pause_a_server_asks_for_is_kept():
    def busy(_path, _query, call):
        return (429, {"Retry-After": "0.4"}, b"") if call == 1 else (200, {}, b"data")

    began = time.monotonic()
    with serving(busy) as web:
        assert fetch(f"{web.address}/games.csv", QUICK)[1] == b"data"
    assert time.monotonic() - began >= 0.4


def test_a_server_that_is_not_there_is_named_after_the_last_try():
    with pytest.raises(AiproError, match=r"http://127\.0\.0\.1:9/games\.csv: the connection broke \(ConnectError\)"):
        fetch("http://127.0.0.1:9/games.csv", Patience(attempts=2, first_wait=0.01))


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_key_appears_in_no_message_and_no_log(status, caplog):
    caplog.set_level(logging.DEBUG)
    with serving(lambda *_: (status, {}, b"")) as web:
        for address, params in ((f"{web.address}/v4/odds?apiKey={KEY}", None), (f"{web.address}/v4", {"apiKey": KEY})):
            with pytest.raises(AiproError) as refused:
                download(address, params, QUICK)
            assert KEY not in str(refused.value)
            assert refused.value.__cause__ is None
        assert web.asked[0][1] == {"apiKey": KEY}
    assert KEY not in caplog.text


def test_the_name_of_a_download_holds_no_query():
    with serving(lambda *_: (200, {}, b"[]")) as web:
        assert download(f"{web.address}/v4/odds?apiKey={KEY}", None, QUICK).name == "odds"


def test_a_folder_and_an_absent_file_are_refused_by_name(tmp_path):
    with pytest.raises(DataFileError, match="is a folder"):
        fetch(str(tmp_path))
    with pytest.raises(DataFileError, match="no such file"):
        fetch(str(tmp_path / "absent.csv"))
