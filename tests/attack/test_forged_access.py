"""Tokens and keys under attack: forged, changed, expired, used up, foreign, swapped. None opens anything."""

import random
import string
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from aipro_ml.accounts import passwords
from aipro_ml.accounts.tokens import digest
from aipro_ml.db.models.users import ApiKey, UserSession
from aipro_ml.enums import UserRole
from aipro_ml.errors import AccessError
from aipro_ml.jobs.accounts import Change, disable, enable
from aipro_ml.jobs.keys import KeyWish, add_key, key_caller, revoke_key
from aipro_ml.jobs.sessions import logout, refresh, session_caller
from tests.jobs.people import HERE, NOW, ROOT, add_member, signed_in
from tests.soak import size

ATTEMPTS = size(300, 10_000)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ALPHABET = string.ascii_letters + string.digits + "-_"
KINDS = (
    "noise", "forged", "changed", "expired", "used up", "foreign", "swapped", "stored hash", "ended", "disabled",
    "zero",
)  # fmt: skip

TAMPERED = {("changed", "refresh"), ("foreign", "refresh")}


class Door:
    """Where a token or key is presented, and whose it is when one is let in."""

    def __init__(self, engine: sa.Engine, settings: object) -> None:
        self.engine, self.settings = engine, settings
        self.ways: dict[str, Callable[[str], object]] = {
            "access": self.access,
            "key": self.key,
            "refresh": lambda text, now=NOW: refresh(engine, settings, text, HERE, "thief", now),
            "logout": lambda text, now=NOW: logout(engine, text, now),
        }

    def access(self, text, now=NOW):
        with self.engine.connect() as connection:
            return session_caller(connection, text, now)

    def key(self, text, now=NOW):
        with self.engine.begin() as connection:
            return key_caller(connection, text, now)


class Forger:
    """Makes false tokens of every kind out of true ones of two users, and of what the tables hold."""

    def __init__(self, engine: sa.Engine, settings: object, rng: random.Random) -> None:
        self.engine, self.settings, self.rng = engine, settings, rng
        self.users = ("ann@example.com", "bob@example.com")
        for email in self.users:
            add_member(engine, email, UserRole.ADMIN)

        self.fresh()
        self.keys = {email: add_key(engine, KeyWish(email, "own"), ROOT, NOW) for email in self.users}

    def fresh(self):
        """Give both users a session again."""
        self.tokens = {email: signed_in(self.engine, self.settings, email) for email in self.users}

    def secret(self):
        return "".join(self.rng.choices(ALPHABET, k=43))

    def own(self, way, email="ann@example.com"):
        """Return a true text for the way in."""
        tokens = self.tokens[email]
        return {
            "access": tokens.access,
            "refresh": tokens.refresh,
            "logout": tokens.access,
            "key": self.keys[email].text,
        }[way]

    def false(self, kind, way):
        """Return (text, moment) of this kind for this way in."""
        text = self.own(way)
        return getattr(self, kind.replace(" ", "_"))(way, text)

    def noise(self, way, text):
        length = self.rng.choice([0, 1, 43, 200, 20_000])
        return "".join(self.rng.choices([*string.printable, "\0", "é", "\ud800", "٣"], k=length)), NOW

    def forged(self, way, text):
        """A true id, or none, with a secret of its own making."""
        key_id = self.rng.choice([text.split(self._mark(way))[1], uuid4().hex])
        made = {
            "key": f"aipro_{key_id}_{self.secret()}",
            "refresh": f"aipro_r.{key_id}.{self.secret()}.{self.secret()}",
        }
        return made.get(way, f"aipro_a.{key_id}.{self.secret()}"), NOW

    def changed(self, way, text):
        """One character other, more or less; letters of the other case; a blank or a line's end about it."""
        place = self.rng.randrange(len(text))
        other = self.rng.choice([char for char in ALPHABET + ". \n\0" if char != text[place]])
        end = self.rng.choice(["", other])
        made = [text[:place] + other + text[place + 1 :], text[:-1] + end if end != text[-1] else text + "A",
                text + other, text[1:], text.upper(), f" {text}", f"{text}\n", f"Bearer {text}"]  # fmt: skip
        return self.rng.choice(made), NOW

    def expired(self, way, text):
        if way == "key":
            wish = KeyWish("ann@example.com", "short", (), None, NOW + MINUTE)
            return add_key(self.engine, wish, ROOT, NOW).text, NOW + self.rng.choice([1, 9, 9999]) * MINUTE
        if way == "logout":  # to log out is allowed later: what has no session is not
            return self.ended(way, text)
        late = 15 * MINUTE if way == "access" else 14 * DAY
        return text, NOW + late + self.rng.choice([timedelta(0), MINUTE, 400 * DAY])

    def used_up(self, way, text):
        """An earlier pair of a session whose refresh token was turned since."""
        if way == "key":
            return self.ended(way, text)
        self.tokens["ann@example.com"] = old = signed_in(self.engine, self.settings, "ann@example.com")
        self.tokens["ann@example.com"] = refresh(self.engine, self.settings, old.refresh, HERE, None, NOW)
        return {"refresh": old.refresh, "logout": self.rng.choice([old.access, old.refresh])}.get(way, old.access), NOW

    def foreign(self, way, text):
        """Ann's id with Bob's secret, or part of it."""
        other = self.own(way, "bob@example.com")
        mark = self._mark(way)
        mine, theirs = text.split(mark, 2 if way == "key" else -1), other.split(mark, 2 if way == "key" else -1)
        places = [place for place in range(len(mine)) if mine[place] != theirs[place]]
        taken = self.rng.sample(places, self.rng.randrange(1, len(places)))
        return mark.join(theirs[place] if place in taken else mine[place] for place in range(len(mine))), NOW

    def swapped(self, way, text):
        """A true text of another kind."""
        others = [self.own(other) for other in ("access", "refresh", "key") if other != way]
        if way == "logout":
            others = [self.own("key")]
        return self.rng.choice(others), NOW

    def stored_hash(self, way, text):
        """What somebody who read the tables could present."""
        with self.engine.connect() as connection:
            column, key_id = (ApiKey.key_hash, ApiKey.id) if way == "key" else (UserSession.token_hash, UserSession.id)
            stored, found = connection.execute(sa.select(column, key_id)).first()
        part = self.rng.choice([stored, *stored.split("."), digest(stored)])
        made = {"key": f"aipro_{found.hex}_{part}", "refresh": f"aipro_r.{found.hex}.{part}.{part}"}
        return self.rng.choice([made.get(way, f"aipro_a.{found.hex}.{part}"), stored, part]), NOW

    def ended(self, way, text):
        if way == "key":
            issued = add_key(self.engine, KeyWish("ann@example.com", "gone"), ROOT, NOW)
            revoke_key(self.engine, issued.stored.id.hex, ROOT, NOW)
            return issued.text, NOW
        gone = signed_in(self.engine, self.settings, "ann@example.com")
        logout(self.engine, self.rng.choice([gone.access, gone.refresh]), NOW)
        return gone.refresh if way == "refresh" else gone.access, NOW

    def disabled(self, way, text):
        """A session from before its user was disabled and enabled again; a key meanwhile."""
        change = Change("ann@example.com", ROOT, NOW)
        disable(self.engine, change)
        if way != "key":
            enable(self.engine, change)
        return text, NOW

    def zero(self, way, text):
        """A true text with a zero byte, a line's end or an unseen character in it."""
        place = self.rng.randrange(len(text) + 1)
        return text[:place] + self.rng.choice(["\0", "\u200b", "\r\n", "%00", "\ufeff"]) + text[place:], NOW

    @staticmethod
    def _mark(way):
        return "_" if way == "key" else "."


def attempts(rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    ways = ("access", "refresh", "key", "logout")
    for number in range(count):
        yield KINDS[number % len(KINDS)], ways[(number // len(KINDS)) % len(ways)] if number < 44 else rng.choice(ways)


def test_no_forged_expired_used_or_foreign_token_or_key_is_let_in(engine, database_settings, monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    rng = random.Random(20261126)
    door, forger, tried = Door(engine, database_settings), Forger(engine, database_settings, rng), Counter()
    for number, (kind, way) in enumerate(attempts(rng, ATTEMPTS)):
        text, now = forger.false(kind, way)
        with pytest.raises(AccessError):
            door.ways[way](text, now)
        tried[kind, way] += 1
        if kind == "disabled":
            enable(engine, Change("ann@example.com", ROOT, NOW))
        # who knows a family's secret and shows another turn of it held an earlier token: that ends the session
        if kind == "disabled" or (kind, way) == ("used up", "refresh") or (kind, way) in TAMPERED:
            forger.fresh()
        email = forger.users[number % 10 == 0]  # and no attack shut out who belongs
        assert door.access(forger.own("access", email)).email == email
        assert door.key(forger.own("key", email)).email == email
    assert sum(tried.values()) == ATTEMPTS
    assert len(tried) == 44
    print(f"{ATTEMPTS} attempts, none let in:", dict(sorted(Counter(kind for kind, _ in tried.elements()).items())))
