from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
from pydantic import SecretStr

from aipro_ml.accounts.totp import SecondFactor, new_factor, opened, sealed
from aipro_ml.errors import AiproError

NOW = datetime(2026, 11, 26, 12, 0, 10, tzinfo=UTC)
KEY = SecretStr("k" * 40)
STEP = timedelta(seconds=30)


def code(factor: SecondFactor, at: datetime = NOW) -> str:
    return pyotp.TOTP(factor.text).at(at)


def test_the_codes_are_those_of_rfc_6238() -> None:
    factor = SecondFactor(b"12345678901234567890")
    for seconds, told in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert factor.used(told, datetime.fromtimestamp(seconds, UTC)) is not None


def test_a_code_is_good_once_and_only_near_its_time() -> None:
    factor = new_factor()
    used = factor.used(f" {code(factor)[:3]} {code(factor)[3:]} ", NOW)
    assert used is not None
    assert used.used(code(factor), NOW) is None
    assert used.used(code(factor, NOW - STEP), NOW) is None  # an earlier one neither
    assert used.used(code(factor, NOW + STEP), NOW) is not None
    for off in (-2, 2, 100):
        assert factor.used(code(factor, NOW + off * STEP), NOW) is None


@pytest.mark.parametrize("given", [None, "", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "12 45\n6"])
def test_what_is_no_code_is_refused(given: str | None) -> None:
    assert new_factor().used(given, NOW) is None


def test_the_stored_secret_opens_for_its_user_and_key_only() -> None:
    factor, user = SecondFactor(new_factor().secret, 7), uuid4()
    stored = sealed(factor, KEY, user)
    assert len(stored) <= 255
    assert factor.text not in stored
    assert opened(stored, KEY, user) == factor
    assert sealed(factor, KEY, user) != stored
    for wrong in ((stored, SecretStr("q" * 40), user), (stored, KEY, uuid4()), ("v1.AAAA.0", KEY, user)):
        with pytest.raises(AiproError, match="cannot be opened"):
            opened(*wrong)
    flipped = stored[:20] + ("A" if stored[20] != "A" else "B") + stored[21:]
    with pytest.raises(AiproError, match="cannot be opened"):
        opened(flipped, KEY, user)


@pytest.mark.parametrize("key", [None, SecretStr("short")])
def test_no_secret_is_sealed_without_a_good_key(key: SecretStr | None) -> None:
    with pytest.raises(AiproError, match="AIPRO_SECRET_KEY"):
        sealed(new_factor(), key, uuid4())


def test_the_address_for_the_app_names_platform_and_user() -> None:
    parsed = pyotp.parse_uri(new_factor().address("ann@example.com"))
    assert (parsed.issuer, parsed.name) == ("AI PRO SPORTS", "ann@example.com")
