"""`aipro user` and `aipro key` as a shell runs them: no secret in an argument, every refusal one line."""

import io
import json

import pyotp
import pytest

from aipro_ml.accounts import passwords
from aipro_ml.accounts.tokens import digest
from tests.fixtures_commands import Aipro, use
from tests.fixtures_platform import Platform

PASSWORD = "a quiet river at dawn"


@pytest.fixture
def say(aipro: Aipro, monkeypatch, engine, database_settings):
    """Run a command with lines on its standard input."""
    use(monkeypatch, Platform(database_settings))
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.delenv("AIPRO_SECRET_KEY", raising=False)

    def run(words: str, *lines: str):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return aipro(words)

    return run


def rows(outcome):
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_a_user_s_life_by_commands(say, monkeypatch, engine):
    (root,) = rows(say("user add root@example.com --role super_admin --password-stdin --json", PASSWORD))
    assert (root["user"], root["role"], root["active"]) == ("root@example.com", "super_admin", True)
    rows(say("user add ann@example.com --name Ann --by root@example.com --password-stdin --json", PASSWORD))
    assert rows(say("user role ann@example.com pro_user --by root@example.com --json"))[0]["role"] == "pro_user"
    assert rows(say("user prefs ann@example.com --set display.odds=decimal --json"))[3]["value"] == "decimal"
    assert say("user password ann@example.com --password-stdin", "another river at dusk").code == 0
    assert "0 sessions ended" in say("user sessions ann@example.com --end").out
    assert say("user sessions ann@example.com").out == "sessions: nothing\n"
    assert say("user unlock ann@example.com").code == 0
    assert rows(say("user disable ann@example.com --json"))[0]["active"] is False
    refused = say("user role root@example.com user --by ann@example.com")
    assert (refused.code, "disabled" in refused.err) == (3, True)
    assert rows(say("user enable ann@example.com --json"))[0]["active"] is True
    refused = say("user erase ann@example.com")
    assert (refused.code, "add --yes" in refused.err) == (2, True)
    assert rows(say("user erase ann@example.com --yes --json"))[0]["keys"] == 0
    assert [row["active"] for row in rows(say("user list --json"))] == [False, True]
    refused = say("user erase root@example.com --yes")
    assert (refused.code, "last super_admin" in refused.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "lines", "told"),
    [
        ("user add ann@example.com", [], "pipe it in with --password-stdin"),
        ("user add ann@example.com --password-stdin", [], "holds no password"),
        ("user add ann@example.com --password-stdin", ["short"], "12 characters"),
        ("user add nobody --password-stdin", [PASSWORD], "no e-mail address"),
        ("user role ann@example.com admin", [], "no user 'ann@example.com'"),
        ("user prefs ann@example.com --set timezone", [], "NAME=VALUE"),
        ("key add --user ann@example.com --name x", [], "no user 'ann@example.com'"),
        ("key revoke zz", [], "no key begins"),
    ],
)
def test_what_cannot_be_done_is_one_line(say, words, lines, told):
    outcome = say(words, *lines)
    assert (outcome.code, outcome.out, told in outcome.err) == (2, "", True)
    assert PASSWORD not in outcome.err


def test_a_second_factor_is_begun_shown_and_put_in_force(say, monkeypatch, engine):
    say("user add ann@example.com --password-stdin", PASSWORD)
    refused = say("user totp ann@example.com on")
    assert (refused.code, "AIPRO_SECRET_KEY is not set" in refused.err) == (1, True)
    monkeypatch.setenv("AIPRO_SECRET_KEY", "k" * 40)
    shown = say("user totp ann@example.com on").out
    address = next(line for line in shown.splitlines() if line.startswith("otpauth://"))
    assert "█" in shown
    assert say("user totp ann@example.com confirm --code-stdin", "000000").code == 1
    app = pyotp.parse_uri(address)
    assert "in force" in say("user totp ann@example.com confirm --code-stdin", app.now()).out
    assert rows(say("user list --json"))[0]["two_factor"] is True
    assert say("user totp ann@example.com on").code == 3
    assert say("user totp ann@example.com off").code == 0
    assert say("user totp ann@example.com off").code == 2


def test_a_key_is_shown_once_and_never_listed(say, engine):
    say("user add ann@example.com --password-stdin", PASSWORD)
    (key,) = rows(say("key add --user ann@example.com --name cron --may ledger:read --expires 2099-01-01 --json"))
    assert key["secret"].startswith(f"aipro_{key['key']}")
    listed = say("key list --json").out
    assert not any(secret in listed for secret in (key["secret"], digest(key["secret"])))
    assert rows(say("key list --user ann@example.com --json"))[0]["state"] == "active"
    assert say("key add --user ann@example.com --name cron --may models:read").code == 3
    assert "is revoked" in say(f"key revoke {key['key']}").out
    assert rows(say("key list --json"))[0]["state"] == "revoked"


def test_who_did_what_is_listed(say, engine):
    say("user add root@example.com --role super_admin --password-stdin", PASSWORD)
    say("user add ann@example.com --by root@example.com --password-stdin", PASSWORD)
    say("key add --user ann@example.com --name cron --by ann@example.com")
    say("user unlock ann@example.com --by root@example.com")
    told = [(row["by"], row["action"]) for row in rows(say("audit list --json"))]
    root, ann = "root@example.com", "ann@example.com"
    assert told[:3] == [(root, "login.unlock"), (ann, "key.add"), (root, "user.add")]
    assert len(told) == 4
    assert [row["action"] for row in rows(say("audit list --user ann@example.com --action key --json"))] == ["key.add"]
    assert len(rows(say("audit list --user ann@example.com --json"))) == 3
    assert say("audit list --since 2099-01-01").out == "acts: nothing\n"
    assert say("audit list --user eve@example.com").code == 2
