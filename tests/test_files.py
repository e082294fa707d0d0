"""A file appears whole or not at all, and what is no file is not replaced."""

import os
import threading

import pytest

from aipro_ml.files import whole, write_whole


def test_a_file_is_replaced_in_one_step_and_leaves_no_draft(tmp_path):
    place = tmp_path / "head.json"
    write_whole(place, "old")
    write_whole(place, "néw")
    assert place.read_bytes() == "néw".encode()
    assert list(tmp_path.iterdir()) == [place]


def test_what_stood_there_stands_where_writing_fails_in_the_middle(tmp_path):
    place = tmp_path / "head.json"
    place.write_text("old")

    def half_written():
        with whole(place) as draft:
            draft.write_text("ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as full:
        half_written()
    assert full.value.filename == str(place)
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_a_pipe_and_a_link_are_written_to_and_stay_what_they_are(tmp_path):
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    said = []
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "through")
    reader.join(10)
    assert (said, pipe.is_fifo()) == (["through"], True)
    link.symlink_to(target)
    write_whole(link, "behind")
    assert (link.is_symlink(), target.read_text()) == (True, "behind")
