"""Planted secrets are looked for in everything that is printed, logged, stored or backed up."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from aipro_ml.accounts import passwords
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.enums import Severity
from aipro_ml.errors import AccessError
from aipro_ml.jobs.alerts import raise_alerts
from aipro_ml.jobs.sessions import LoginRequest, login, refresh
from aipro_ml.settings import Settings, load_settings
from tests.fixtures_commands import NOBODY, use
from tests.fixtures_platform import Platform
from tests.jobs.people import HERE
from tests.planted import leaks, leaks_of_database, leaks_of_files, passwords_of, plant

ANN = "ann@example.org"
WORD = "planted pass word 64c0"
ALERT = NewAlert("health", "disk", Severity.WARNING, "disk is degraded")


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """Let bcrypt work as little as it can, and downloads that fail be tried again at once."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


@pytest.fixture
def house(database_settings, monkeypatch, aipro):
    """An installation whose every secret is planted, and the secrets by name."""
    platform = Platform(database_settings.model_copy(update={"mlflow_tracking_uri": None}))
    use(monkeypatch, platform)
    monkeypatch.setenv("AIPRO_ALERT_EMAIL_TO", ANN)
    monkeypatch.setenv("AIPRO_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("AIPRO_SMTP_PORT", "1")
    monkeypatch.setenv("AIPRO_ODDS_API_URL", "http://127.0.0.1:1")
    secrets = plant(monkeypatch) | passwords_of(database_settings) | {"the user's password": WORD}
    yield platform, secrets
    platform.close()


def test_no_secret_comes_out_of_commands_logs_tables_or_backups(house, aipro, monkeypatch, tmp_path):
    platform, secrets = house
    home, engine = platform.settings.home, platform.engine
    said: list[str] = []

    def run(words, *more, code=None, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        done = aipro(f"--log-level debug --log-json {words}", *more)
        assert code is None or done.code == code, (words, done)
        said.append(f"{done.out}{done.err}")
        return done

    run("config show --origin", code=0)
    run("config show --all --json", code=0)
    run("user add ann@example.org --password-stdin", code=0, typed=f"{WORD}\n")
    run("user add ann@example.org --password-stdin", typed=f"{WORD}\n")
    run("user password ann@example.org --password-stdin", code=0, typed=f"{WORD}\n")
    shown = run("user totp ann@example.org on", code=0).out
    factor = re.search(r"secret: (\S+)", shown)[1]
    said.pop()  # that one shows the secret, once, as it must
    run("user totp ann@example.org confirm --code-stdin", code=0, typed=f"{pyotp.TOTP(factor).now()}\n")
    key = run("key add --user ann@example.org --name tests", code=0).out.split("\n")[-3].strip()
    said.pop()
    raise_alerts(engine, load_settings(), [ALERT], datetime.now(UTC))  # webhook and mail are not there
    run("alert send", code=1)
    run("alert list", code=0)
    run("health")
    run("data fetch --sport NFL", code=1)
    run("data import nflverse http://me:planted-user-word@127.0.0.1:1/games.csv?apikey=planted-query-91ab", code=1)
    run("key list", code=0)
    run("user list", code=0)
    backup = tmp_path / "all.backup"
    run("db backup", backup, code=0)
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    run("model list", code=1)

    tokens = _tokens(engine, load_settings(), factor)
    secrets |= {"the factor": factor, "the key": key, "its query": "planted-query-91ab", "a name": "planted-user-word"}
    secrets |= {"hunter": "hunter2", **tokens}
    assert len(key) > 20
    assert leaks("what was printed", "\n".join(said), secrets) == []
    url = platform.settings.database_owner_url.get_secret_value()
    assert leaks_of_database(url, secrets) == []
    assert "alerts were not sent" in (home / "logs" / "aipro.log").read_text()
    assert leaks_of_files([home, backup.parent], secrets) == []


def _tokens(engine, settings, factor):
    """Log in, turn the token once and fail once; return what was handed out."""
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)  # a code of the app opens once
    wrong = LoginRequest(ANN, f"{WORD}!", ip=HERE, agent="pytest")
    with pytest.raises(AccessError):
        login(engine, settings, wrong, now)
    code = pyotp.TOTP(factor).at(now)
    first = login(engine, settings, LoginRequest(ANN, WORD, code, HERE, "pytest"), now)
    second = refresh(engine, settings, first.refresh, HERE, "pytest", now)
    named = {"access": first.access, "refresh": first.refresh, "access 2": second.access, "refresh 2": second.refresh}
    return {name: token.split(".")[-1].split("_")[-1] for name, token in named.items()}


def test_an_error_nobody_foresaw_is_logged_without_a_secret(house, aipro, monkeypatch):
    """The traceback with its values goes to the log: the settings and a statement's parameters among them."""
    platform, secrets = house

    def broken(engine, settings, *_, **__):
        with engine.begin() as connection:
            statement = "INSERT INTO users (id, email, hashed_password) VALUES (NULL, 'x', %s)"
            try:
                connection.exec_driver_sql(statement, (WORD,))
            except Exception as error:
                raise RuntimeError(f"with {settings!r}: {error}") from error

    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.setattr("aipro_ml.jobs.health.look_now", broken)
    done = aipro("--log-level debug --log-json health")
    assert (done.code, "RuntimeError" in done.err) == (2, True)
    log = (platform.settings.home / "logs" / "aipro.log").read_text()
    assert "Traceback" in log
    assert leaks("printed and logged", done.out + done.err + log, secrets | {"MLflow's": "hunter2"}) == []


def test_secrets_do_not_stand_in_what_settings_print_of_themselves(tmp_path, monkeypatch):
    secrets = plant(monkeypatch)
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    found = Settings(home=tmp_path)
    told = f"{found!r} {found} {found.model_dump()!s} {found.model_dump_json(exclude={'mlflow_tracking_uri'})}"
    told = told.replace(f"'{NOBODY}'", "")  # the one plain text: `config show` masks it
    assert leaks("settings", repr(found) + str(found) + told, secrets | {"a password": "hunter2"}) == []


def test_what_keeps_the_embedded_server_s_passwords_is_read_by_its_owner_alone(open_folder, server):
    kept = sorted(Path(open_folder).rglob("logins.json"))
    assert [oct(path.stat().st_mode & 0o077) for path in kept] == ["0o0"] * len(kept)
