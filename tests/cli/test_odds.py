"""`aipro odds` as a shell runs it: what was derived, tables that fit, JSON for programs, exit codes."""

import json

import pytest
from rich.console import Console

from aipro_ml.cli import output
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from tests.fixtures_commands import begun, use
from tests.fixtures_platform import Platform
from tests.market.random_market import steps


@pytest.fixture(scope="module")
def market(server, template, tmp_path_factory):
    """A database with nine random imports of three games, which the tests of this file only bring up to date."""
    home = tmp_path_factory.mktemp("market")
    with server.database(template) as name:
        platform = Platform(server.settings(home, name))
        for number, step in enumerate(steps(4, imports=9)):
            options = ImportOptions(step.now)
            import_batch(platform.engine, platform.settings, step.batch, content=f"{number}".encode(), options=options)
        yield platform
        platform.close()


@pytest.fixture
def on_market(monkeypatch, market, aipro):
    use(monkeypatch, market)
    return aipro


def test_closing_says_what_it_derived_and_that_nothing_is_left(market, on_market):
    closing = begun(market, "odds close --sport SIM-NFL --rebuild")
    said, errors = closing.communicate(timeout=240)
    assert (closing.returncode, errors) == (0, "")
    assert "SIM-NFL: 3 games derived again; no row changed" in said
    assert "SIM-NFL: every market is up to date, nothing was derived" in on_market("odds close --sport SIM-NFL").out


def test_moves_fit_a_terminal_of_a_hundred_columns(on_market, monkeypatch):
    monkeypatch.setattr(output, "console", Console(width=100))
    done = on_market("odds movements --sport sim-nfl --limit 5")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert "further columns" not in done.out
    assert any("-110" in line and ("up" in line or "down" in line) for line in lines)


def test_a_move_for_programs_keeps_every_column(on_market):
    rows = [json.loads(line) for line in on_market("odds movements --sport SIM-NFL --json").out.splitlines()]
    assert rows
    assert {"old_line", "new_line", "old_price", "new_price", "movement_size", "steam", "reverse"} <= set(rows[0])


def test_the_consensus_of_a_moment_is_shown_and_a_rehearsal_stores_none(on_market, market):
    before = market.one("SELECT count(*) FROM consensus_lines")
    done = on_market("odds consensus --sport SIM-NFL --as-of 2024-09-06T04:00:00Z --dry-run --json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert rows
    fair = [row["fair"] for row in rows if row["fair"] is not None]
    assert fair
    assert all(0 < probability < 1 for probability in fair)
    assert market.one("SELECT count(*) FROM consensus_lines") == before


def test_a_games_board_is_found_by_the_beginning_of_its_id(on_market, market):
    game = str(market.one("SELECT game_id FROM closing_lines LIMIT 1"))
    done = on_market("odds show", game[:13])
    assert done.code == 0
    assert f"game {game}" in done.out
    assert "stored consensus lines" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("odds close --sport CURLING", "unknown sport 'CURLING'"),
        ("odds close --sport NFL", "no data of sport NFL"),
        ("odds consensus --sport SIM-NFL --as-of 2099-01-01T00:00:00Z", "lies in the future"),
        ("odds show nowhere", "no game 'nowhere'"),
        ("odds devig compare --sport SIM-NFL", "fewer than 30 settled games"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(on_market, words, said):
    done = on_market(words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
