"""Sessions and money over HTTP: who logs in, what is theirs, and that a bet is placed once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from aipro_ml.enums import UserRole
from aipro_ml.jobs.accounts import NewUser, add_user
from aipro_ml.jobs.bank import verify
from tests.fixtures_api import BY, NOW, World

PASSWORD = "seven quiet herons by the weir"


@pytest.fixture
def ann(world: World) -> dict:
    """The tokens of a user who logged in."""
    add_user(world.engine, NewUser("ann@example.com", PASSWORD, None, UserRole.PRO_USER), BY, NOW)
    return login(world).json()


def login(world: World, password: str = PASSWORD, email: str = "ann@example.com"):
    return world.client.post("/v1/login", json={"email": email, "password": password})


def bearer(tokens: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def place(world: World, key: str, number: int, idempotency: str | None = None, **more):
    headers = {"X-API-Key": key} | ({} if idempotency is None else {"Idempotency-Key": idempotency})
    return world.client.post("/v1/bets", json={"prediction": str(world.slate[number].id), **more}, headers=headers)


def test_a_session_begins_goes_on_and_ends(world, ann):
    told = world.client.get("/v1/me", headers=bearer(ann))
    assert (told.json()["email"], told.json()["role"]) == ("ann@example.com", "pro_user")
    assert told.headers["cache-control"] == "no-store"
    following = world.client.post("/v1/refresh", json={"refresh_token": ann["refresh_token"]}).json()
    assert world.client.get("/v1/me", headers=bearer(following)).status_code == 200
    assert world.client.post("/v1/logout", headers=bearer(following)).status_code == 204
    assert world.client.get("/v1/me", headers=bearer(following)).status_code == 401
    assert world.client.post("/v1/refresh", json={"refresh_token": following["refresh_token"]}).status_code == 401


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(world, ann):
    answers = [login(world, "wrong"), login(world, "wrong", "nobody@example.com"), login(world, "wrong", "no address")]
    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert told[0] == told[1] == told[2]
    assert not any(PASSWORD in answer.text or "wrong" in answer.text for answer in answers)


def test_refreshes_and_logins_of_one_address_are_heard_ten_times_a_minute(world):
    statuses = [login(world, "", "a@example.com").status_code for _ in range(12)]
    assert statuses == [422] * 12  # not heard: nothing was tried
    answers = [world.client.post("/v1/refresh", json={"refresh_token": "x"}) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    for _ in range(10):
        world.client.app.state.house.rates.spend(10, "login", "-")
    assert login(world).status_code == 429


def test_nobody_sees_another_ones_money(world):
    mine, theirs = world.key(UserRole.USER), world.key(UserRole.PRO_USER)
    bet = place(world, mine, 3, stake="10.00").json()
    assert world.get(f"/v1/bets/{bet['id']}", mine).status_code == 200
    assert world.get(f"/v1/bets/{bet['id']}", theirs).status_code == 404
    assert world.get("/v1/bets", theirs).json()["items"] == []
    assert world.get("/v1/bankroll", theirs).json()["balance"] == "1000.00"
    assert world.get("/v1/bankroll", world.key(UserRole.ADMIN)).json()["balance"] == "1000.00"


def test_a_bet_is_placed_from_a_prediction_and_written_down_with_its_caller(world):
    key = world.key()
    answer = place(world, key, 3, stake="25.50")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["stake"], told["odds"], told["result"]) == ("25.50", 100, "pending")
    assert world.get(answer.headers["location"], key).json() == told
    bank = world.get("/v1/bankroll", key).json()
    assert (bank["balance"], bank["at_stake"], bank["open"]) == ("974.50", "25.50", 1)
    (moved, opened) = world.get("/v1/bankroll/movements", key).json()["items"]
    assert (moved["amount"], moved["bet_id"], opened["type"]) == ("-25.50", told["id"], "deposit")
    with world.engine.connect() as connection:
        statement = "SELECT user_id, user_agent FROM audit_logs WHERE action = 'bet.place'"
        ((user, agent),) = connection.exec_driver_sql(statement).all()
    assert (user is not None, agent) == (True, "testclient")


def test_the_same_key_places_one_bet_however_often_it_is_asked(world):
    key = world.key(UserRole.USER, per_minute=100)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: place(world, key, 3, "one-word-of-mine", stake="10"), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert place(world, key, 4, "one-word-of-mine", stake="10").status_code == 409
    assert place(world, key, 3, "one-word-of-mine", stake="11").status_code == 409
    assert place(world, world.key(UserRole.PRO_USER), 3, "one-word-of-mine", stake="10").status_code == 201
    assert world.get("/v1/bankroll", key).json()["balance"] == "990.00"
    assert verify(world.engine)[1] == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"stake": "600"}, 409),
        ({"stake": "10.001"}, 422),
        ({"stake": 10}, 422),
        ({"stake": "-10"}, 422),
        ({"odds": 50, "stake": "10"}, 422),
        ({"odds": -400, "stake": "10"}, 409),
        ({"book": "corner shop"}, 422),
        ({"again": 1}, 422),
        ({"user": "other@example.com"}, 422),
    ],
)
def test_a_bet_that_is_not_one_moves_nothing(world, more, status):
    key = world.key()
    answer = place(world, key, 3, **more)
    assert answer.status_code == status, answer.text
    assert world.get("/v1/bankroll", key).json()["balance"] == "1000.00"


def test_a_shadow_is_not_bet_on_by_those_who_may_not_see_it(world):
    wish = {"prediction": str(world.shadows[0].id), "stake": "10"}
    for role, status in ((UserRole.USER, 404), (UserRole.ADMIN, 201)):
        answer = world.client.post("/v1/bets", json=wish, headers={"X-API-Key": world.key(role)})
        assert answer.status_code == status


def test_a_key_without_the_permission_places_nothing(world):
    assert place(world, world.key(UserRole.USER, "bank:read"), 3, stake="10").status_code == 403


def test_no_secret_comes_into_the_log(world, ann, caplog):
    caplog.set_level("DEBUG", logger="aipro_ml")
    key = world.key()
    world.get("/v1/predictions", key)
    world.client.get("/v1/me", headers=bearer(ann))
    login(world, PASSWORD + "x")
    world.client.post("/v1/refresh", json={"refresh_token": ann["refresh_token"]})
    told = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "/v1/refresh" in told
    assert not any(secret in told for secret in (key, key[-43:], PASSWORD, *ann.values()) if len(secret) > 30)
