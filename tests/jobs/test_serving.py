"""The API is not served where keys and passwords would travel or be counted unsafely, and says why."""

import socket
from pathlib import Path

import pytest

from aipro_ml.config import Settings
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.jobs.serving import Serving, is_loopback, prepare

HERE = Serving("127.0.0.1", 0)
SAFE = {"profile": "production", "secret_key": "k" * 44}


@pytest.mark.parametrize(
    ("settings", "serving", "says"),
    [
        ({"profile": "production"}, HERE, "AIPRO_SECRET_KEY"),
        (SAFE, Serving("0.0.0.0", 0), "without TLS"),
        (SAFE, Serving("127.0.0.1", 0, workers=2), "AIPRO_API_RATE_STORE"),
        (SAFE, HERE, "embedded PostgreSQL"),
    ],
)
def test_profile_production_refuses_what_is_unsafe(settings, serving, says, tmp_path):
    with pytest.raises(GuardError, match=says):
        prepare(Settings(home=tmp_path, database_url=None, **settings), serving)


@pytest.mark.parametrize(
    ("settings", "serving", "says"),
    [
        ({}, Serving("127.0.0.1", 0, certificate=Path("cert.pem")), "go together"),
        ({}, Serving("127.0.0.1", 0, 1, Path("no.pem"), Path("no.key")), "no.pem: is not there"),
        ({"api_rate_store": "localhost:6379"}, HERE, "redis://"),
        ({"api_rate_store": "memcached://h:1"}, HERE, "redis://"),
    ],
)
def test_a_wrong_request_is_told_before_anything_starts(settings, serving, says, tmp_path):
    with pytest.raises(UsageError, match=says):
        prepare(Settings(home=tmp_path, **settings), serving)
    assert not (tmp_path / "postgres").exists()


def test_an_address_somebody_listens_on_already_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Serving("127.0.0.1", other.getsockname()[1])
        with pytest.raises(AiproError, match="cannot be listened on") as caught:
            prepare(Settings(home=tmp_path), taken)
    assert caught.value.exit_code == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("aipro_ml.jobs.serving.find_spec", lambda name: None if name == "fastapi" else object())
    with pytest.raises(UsageError, match=r"aipro-ml\[api\]"):
        prepare(Settings(home=tmp_path), HERE)


def test_what_is_unsafe_elsewhere_is_remarked(database_settings):
    assert prepare(database_settings, HERE) == []
    (first, second) = prepare(database_settings, Serving("0.0.0.0", 0, workers=2))
    assert "each worker" in first
    assert "in the clear" in second


@pytest.mark.parametrize(
    ("host", "is_one"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)]
)
def test_only_this_machine_reaches_a_loopback(host, is_one):
    assert is_loopback(host) is is_one
