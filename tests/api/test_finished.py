"""Finished answers are given to who may have them, while they are true, and to nobody who is not let in."""

import pytest

from aipro_ml.api.rest.finished import Answers, Finished, Question
from aipro_ml.enums import UserRole
from aipro_ml.jobs.keys import revoke_key
from tests.fixtures_api import BY, NOW, SHADOW
from tests.jobs.slate import set_grade

ASKED = Question("/v1/models", b"", frozenset({"models:read"}))
SHARED = ("/v1/props", "/v1/predictions", "/v1/results?limit=5", "/v1/performance", "/v1/ledger/head", "/v1/models")
OWN = ("/v1/bankroll", "/v1/bankroll/movements", "/v1/bets", "/v1/me", "/v1/health/components")


@pytest.fixture
def ticks():
    return [0.0]


@pytest.fixture
def answers(ticks):
    kept = Answers(lambda: ticks[0], most_bytes=3000)
    kept.check(lambda: "5:5:")
    return kept


def kept_of(world):
    return world.client.app.state.house.answers._kept


def unanswered(*_, **__):
    raise RuntimeError("the database was asked")


def test_an_answer_is_found_for_as_long_as_nothing_was_committed(answers, ticks):
    answers.keep(ASKED, answers.era, Finished(b"1", "1"))
    ticks[0] = 0.9
    assert answers.find(ASKED).body == b"1"
    ticks[0] = 1.0
    assert answers.find(ASKED) is None  # the database was not asked for a second
    answers.check(lambda: "5:5:")
    assert answers.find(ASKED).body == b"1"
    answers.check(unanswered)  # within the second it is not asked again
    ticks[0] = 2.0
    answers.check(lambda: "5:6:")
    assert answers.find(ASKED) is None


def test_an_answer_that_was_read_before_a_commit_is_not_kept_after_it(answers, ticks):
    begun = answers.era
    ticks[0] = 1.0
    answers.check(lambda: "6:6:")
    answers.keep(ASKED, begun, Finished(b"1", "1"))
    assert answers.find(ASKED) is None


def test_where_the_database_does_not_answer_nothing_is_found(answers, ticks):
    answers.keep(ASKED, answers.era, Finished(b"1", "1"))
    ticks[0] = 1.0
    with pytest.raises(RuntimeError):
        answers.check(unanswered)
    assert answers.find(ASKED) is None


def test_what_nobody_asks_for_is_dropped_where_there_is_no_room(answers):
    few = [Question(f"/v1/{number}", b"", frozenset()) for number in range(4)]
    for each in few[:3]:
        answers.keep(each, answers.era, Finished(b"x" * 400, "t"))
    assert answers.find(few[0]) is not None
    answers.keep(few[3], answers.era, Finished(b"x" * 400, "t"))
    assert [answers.find(each) is not None for each in few] == [True, False, True, True]
    answers.keep(ASKED, answers.era, Finished(b"x" * 4000, "t"))  # larger than all the room there is
    assert answers.find(ASKED) is None


def test_what_was_answered_once_is_answered_again_without_asking_the_database(world, monkeypatch):
    key = world.key(UserRole.PRO_USER)
    first = {path: world.get(path, key) for path in SHARED}
    for name in ("predictions_page", "models_page", "performance_page", "ledger_head", "state"):
        monkeypatch.setattr(f"aipro_ml.jobs.published.{name}", unanswered)
    for path, answer in first.items():
        again = world.get(path, key)
        assert (again.status_code, again.content, again.headers["etag"]) == (
            200,
            answer.content,
            answer.headers["etag"],
        )
        unchanged = world.get(path, key, **{"If-None-Match": answer.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["x-frame-options"] == "DENY"
        assert int(unchanged.headers["ratelimit-remaining"]) == int(again.headers["ratelimit-remaining"]) - 1
    assert world.get("/v1/models", world.key(UserRole.ADMIN)).status_code == 500  # who may see more is not given it


def test_a_lower_role_never_gets_what_a_higher_one_was_told(world):
    admin, pro, user = world.key(UserRole.ADMIN), world.key(UserRole.PRO_USER), world.key()
    hidden = f"/v1/predictions/{world.shadows[0].id}"
    for path in ("/v1/models", hidden, "/v1/predictions?shadow=true", "/v1/predictions?mode=backfilled"):
        assert [world.get(path, admin).status_code for _ in range(2)] == [200, 200]
    assert {each["id"] for each in world.get("/v1/models", pro).json()["items"]}.isdisjoint({str(SHADOW)})
    assert [world.get(hidden, key).status_code for key in (pro, user)] == [404, 404]
    assert [world.get("/v1/predictions?shadow=true", key).status_code for key in (pro, user)] == [403, 403]
    assert world.get("/v1/predictions?mode=backfilled", user).status_code == 403
    assert world.get("/v1/models", user).status_code == 403
    assert world.get("/v1/models").status_code == 401


def test_what_is_a_persons_own_is_never_kept(world):
    key = world.key(UserRole.ADMIN)
    for path in (*OWN, *SHARED):
        assert world.get(path, key).status_code == 200
    assert {each.path for each in kept_of(world)} == {path.partition("?")[0] for path in SHARED}
    refused = ("/v1/predictions?limit=0", "/v1/predictions/00000000-0000-0000-0000-000000000000")
    assert [world.get(path, key).status_code for path in refused] == [422, 404]
    assert len(kept_of(world)) == len(SHARED)


def test_what_is_new_is_seen_after_a_second(world):
    key = world.key()
    before = world.get("/v1/results", key)
    with world.engine.begin() as connection:
        set_grade(connection, world.slate[5], "win", NOW)
    world.later(0.9)
    assert world.get("/v1/results", key).content == before.content
    world.later(0.1)
    after = world.get("/v1/results", key, **{"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.json()["items"]) == len(before.json()["items"]) + 1


def test_a_key_that_was_revoked_gets_no_finished_answer_after_five_seconds(world):
    key = world.key()
    assert world.get("/v1/predictions", key).status_code == 200
    revoke_key(world.engine, key, BY, NOW)
    world.later(4.9)
    assert world.get("/v1/predictions", key).status_code == 200
    world.later(0.1)
    assert world.get("/v1/predictions", key).status_code == 401


def test_a_rate_is_kept_for_finished_answers_too(world):
    key = world.key(per_minute=3)
    answers = [world.get("/v1/predictions", key) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[3].headers["content-type"] == "application/problem+json"
