"""The read API tells player props a page at a time, and who may not see what was published late is not told of it."""

from aipro_ml.api.rest.shapes_props import PropsPage
from aipro_ml.enums import UserRole
from tests.api.test_rest import pages
from tests.fixtures_api import KICKOFF


def test_props_come_in_pages_the_newest_first_with_side_and_result(world):
    key = world.key()
    listed = pages(world, "/v1/props?limit=1", key)
    assert [(each["projection"], each["side"], each["result"]) for each in listed] == [
        (True, "over", None),
        (False, "over", "win"),
    ]
    assert listed[1]["line"] == 54.5
    assert listed[1]["actual"] == 71.0
    assert listed[1]["game"]["home"] == "HOM"
    body = world.get("/v1/props", key).content
    assert PropsPage.model_validate_json(body).model_dump_json().encode() == body


def test_props_are_asked_for_by_sport_day_and_tier(world):
    key, day = world.key(), KICKOFF.date()
    assert [each["tier"] for each in pages(world, "/v1/props?tier=A", key)] == ["A"]
    assert len(pages(world, f"/v1/props?date={day}", key)) == 2
    assert not pages(world, f"/v1/props?date={day.replace(day=1)}", key)
    assert not pages(world, "/v1/props?sport=NBA", key)
    cursor = world.get("/v1/props?limit=1", key).json()["next"]
    assert world.get(f"/v1/props?limit=1&tier=A&cursor={cursor}", key).status_code == 400
    assert world.get("/v1/props?player=A", key).status_code == 422


def test_props_that_were_published_late_need_a_permission(world):
    late = "/v1/props?mode=backfilled"
    assert [each["line"] for each in pages(world, late, world.key(UserRole.PRO_USER))] == [3.5]
    assert world.get(late, world.key()).status_code == 403
    assert world.get("/v1/props", world.key(UserRole.USER, "ledger:read")).status_code == 403
