import time

import pytest

from aipro_ml.accounts import passwords
from aipro_ml.accounts.passwords import checked, hashed, matches
from aipro_ml.errors import UsageError

GOOD = "a quiet river at dawn"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("x" * 11, "too short"),
        ("é" * 1025, "too long"),
        ("Password 1234", "among the first"),
        ("QWERTYuiop12", "among the first"),
        ("abababababab", "among the first"),
        ("my ann.smith pass", "holds the address"),
        ("annette loves cats", "holds the address or the name"),
    ],
)
def test_a_password_that_is_soon_guessed_is_refused(password: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        checked(password, email="ann.smith@example.com", name="Annette")


def test_a_sentence_is_taken() -> None:
    assert checked(GOOD, email="ann@example.com", name="Ann") == GOOD


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("x" * 80 + "one", "x" * 80 + "two"),  # bcrypt alone would read 72 bytes
        ("before\0after-one", "before\0after-two"),  # and stop at a zero byte
        (GOOD, GOOD + " "),
        (GOOD, GOOD.title()),
        ("\ud800 a lone surrogate", "another surrogate"),
    ],
)
def test_every_character_of_a_password_counts(password: str, other: str) -> None:
    stored = hashed(password, rounds=4)
    assert matches(password, stored)
    assert not matches(other, stored)


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password() -> None:
    assert matches("cafe\u0301 au lait frais", hashed("caf\u00e9 au lait frais", rounds=4))


def test_two_hashes_of_a_password_differ_and_hold_the_work_asked_for() -> None:
    assert hashed(GOOD, rounds=4) != hashed(GOOD, rounds=4)
    assert hashed(GOOD, rounds=5).startswith("$2b$05$")
    assert passwords.ROUNDS >= 12


@pytest.mark.parametrize("stored", [None, "!", "", "$1$old"])
def test_nobody_is_let_in_without_a_hash(stored: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    assert not matches(GOOD, stored)


def test_an_unknown_user_costs_the_work_of_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", 10)
    stored = hashed(GOOD)
    spent: dict[str | None, list[float]] = {stored: [], None: []}
    for _ in range(3):
        for against, times in spent.items():
            began = time.process_time()
            matches("not the password", against)
            times.append(time.process_time() - began)
    assert 0.6 < min(spent[None]) / min(spent[stored]) < 1.7
