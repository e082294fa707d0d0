"""Passwords: what is refused, how one is hashed (bcrypt over SHA-256), and a check that takes as long for nobody."""

import base64
import hashlib
import unicodedata
from functools import cache

from aipro_ml import resources
from aipro_ml.errors import UsageError

SHORTEST = 12
LONGEST = 1024
"""Characters; all of them count: bcrypt alone would stop at 72 bytes, and at a zero byte."""

ROUNDS = 12
"""Base-2 logarithm of bcrypt's work, about a quarter of a second."""

FEWEST_DIFFERENT = 5
"""Different characters a password has at least."""

# a valid hash of nothing anybody knows: checking against it costs what a check of a real one does
_NOBODY = "$2b${rounds:02d}$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m"


def checked(password: str, *, email: str = "", name: str | None = None) -> str:
    """Return the password; UsageError where it is too short, too plain, on the deny list, or says who its owner is."""
    plain = unicodedata.normalize("NFKC", password)
    if len(plain) < SHORTEST:
        raise UsageError(f"the password is too short: {SHORTEST} characters at least, better a sentence")
    if len(plain) > LONGEST:
        raise UsageError(f"the password is too long: {LONGEST} characters at most")
    folded = "".join(plain.casefold().split())
    if folded in _denied() or len(set(folded)) < FEWEST_DIFFERENT:
        raise UsageError("the password is among the first that are tried: take another")
    if any(len(part) >= 4 and part.casefold() in folded for part in (email.partition("@")[0], email, name or "")):
        raise UsageError("the password holds the address or the name of its owner: take another")
    return password


def hashed(password: str, rounds: int | None = None) -> str:
    """Return the bcrypt hash to store (60 characters); `rounds` None: ROUNDS."""
    import bcrypt

    return bcrypt.hashpw(_prehashed(password), bcrypt.gensalt(ROUNDS if rounds is None else rounds)).decode("ascii")


def matches(password: str, stored: str | None) -> bool:
    """Return whether `password` is the one of the hash; for None (no such user) False, after as much work."""
    import bcrypt

    known = stored is not None and stored.startswith("$2b$")  # an erased user has no hash
    against = stored if known and stored is not None else _NOBODY.format(rounds=ROUNDS)
    return bcrypt.checkpw(_prehashed(password), against.encode("ascii")) and known


@cache
def _denied() -> frozenset[str]:
    return frozenset((resources.configs_dir() / "denied_passwords.txt").read_text(encoding="utf-8").split())


def _prehashed(password: str) -> bytes:
    """Return 44 bytes without a zero byte: the whole password counts, however long."""
    plain = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(plain).digest())
