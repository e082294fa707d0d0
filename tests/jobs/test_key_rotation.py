"""The key that seals second factors is changed: every secret in one transaction, no login refused meanwhile."""

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from aipro_ml.accounts import passwords
from aipro_ml.enums import UserRole
from aipro_ml.errors import AccessError, AiproError, ForbiddenError, UsageError
from aipro_ml.jobs import two_factor
from aipro_ml.jobs.accounts import Change
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.sessions import LoginRequest, login
from tests.jobs.people import HERE, NOW, PASSWORD, ROOT, add_member

MINUTE = timedelta(minutes=1)
EMAIL = "ann@example.com"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def ann(engine):
    return add_member(engine, EMAIL, UserRole.PRO_USER)


def with_factor(engine, settings):
    app = pyotp.TOTP(two_factor.begin(engine, settings, Change(EMAIL, ROOT, NOW)).text)
    two_factor.confirm(engine, settings, Change(EMAIL, ROOT, NOW), app.at(NOW))
    return app


def with_code(engine, settings, code, now):
    return login(engine, settings, LoginRequest(EMAIL, PASSWORD, code, HERE), now)


@pytest.fixture
def sealed_settings(database_settings):
    return database_settings.model_copy(update={"secret_key": SecretStr("k" * 40)})


@pytest.fixture
def turning(sealed_settings):
    """Settings with a new key, and the one that sealed so far as the old one."""
    return sealed_settings.model_copy(
        update={"secret_key": SecretStr("n" * 40), "secret_key_old": sealed_settings.secret_key}
    )


def factors(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT id, two_factor_secret, updated_at FROM users ORDER BY id")).all()


def test_a_new_key_takes_the_place_of_the_old_one_without_a_login_refused(engine, sealed_settings, turning, ann):
    app, new = with_factor(engine, sealed_settings), turning.model_copy(update={"secret_key_old": None})
    times = [NOW + number * MINUTE for number in range(1, 6)]
    with pytest.raises(AiproError, match="another AIPRO_SECRET_KEY"):
        with_code(engine, new, app.at(times[0]), times[0])
    before = factors(engine)
    assert two_factor.rotate_key(engine, turning, ROOT, NOW, dry_run=True) == two_factor.Rotation(1, 0)
    assert factors(engine) == before
    assert two_factor.rotate_key(engine, turning, ROOT, NOW) == two_factor.Rotation(1, 0)
    assert two_factor.rotate_key(engine, turning, ROOT, NOW) == two_factor.Rotation(0, 1)
    assert with_code(engine, turning, app.at(times[1]), times[1])
    assert with_code(engine, new, app.at(times[2]), times[2])
    with pytest.raises(AccessError):  # a code that was used stays used under the new key
        with_code(engine, new, app.at(times[2]), times[2])
    with pytest.raises(AiproError, match="another AIPRO_SECRET_KEY"):
        with_code(engine, sealed_settings, app.at(times[3]), times[3])
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM audit_logs WHERE action = 'user.totp_key'")) == 1


def test_a_login_between_the_keys_opens_with_the_old_and_seals_with_the_new(engine, sealed_settings, turning, ann):
    app, later = with_factor(engine, sealed_settings), NOW + MINUTE
    assert with_code(engine, turning, app.at(later), later)
    assert two_factor.rotate_key(engine, turning, ROOT, later) == two_factor.Rotation(0, 1)


def test_one_factor_that_opens_with_neither_key_leaves_all_as_they_are(engine, sealed_settings, turning, ann):
    with_factor(engine, sealed_settings)
    add_member(engine, "lost@example.com")
    lost = sealed_settings.model_copy(update={"secret_key": SecretStr("z" * 40)})
    two_factor.begin(engine, lost, Change("lost@example.com", ROOT, NOW))
    before = factors(engine)
    with pytest.raises(AiproError, match=r"lost@example\.com opens with neither key"):
        two_factor.rotate_key(engine, turning, ROOT, NOW)
    assert factors(engine) == before


def test_keys_that_are_missing_or_the_same_turn_nothing(engine, sealed_settings, turning, ann):
    with pytest.raises(UsageError, match="AIPRO_SECRET_KEY_OLD is not set"):
        two_factor.rotate_key(engine, sealed_settings, ROOT, NOW)
    same = turning.model_copy(update={"secret_key_old": turning.secret_key})
    with pytest.raises(UsageError, match="the same"):
        two_factor.rotate_key(engine, same, ROOT, NOW)
    short = turning.model_copy(update={"secret_key": SecretStr("short")})
    with pytest.raises(AiproError, match="fewer than 32"):
        two_factor.rotate_key(engine, short, ROOT, NOW)


def test_only_a_super_admin_or_the_machine_itself_turns_the_key(engine, turning, ann):
    admin = add_member(engine, "admin@example.com", UserRole.ADMIN)
    with pytest.raises(ForbiddenError):
        two_factor.rotate_key(engine, turning, Actor(admin), NOW)
    chief = add_member(engine, "chief@example.com", UserRole.SUPER_ADMIN)
    assert two_factor.rotate_key(engine, turning, Actor(chief), NOW) == two_factor.Rotation(0, 0)
