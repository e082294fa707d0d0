"""How tables look at the width of a terminal, and what Ctrl-C says."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from aipro_ml.cli import app, output

WORDS = {
    "game": "NEW@BUR",
    "detected_at": datetime(2022, 5, 22, 14, 59, tzinfo=UTC),
    "market": "moneyline",
    "book": "market maximum",
    "movement_size": -0.0525,
    "books_moving": 4,
    "steam": True,
}


@pytest.fixture
def wide(monkeypatch):
    return lambda width: monkeypatch.setattr(output, "console", Console(width=width))


@pytest.mark.parametrize("width", [60, 100, 170])
def test_no_word_and_no_number_is_broken_to_fit_the_terminal(wide, capsys, width):
    wide(width)
    output.table([WORDS | {f"line_{number}": 199.25 + number for number in range(6)}] * 2, title="moves")
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    words = [
        "NEW@BUR",
        "2022-05-22",
        "14:59",
        "moneyline",
        "maximum",
        "-0.0525",
        *(f"{199 + n}.2500" for n in range(6)),
    ]
    assert not [word for word in words if printed.count(word) < 2]


def test_a_table_with_room_has_frames_and_whole_names(wide, capsys):
    wide(100)
    output.table([WORDS], title="moves")
    printed = capsys.readouterr().out
    assert printed.startswith("moves\n┏")
    assert "movement_size" in printed


def test_brackets_in_a_cell_are_text(wide, capsys):
    wide(80)
    output.table([{"file": "[red]odds[/red].csv"}], title="files")
    assert "[red]odds[/red].csv" in capsys.readouterr().out


def test_an_interruption_says_what_became_of_the_work(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["aipro", "config", "show"])
    monkeypatch.setattr(app.config, "settings", interrupted)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 130
    assert "interrupted; nothing is half written" in capsys.readouterr().err
