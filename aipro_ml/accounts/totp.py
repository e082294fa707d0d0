"""The second factor: codes by time (RFC 6238), their secret sealed at rest, a code good once only."""

import base64
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from aipro_ml.errors import AiproError

ISSUER = "AI PRO SPORTS"
STEP = 30
"""Seconds a code stands for."""

DRIFT = 1
"""Steps a clock may be off, either way."""

_SHORTEST_KEY = 32
_NONCE = 12
_FORM = re.compile(r"v1\.([A-Za-z0-9_-]{40,120})\.(\d{1,12})", re.ASCII)


@dataclass(frozen=True)
class SecondFactor:
    """A user's TOTP secret (20 bytes) and the last step whose code was used; 0: none yet."""

    secret: bytes
    used_step: int = 0

    @property
    def text(self) -> str:
        """Return the secret as authenticator apps take it (base32)."""
        return base64.b32encode(self.secret).decode("ascii")

    def address(self, email: str) -> str:
        """Return the `otpauth://` address that a QR code carries."""
        import pyotp

        return pyotp.TOTP(self.text).provisioning_uri(name=email, issuer_name=ISSUER)

    def used(self, code: str | None, now: datetime) -> "SecondFactor | None":
        """Return the factor with this code's step used up; None where the code is wrong, old, or was used before."""
        import pyotp

        given, present = (code or "").replace(" ", ""), int(now.timestamp()) // STEP
        if not re.fullmatch(r"[0-9]{6}", given):
            return None
        app = pyotp.TOTP(self.text)
        fits = [step for step in range(present - DRIFT, present + DRIFT + 1) if _same(app.generate_otp(step), given)]
        fresh = [step for step in fits if step > self.used_step]
        return replace(self, used_step=fresh[0]) if fresh else None


def new_factor() -> SecondFactor:
    """Return a second factor with a new secret of 160 bits."""
    return SecondFactor(secrets.token_bytes(20))


def sealed(factor: SecondFactor, key: SecretStr | None, user_id: UUID) -> str:
    """Return `users.two_factor_secret`: the secret by AES-256-GCM, bound to the user, and the last step used."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    box = nonce + AESGCM(_cipher_key(key)).encrypt(nonce, factor.secret, user_id.bytes)
    return f"v1.{base64.urlsafe_b64encode(box).rstrip(b'=').decode('ascii')}.{factor.used_step}"


def opened(text: str, key: SecretStr | None, user_id: UUID, old: SecretStr | None = None) -> SecondFactor:
    """Return the factor of `users.two_factor_secret`; AiproError where the key is missing or another one sealed it.

    `old`: the key before this one, tried second, so that logins go on while keys are changed.
    """
    require_key(key)
    if old is not None and not opens(text, key, user_id):
        return _opened(text, old, user_id)
    return _opened(text, key, user_id)


def opens(text: str, key: SecretStr | None, user_id: UUID) -> bool:
    """Return whether this key sealed the factor for this user."""
    try:
        _opened(text, key, user_id)
    except AiproError:
        return False
    return True


def require_key(key: SecretStr | None) -> None:
    """Raise AiproError where AIPRO_SECRET_KEY is missing or too short to seal anything."""
    if key is None or len(key.get_secret_value()) < _SHORTEST_KEY:
        fault = "is not set" if key is None else f"has fewer than {_SHORTEST_KEY} characters"
        raise AiproError(
            f"AIPRO_SECRET_KEY {fault}: the secrets of second factors are sealed with it; set it to the output of "
            "`openssl rand -base64 48` and keep it safe, apart from the backups"
        )


def _opened(text: str, key: SecretStr | None, user_id: UUID) -> SecondFactor:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, found = AESGCM(_cipher_key(key)), _FORM.fullmatch(text)
    with _unsealing():
        if found is None:
            raise ValueError(text[:3])
        box = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4))
        return SecondFactor(cipher.decrypt(box[:_NONCE], box[_NONCE:], user_id.bytes), int(found[2]))


@contextmanager
def _unsealing() -> Iterator[None]:
    from cryptography.exceptions import InvalidTag

    try:
        yield
    except (InvalidTag, ValueError) as error:
        raise AiproError(
            "the second factor cannot be opened: another AIPRO_SECRET_KEY sealed it, or the row was changed; "
            "set that key, or have an administrator switch the factor off and on again (`aipro user totp`)"
        ) from error


def _cipher_key(key: SecretStr | None) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    require_key(key)
    given = "" if key is None else key.get_secret_value()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"aipro second factor").derive(given.encode())


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one, other)
