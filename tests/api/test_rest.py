"""The read API answers what was published, to whom it may, and nothing else."""

import json

import pytest

from aipro_ml.api.rest.shapes import ExplainedPrediction, PredictionsPage
from aipro_ml.db.repositories import published
from aipro_ml.enums import UserRole
from tests.fixtures_api import COUNT, SHADOW, World, seqs

READ = (
    "/v1/predictions",
    "/v1/results",
    "/v1/performance",
    "/v1/props",
    "/v1/ledger/head",
    "/v1/bankroll",
    "/v1/bankroll/movements",
    "/v1/bets",
    "/v1/me",
)


def pages(world: World, path: str, key: str) -> list[dict]:
    """Return the items of every page."""
    items, cursor = [], None
    while True:
        more = "" if cursor is None else f"{'&' if '?' in path else '?'}cursor={cursor}"
        page = world.get(path + more, key)
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        cursor = page.json()["next"]
        if cursor is None:
            return items


def test_pages_are_the_whole_list_the_newest_first_and_without_shadows(world):
    key = world.key()
    listed = pages(world, "/v1/predictions?limit=5", key)
    assert [each["ledger"]["seq"] for each in listed] == seqs(world.engine, [each.id for each in world.slate])[::-1]
    assert len(listed) == COUNT
    assert all(each["in_production"] and each["mode"] == "live" for each in listed)
    (first, *_) = pages(world, "/v1/results?limit=1", key)[-1:]
    assert first["grade"]["result"] == "win"
    assert first["game"]["home"] == "HOM"


def test_a_page_is_to_the_byte_what_its_shape_says(world):
    odd = "clv = 1e-7, profit_loss = -1, closing_line = 'NaN', graded_at = '2030-01-04 12:00:00.000120'"
    world.run(f"UPDATE prediction_results SET {odd} WHERE prediction_id = :id", id=world.slate[0].id)
    world.run(
        "UPDATE games SET home_score = 3, away_score = 0, status = NULL WHERE id = :id", id=world.slate[0].game_id
    )
    key = world.key()
    graded, listed = (world.get(path, key).content for path in ("/v1/results", "/v1/predictions"))
    for body in (graded, listed):
        assert PredictionsPage.model_validate_json(body).model_dump_json().encode() == body
    assert {each["grade"] is None for each in json.loads(listed)["items"]} == {True, False}
    assert b'"graded_at":"2030-01-04T12:00:00.000120Z"' in graded
    one = world.get(f"/v1/predictions/{world.slate[0].id}", key).content
    assert ExplainedPrediction.model_validate_json(one).model_dump_json().encode() == one


@pytest.mark.parametrize("few", [True, False])
def test_a_compiled_statement_reads_what_sqlalchemy_itself_reads(world, few):
    compiled = published._page(few, False, False, False, frozenset({"modes", "tiers"}))
    values = {"modes": ["live"], "tiers": ["A", "B"], "seen": ["live"], "most": 5}
    with world.engine.connect() as connection:
        read = connection.execute(compiled._statement, values).mappings().all()
        assert compiled.rows(connection, values) == [dict(row) for row in read]
    assert len(read) == 5


def test_an_admin_may_see_shadows_and_a_user_may_not(world):
    refused = world.get("/v1/predictions?shadow=true", world.key())
    assert refused.status_code == 403
    shadows = pages(world, "/v1/predictions?shadow=true", world.key(UserRole.ADMIN))
    assert {each["model_id"] for each in shadows} == {str(SHADOW)}
    hidden = world.shadows[0].id
    assert world.get(f"/v1/predictions/{hidden}", world.key()).status_code == 404
    assert world.get(f"/v1/ledger/proofs/{hidden}", world.key()).status_code == 404
    assert world.get(f"/v1/predictions/{hidden}", world.key(UserRole.ADMIN)).status_code == 200


@pytest.mark.parametrize("path", READ)
def test_nobody_is_told_anything_without_a_key(world, path):
    for headers in ({}, {"X-API-Key": "aipro_nothing"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        answer = world.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_answer_that_did_not_change_is_not_sent_again(world):
    key = world.key(UserRole.PRO_USER)
    one = f"/v1/predictions/{world.slate[0].id}"
    for path in (*READ[:-1], one, "/v1/models"):
        first = world.get(path, key)
        again = world.get(path, key, **{"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
    before = world.get("/v1/results", key).headers["etag"]
    world.run("UPDATE prediction_results SET clv = 0.5 WHERE prediction_id = :id", id=world.slate[0].id)
    world.later()
    assert world.get("/v1/results", key, **{"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c + "A", lambda c: "A" * len(c), lambda c: c[::-1]])
def test_a_spoiled_cursor_is_refused(world, spoil):
    key = world.key()
    cursor = world.get("/v1/predictions?limit=5", key).json()["next"]
    assert world.get(f"/v1/predictions?limit=5&cursor={spoil(cursor)}", key).status_code == 400
    assert world.get(f"/v1/predictions?limit=5&tier=A&cursor={cursor}", key).status_code == 400
    assert world.get(f"/v1/bets?cursor={cursor}", key).status_code == 400


def test_every_error_is_a_problem_that_repeats_nothing_that_was_sent(world):
    key = world.key()
    for path, status in (
        ("/v1/predictions?limit=0", 422),
        ("/v1/predictions?sport=XYZ", 422),
        ("/v1/predictions?tires=A", 422),
        ("/v1/predictions/8420d541", 422),
        ("/v1/predictions/00000000-0000-0000-0000-000000000000", 404),
        ("/v1/nothing", 404),
        ("/v1/login", 405),
    ):
        answer = world.get(path, key)
        told = answer.json()
        assert (answer.status_code, told["status"]) == (status, status), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["request_id"] == answer.headers["x-request-id"]
    answer = world.client.post("/v1/login", json={"email": "a@example.com", "password": 12345678901234, "x": 1})
    assert answer.status_code == 422
    assert "12345678901234" not in answer.text
    large = world.client.post("/v1/login", content=b"[" + b"1," * 40_000 + b"1]")
    assert large.status_code == 413


def test_an_error_nobody_foresaw_tells_nothing(world, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("the secret of the inside")

    monkeypatch.setattr("aipro_ml.jobs.published.ledger_head", broken)
    answer = world.get("/v1/ledger/head", world.key())
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "secret" not in caplog.text


def test_every_answer_has_the_headers_of_safety(world):
    for path in ("/v1/health", "/v1/predictions", "/docs", "/nowhere"):
        headers = world.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
    assert (
        "access-control-allow-origin" not in world.client.get("/v1/health", headers={"Origin": "https://a.b"}).headers
    )


def test_a_rate_is_told_and_then_kept(world):
    key = world.key(per_minute=3)
    answers = [world.get("/v1/me", key) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["ratelimit-remaining"] for each in answers[:3]] == ["2", "1", "0"]
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert world.get("/v1/me", world.key()).status_code == 200


def test_strangers_are_heard_less_and_less(world):
    statuses = [world.get("/v1/me", f"aipro_{number:032x}_{'x' * 43}").status_code for number in range(62)]
    assert statuses == [401] * 60 + [429] * 2
    assert world.get("/v1/me", world.key()).status_code == 200


def test_a_key_that_lacks_a_permission_is_told_so(world):
    key = world.key(UserRole.USER, "ledger:read")
    assert world.get("/v1/ledger/head", key).status_code == 200
    assert world.get("/v1/predictions", key).status_code == 403
    assert world.get("/v1/health/components", key).status_code == 403
    told = world.get("/v1/health/components", world.key(UserRole.ADMIN)).json()["items"]
    assert told[0]["says"] == "12.0 GiB free"
    assert world.get("/v1/health").json()["status"] == "healthy"


def test_a_user_sees_models_of_production_only(world):
    key = world.key(UserRole.PRO_USER)
    assert [each["production"] for each in pages(world, "/v1/models?limit=1", key)] == [True]
    assert len(pages(world, "/v1/models?limit=1", world.key(UserRole.ADMIN))) == 2
    assert len(pages(world, "/v1/performance?limit=2", key)) == 5
    assert world.get(f"/v1/models/{SHADOW}", key).status_code == 404


def test_the_document_names_every_place_and_nothing_leads_outside(world):
    document = world.get("/openapi.json").json()
    assert len(document["paths"]) == 19
    for methods in document["paths"].values():
        for told in methods.values():
            assert told["description"]
            assert "500" in told["responses"] or told["operationId"].startswith("health")
    page = world.get("/docs").text
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    json.dumps(document, allow_nan=False)
