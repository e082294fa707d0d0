"""The log's file is started anew when it is full, and two of the full ones are kept."""

import json
import logging

from aipro_ml.logs import _file_handler


def test_a_full_file_is_started_anew_and_two_are_kept(tmp_path):
    (handler,) = _file_handler(tmp_path)
    handler.maxBytes = 400
    for number in range(20):
        handler.handle(logging.makeLogRecord({"msg": "line", "number": number}))
    handler.close()
    files = [tmp_path / name for name in ("aipro.log.2", "aipro.log.1", "aipro.log")]
    kept = [json.loads(line)["number"] for each in files for line in each.read_text().splitlines()]
    assert kept == list(range(20 - len(kept), 20))
    assert all(400 <= each.stat().st_size < 600 for each in files[:2])
    assert len(list(tmp_path.iterdir())) == 3
