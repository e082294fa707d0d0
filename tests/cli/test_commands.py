"""Commands as a shell runs them: exit codes, one line for an error, JSON for programs, no secret anywhere."""

import json
import re
from pathlib import Path

import psycopg
import pytest
import yaml

from aipro_ml.config import EloConfig
from aipro_ml.jobs import catalogue
from tests.fixtures_commands import NOBODY, use
from tests.fixtures_platform import NOW, _clone

FUTURE = "2099-01-01T00:00:00Z"
UNKNOWN_SPORT = "unknown sport 'CURLING'; known: BUNDES, EPL, "


@pytest.fixture(scope="module")
def reading(server, published_template, tmp_path_factory):
    """A clone of the published league that this file's tests only read."""
    yield from _clone(server, published_template, tmp_path_factory.mktemp("reading"))


@pytest.fixture
def on_reading(monkeypatch, reading, aipro):
    use(monkeypatch, reading)
    return aipro


@pytest.mark.parametrize(
    "words",
    [
        "data games --sport SIM-NFL", "data quality", "features list", "features views", "train list", "model list",
        "model list --sport sim-nfl", "predict list --sport SIM-NFL", "predict list --sport sim-nfl",
        "predict runs --sport sim-nfl", "grade run --sport SIM-NFL --dry-run",
        "perf daily --sport SIM-NFL --backfilled --dry-run", "ledger verify", "config show", "db status",
        "predict run --sport SIM-NFL --season 2025 --week 3 --dry-run",
    ],
)  # fmt: skip
def test_json_is_one_object_a_line_and_nothing_else(on_reading, words):
    done = on_reading(words, "--json")
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line, parse_constant=pytest.fail) for line in done.out.splitlines()]
    assert rows
    assert all(isinstance(row, dict) for row in rows)
    assert len({tuple(row) for row in rows}) == 1


@pytest.mark.parametrize("command", ["model show", "predict explain"])
def test_details_by_the_beginning_of_an_id(on_reading, reading, command):
    table = "ml_models" if command == "model show" else "predictions"
    found = str(reading.one(f"SELECT id FROM {table} LIMIT 1"))
    done = on_reading(command, found[:12], "--json")
    assert done.code == 0
    assert [json.loads(line) for line in done.out.splitlines()]
    assert on_reading(command, "zzzz").code == 2


def test_tables_are_for_people(on_reading):
    done = on_reading("predict list --sport SIM-NFL --limit 5")
    assert done.code == 0
    assert all(word in done.out for word in ("probability", "edge", "kelly", "tier"))
    assert "logit of the published probability" not in done.out


def test_predicting_and_grading_again_say_that_nothing_is_new(monkeypatch, published, aipro):
    use(monkeypatch, published)
    assert "48 predictions (0 new), 0 abstentions" in aipro("predict run --sport SIM-NFL --season 2025 --week 3").out
    (first,) = [json.loads(line) for line in aipro("grade run --sport SIM-NFL --json").out.splitlines()]
    (again,) = [json.loads(line) for line in aipro("grade run --sport SIM-NFL --json").out.splitlines()]
    assert (first["written"], again["written"], again["graded"]) == (48, 0, 48)
    assert "days written" in aipro("perf daily --sport SIM-NFL --backfilled").out
    assert aipro("perf list --sport SIM-NFL --json").out


def test_a_head_printed_earlier_verifies_the_ledger(on_reading):
    head = on_reading("ledger head").out.strip()
    assert head.startswith("90:")
    assert on_reading("ledger verify --head", head).code == 0
    cut = on_reading("ledger verify --head", "95:" + "0" * 64)
    assert cut.code == 1
    assert "cut off" in cut.out
    assert on_reading("ledger verify --head", "90").code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("model list", 0, ""),
        ("data import nflverse /no/such/file.csv", 2, "no such file or folder"),
        ("train run --sport CURLING --bet-type total", 2, UNKNOWN_SPORT),
        ("predict run --sport CURLING --season 2025", 2, UNKNOWN_SPORT),
        ("predict runs --sport CURLING", 2, UNKNOWN_SPORT),
        ("predict list --sport CURLING", 2, UNKNOWN_SPORT),
        ("data games --sport CURLING", 2, UNKNOWN_SPORT),
        ("model list --sport CURLING", 2, UNKNOWN_SPORT),
        ("features build --sport CURLING", 2, UNKNOWN_SPORT),
        ("features views --sport CURLING", 2, UNKNOWN_SPORT),
        ("grade run --sport CURLING", 2, UNKNOWN_SPORT),
        ("perf daily --sport CURLING", 2, UNKNOWN_SPORT),
        ("perf list --sport CURLING", 2, UNKNOWN_SPORT),
        ("data import synthetic --sport CURLING", 2, "no simulated league for sport 'CURLING'"),
        ("data games --sport NFL", 2, "no data of sport NFL"),
        ("predict run --sport SIM-NFL", 2, "say which games"),
        ("predict run --sport SIM-NFL --date tomorrow", 2, "YYYY-MM-DD"),
        ("predict run --sport SIM-NFL --season 2025 --as-of 2025-12-24T12:00:00", 2, "time zone"),
        ("predict run --sport SIM-NFL --season 2025 --week 17 --as-of " + FUTURE, 3, "lies in the future"),
        ("predict run --sport SIM-NFL --season 2023 --week 5", 3, "learned from games up to"),
        ("train run --sport SIM-NFL --bet-type total --config /no/such.yaml", 2, "no such configuration file"),
        ("train run --sport SIM-NFL --bet-type total --test-from 1980", 2, "test seasons"),
        ("model promote 00000000-0000 --reason because", 2, "no model whose id begins with"),
        ("train run --sport SIM-NFL --bet-type parlay", 2, "parlay"),
        ("nonsense", 2, "nonsense"),
        ("model list --nonsense", 2, "--nonsense"),
    ],
)
def test_exit_codes_tell_a_failure_a_wrong_request_and_a_guard_apart(on_reading, words, code, said):
    done = on_reading(words)
    assert done.code == code, done.err
    assert said in " ".join(done.err.split())
    if code in (1, 3):
        assert len(done.err.strip().splitlines()) == 1
    assert "Traceback" not in done.err


def test_an_unexpected_error_is_one_line_and_its_traceback_is_in_the_log(on_reading, reading, monkeypatch):
    def fail(*_):
        raise ValueError("the first line\nand the second")

    monkeypatch.setattr(catalogue, "list_models", fail)
    done = on_reading("model list")
    assert done.code == 2
    (line,) = done.err.strip().splitlines()
    assert line.startswith("unexpected error: ValueError: the first line")
    logged = (reading.settings.logs_dir / "aipro.log").read_text()
    assert "Traceback" in logged
    assert all(json.loads(row)["run"] != "-" for row in logged.splitlines())


def test_ctrl_c_in_the_middle_of_a_copy_is_no_fault_of_the_database(on_reading, monkeypatch):
    """What is interrupted there cannot roll back, and says so: that error must not hide what it came from."""

    def interrupted(*_):
        try:
            raise KeyboardInterrupt
        finally:
            raise psycopg.OperationalError("sending query failed: another command is already in progress")

    monkeypatch.setattr(catalogue, "list_models", interrupted)
    done = on_reading("model list")
    assert (done.code, done.err.strip()) == (
        130,
        "interrupted; nothing is half written, run the same command again",
    )


@pytest.mark.parametrize(
    "words", ["config show", "config show --json", "model list", "db status", "db check", "data import synthetic"]
)
def test_no_password_is_ever_shown_or_logged(aipro, monkeypatch, tmp_path, words):
    monkeypatch.setenv("DATABASE_OWNER_URL", NOBODY.replace("someone", "owner"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    done = aipro("--log-level debug --log-json " + words)
    assert done.code == (0 if words.startswith("config") else 1)
    logs = "".join(file.read_text() for file in (tmp_path / "home").rglob("*.log"))
    assert "hunter2" not in done.out + done.err + logs
    if words == "config show --json":
        shown = {row["setting"]: row["value"] for row in map(json.loads, done.out.splitlines())}
        assert shown["mlflow_tracking_uri"] == "postgresql://someone:***@127.0.0.1:1/nothing"
        assert shown["home"] == str(tmp_path / "home")


def test_an_address_that_is_none_is_refused_without_repeating_it(aipro, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://someone:hunter2@host/x")
    done = aipro("model list")
    assert done.code == 2
    assert "DATABASE_URL" in done.err
    assert "hunter2" not in done.err


def test_a_wrong_setting_is_a_usage_error_that_names_it(aipro, monkeypatch):
    monkeypatch.setenv("AIPRO_POOL_SIZE", "many")
    done = aipro("config show")
    assert done.code == 2
    assert "setting pool_size" in done.err


def test_the_flag_for_the_home_wins_over_the_environment(aipro, tmp_path):
    done = aipro(f"--home {tmp_path / 'other'} config show --json")
    shown = {row["setting"]: row["value"] for row in map(json.loads, done.out.splitlines())}
    assert Path(shown["home"]) == tmp_path / "other"


def test_importing_a_file_by_command_shows_what_was_refused(on_reading, monkeypatch, trained, tmp_path):
    from tests.jobs.nflverse_file import FIRST, as_gzip, season_rows

    use(monkeypatch, trained)
    place = tmp_path / "games.csv.gz"
    place.write_bytes(as_gzip(season_rows(**{"g" + FIRST: {"home_score": "lots"}})))
    refused = on_reading("data import nflverse --strict", place)
    assert refused.code == 1
    assert "line 2, column home_score: 'lots'" in refused.err
    assert on_reading("data import nflverse --dry-run", place).code == 0
    assert trained.one("SELECT count(*) FROM sports") == 1
    done = on_reading("data import nflverse", place)
    assert done.code == 0
    assert "critical: games.csv.gz, line 2, column home_score: 'lots'" in done.err
    (again,) = [json.loads(line) for line in on_reading("data import nflverse --json", place).out.splitlines()]
    assert (again["games_read"], again["rows_written"], again["rejected"]) == (11, 0, 1)
    assert trained.one("SELECT count(*) FROM games g JOIN sports s ON s.id = g.sport_id WHERE s.code = 'NFL'") == 11


def test_a_moment_is_read_with_its_offset(on_reading):
    done = on_reading(f"predict run --sport SIM-NFL --season 2025 --week 17 --dry-run --json --as-of {NOW.isoformat()}")
    (row,) = [json.loads(line) for line in done.out.splitlines()]
    assert row["as_of"] == NOW.isoformat()
    assert (row["published"], row["games"]) == (42, 16)


def test_tuned_elo_figures_are_printed_to_paste_and_nothing_is_written(on_reading, reading):
    before = reading.snapshot()
    done = on_reading("features tune-elo --sport sim-nfl --until 2023")
    assert (done.code, reading.snapshot()) == (0, before)
    assert "SIM-NFL Elo, log loss a game" in done.out
    assert re.search(r"seasons \d{4} to 2023, \d+ games: configured 0\.\d+", done.out)
    (pasted,) = [line for line in done.out.splitlines() if line.startswith("elo:")]
    assert EloConfig.model_validate(yaml.safe_load(pasted)["elo"]).k > 0


def test_elo_is_not_tuned_on_seasons_nobody_played(on_reading):
    done = on_reading("features tune-elo --sport SIM-NFL --until 1990")
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
