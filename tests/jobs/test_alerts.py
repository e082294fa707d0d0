"""Alerts: one for one matter, sent once by each channel, acknowledged by somebody who exists."""

import time
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from aipro_ml.db.repositories import alerts as stored_alerts
from aipro_ml.db.repositories.alerts import NewAlert
from aipro_ml.enums import Severity, UserRole
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.jobs import alerts as sending
from aipro_ml.jobs import notifiers
from aipro_ml.jobs.accounts import Change, set_preferences
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.alerts import acknowledge, list_alerts, raise_alerts, send_open
from tests.at_once import halt, overtaken
from tests.fixtures_commands import Aipro, use
from tests.fixtures_platform import Platform
from tests.jobs.listeners import dripping_listener, mail_listener, odd_listener, web_listener
from tests.jobs.people import add_member

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STALE = NewAlert("stale_source", "NFL", Severity.WARNING, "NFL: the newest quote is 50 h old")
LATE = NewAlert("deadline", "NFL 2026-01-01", Severity.CRITICAL, "NFL: nothing was published\nby 12:40")


@pytest.fixture
def user(engine):
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO users (id, email, hashed_password, role, created_at) VALUES "
                "(gen_random_uuid(), 'Ann@example.org', 'x', 'admin', '2026-01-01')"
            )
        )
    return "ann@example.org"


def listed(engine, **more):
    return list_alerts(engine, 10, acknowledged=more.get("acknowledged", False))


def test_an_alert_stands_once_until_it_is_acknowledged_and_then_it_is_a_new_one(engine, database_settings, user):
    assert raise_alerts(engine, database_settings, [STALE, LATE], NOW) == 2
    assert raise_alerts(engine, database_settings, [STALE], NOW + timedelta(days=1)) == 0
    rows = listed(engine)
    assert [row["type"] for row in rows] in (["deadline", "stale_source"], ["stale_source", "deadline"])
    stale = next(row for row in rows if row["type"] == "stale_source")
    acknowledge(engine, str(stale["id"]), user, NOW)
    assert [row["type"] for row in listed(engine)] == ["deadline"]
    assert [row["acknowledged"] for row in listed(engine, acknowledged=True)].count("Ann@example.org") == 1
    with pytest.raises(AiproError, match="acknowledged before, by Ann"):
        acknowledge(engine, str(stale["id"]), user, NOW)
    assert raise_alerts(engine, database_settings, [STALE], NOW + timedelta(days=2)) == 1


def test_nobody_who_does_not_exist_acknowledges(engine, database_settings):
    raise_alerts(engine, database_settings, [STALE], NOW)
    (row,) = listed(engine)
    with pytest.raises(UsageError, match="there are no users yet"):
        acknowledge(engine, str(row["id"]), "ann@example.org", NOW)
    with pytest.raises(UsageError, match="no alert whose id begins"):
        acknowledge(engine, "ffffffff", "ann@example.org", NOW)


def test_each_channel_gets_an_alert_once(engine, database_settings):
    with web_listener() as web, mail_listener() as post:
        settings = database_settings.model_copy(
            update={
                "alert_webhook": SecretStr(f"http://127.0.0.1:{web.port}/hook?key=secret"),
                "alert_email_to": "ann@example.org, ben@example.org",
                "smtp_host": "127.0.0.1",
                "smtp_port": post.port,
            }
        )
        raise_alerts(engine, settings, [STALE, LATE], NOW)
        raise_alerts(engine, settings, [STALE], NOW)
        assert sorted(message["type"] for message in web.messages) == ["deadline", "stale_source"]
        assert {message["text"] for message in web.messages} >= {"[warning] NFL: the newest quote is 50 h old"}
        (mail,) = [message_from_string(text, policy=policy.default) for text in post.messages]
    assert mail["To"] == "ann@example.org, ben@example.org"
    assert (
        mail["Subject"].strip().startswith("[AI PRO SPORTS] critical: NFL: nothing was published by 12:40 (and 1 more)")
    )
    assert "stale_source: NFL" in mail.get_content()
    assert {row["sent"] for row in listed(engine)} == {"email, webhook"}


def test_two_who_send_at_once_send_an_alert_once(engine, database_settings, monkeypatch):
    raise_alerts(engine, database_settings, [STALE], NOW)
    with web_listener() as web:
        hook = SecretStr(f"http://127.0.0.1:{web.port}/hook")
        settings = database_settings.model_copy(update={"alert_webhook": hook})
        ended = overtaken(
            engine,
            halt(monkeypatch, sending, "patiently"),
            lambda: send_open(engine, settings, NOW),
            lambda: send_open(engine, settings, NOW + timedelta(minutes=1)),
        )
        assert [each.result() for each in ended] == [[], []]
        assert [message["type"] for message in web.messages] == ["stale_source"]


def test_of_two_who_acknowledge_at_once_the_second_hears_who_was_first(engine, database_settings, user, monkeypatch):
    add_member(engine, "ben@example.org", UserRole.ADMIN)
    raise_alerts(engine, database_settings, [STALE], NOW)
    (row,) = listed(engine)
    late, early = overtaken(
        engine,
        halt(monkeypatch, stored_alerts, "acknowledge"),
        lambda: acknowledge(engine, str(row["id"]), user, NOW),
        lambda: acknowledge(engine, str(row["id"]), "ben@example.org", NOW),
    )
    assert early.exception() is None
    assert str(late.exception()).endswith("was acknowledged before, by ben@example.org")


def test_admins_who_asked_for_it_get_mail_of_their_own_from_their_severity_on(engine, database_settings):
    wishes = {"ann": "warning", "ben": "critical", "cleo": "info"}
    for name, severity in wishes.items():
        add_member(engine, f"{name}@example.org", UserRole.ADMIN if name != "cleo" else UserRole.USER)
        asked = {"notifications.email": "yes", "notifications.severity": severity}
        set_preferences(engine, Change(f"{name}@example.org", Actor(login="root"), NOW), asked)
    with mail_listener() as post:
        settings = database_settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": post.port})
        raise_alerts(engine, settings, [STALE, LATE], NOW)
        assert send_open(engine, settings, NOW) == []
        sent = [message_from_string(text, policy=policy.default) for text in post.messages]
    told = {mail["To"]: (STALE.message in mail.get_content(), "12:40" in mail.get_content()) for mail in sent}
    assert len(sent) == 2
    assert told == {"ann@example.org": (True, True), "ben@example.org": (False, True)}
    assert {row["sent"] for row in listed(engine)} == {"admins"}


@pytest.mark.parametrize("away", ["refuses", "is not there"])
def test_a_notifier_that_fails_stops_nothing_and_is_tried_again(engine, database_settings, away):
    with web_listener() as web, mail_listener() as post:
        update = {
            "alert_webhook": SecretStr(f"http://127.0.0.1:{web.port}/hook?key=secret"),
            "alert_email_to": "ann@example.org",
            "smtp_host": "127.0.0.1",
            "smtp_port": post.port,
        }
        settings = database_settings.model_copy(update=update)
        web.status = post.status = 500
        broken = settings
        if away == "is not there":
            nowhere = {"alert_webhook": SecretStr("http://127.0.0.1:1/hook?key=secret"), "smtp_port": 1}
            broken = settings.model_copy(update=nowhere)
        assert raise_alerts(engine, broken, [STALE], NOW) == 1
        failed = send_open(engine, broken, NOW)
        assert [line.partition(":")[0] for line in failed] == ["webhook", "email"]
        assert not any("secret" in line for line in failed)
        web.status = post.status = 200
        web.messages.clear()
        post.messages.clear()
        assert send_open(engine, settings, NOW) == []
        assert (len(web.messages), len(post.messages)) == (1, 1)
        assert send_open(engine, settings, NOW) == []
        assert len(web.messages) == 1


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX: ", b"220 "])
def test_a_server_that_answers_byte_by_byte_does_not_keep_the_night(engine, database_settings, monkeypatch, first):
    monkeypatch.setattr(notifiers, "PATIENCE_S", 0.6)
    with dripping_listener(first) as slow:
        hook = SecretStr(f"http://127.0.0.1:{slow.port}/hook")
        mail = {"alert_email_to": "ann@example.org", "smtp_host": "127.0.0.1", "smtp_port": slow.port}
        settings = database_settings.model_copy(update={"alert_webhook": hook} if first.startswith(b"HTTP") else mail)
        begun = time.monotonic()
        assert raise_alerts(engine, settings, [STALE], NOW) == 1
        assert time.monotonic() - begun < 10
        assert slow.messages == ["came"]
        (failed,) = send_open(engine, settings, NOW)
    assert failed.endswith("no answer within 1 s")
    assert {row["sent"] for row in listed(engine)} == {"-"}


def hooked(settings, port):
    return settings.model_copy(update={"alert_webhook": SecretStr(f"http://127.0.0.1:{port}/hook?key=secret")})


@pytest.mark.parametrize("leads", ["http://127.0.0.1:{port}/other", "file:///etc/passwd", "/hook?key=secret"])
def test_no_redirect_is_followed_and_the_alert_waits(engine, database_settings, leads):
    with web_listener() as elsewhere:
        to = leads.format(port=elsewhere.port)
        with odd_listener("307 Temporary Redirect", f"Location: {to}\r\nContent-Length: 0") as odd:
            raise_alerts(engine, hooked(database_settings, odd.port), [STALE], NOW)
            (failed,) = send_open(engine, hooked(database_settings, odd.port), NOW)
        assert len(odd.messages) == 2
        assert elsewhere.messages == []
        assert "answers 307, a redirect, which is not followed" in failed
        assert "secret" not in failed
        assert to not in failed
        assert {row["sent"] for row in listed(engine)} == {"-"}
        assert send_open(engine, hooked(database_settings, elsewhere.port), NOW) == []
    assert [message["type"] for message in elsewhere.messages] == ["stale_source"]


def test_an_answer_without_end_is_not_read(engine, database_settings):
    begun = time.monotonic()
    endless = odd_listener("200 OK", "Content-Type: text/plain", b"x" * 1_000_000, for_ever=True)
    with endless as odd:
        raise_alerts(engine, hooked(database_settings, odd.port), [STALE], NOW)
    assert time.monotonic() - begun < 8
    assert {row["sent"] for row in listed(engine)} == {"webhook"}


def test_an_alert_the_address_refuses_keeps_no_other_back_and_alone_goes_again(engine, database_settings):
    with web_listener() as web:
        web.unwanted = "deadline"
        settings = hooked(database_settings, web.port)
        raise_alerts(engine, settings, [LATE, STALE], NOW)
        assert send_open(engine, settings, NOW) == ["webhook: the address answers 400"]
        assert sorted(message["type"] for message in web.messages) == ["deadline", "deadline", "stale_source"]
        assert {row["type"]: row["sent"] for row in listed(engine)} == {"deadline": "-", "stale_source": "webhook"}


def test_an_admin_whose_address_is_refused_for_good_costs_the_others_nothing(engine, database_settings):
    for name in ("ann", "ben", "cleo"):
        add_member(engine, f"{name}@example.org", UserRole.ADMIN)
        asked = {"notifications.email": "yes", "notifications.severity": "info"}
        set_preferences(engine, Change(f"{name}@example.org", Actor(login="root"), NOW), asked)
    with mail_listener() as post:
        settings = database_settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": post.port})
        post.refused = "ann@example.org"
        raise_alerts(engine, settings, [STALE], NOW)
        assert send_open(engine, settings, NOW) == []
        told = [message_from_string(text, policy=policy.default)["To"] for text in post.messages]
    assert sorted(told) == ["ben@example.org", "cleo@example.org"]
    assert {row["sent"] for row in listed(engine)} == {"admins"}


def test_the_commands_list_acknowledge_and_send(aipro: Aipro, monkeypatch, engine, database_settings, user):
    use(monkeypatch, Platform(database_settings))
    raise_alerts(engine, database_settings, [STALE], NOW)
    (row,) = listed(engine)
    assert "the newest quote is 50 h old" in aipro("alert list").out
    assert aipro("alert send").out == "no channel is configured\n"
    assert aipro(f"alert ack {row['id']} --by nobody@example.org").code == 2
    assert aipro(f"alert ack {row['id']} --by {user}").out.startswith(f"acknowledged by {user}: NFL")
    assert aipro("alert list").out == "alerts: nothing\n"
