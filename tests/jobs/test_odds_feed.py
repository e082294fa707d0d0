"""The Odds API by key, against a local server that counts a quota."""

import json
import logging
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from aipro_ml.cli.app import app
from aipro_ml.errors import AiproError, GuardError, UsageError
from aipro_ml.jobs.fetch import Patience
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.odds_feed import FeedRequest, fetch_odds, plan_of
from tests.fixtures_platform import Platform
from tests.jobs.web import serving
from tests.sources import odds_api_files as files

NOW = datetime(2025, 10, 17, 12, 45, tzinfo=UTC)
KEY = "s3cr3t-k3y"
QUICK = Patience(attempts=2, first_wait=0.01, timeout=5)
THREE = FeedRequest("NCAAF", ("h2h", "spreads", "totals"), ("us", "eu"))


class Api:
    """Answers as The Odds API does, and counts what it costs."""

    def __init__(self, remaining=500):
        self.remaining = remaining

    def __call__(self, path, query, _call):
        if query.get("apiKey") != KEY:
            return 401, {}, json.dumps({"message": "API key is not valid"}).encode()
        if path == "/v4/sports":
            return 200, {"x-requests-remaining": str(self.remaining)}, b"[]"
        cost = len(query["markets"].split(",")) * len(query["regions"].split(","))
        past = "/historical/" in path
        self.remaining -= cost * (10 if past else 1)
        body = files.wrapper(query["date"], files.event()) if past else files.answer(files.event(), files.other_event())
        return 200, {"x-requests-remaining": str(self.remaining), "x-requests-last": str(cost)}, body


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def web(api):
    with serving(api) as opened:
        yield opened


@pytest.fixture
def platform(database_settings, web):
    told = {"odds_api_key": SecretStr(KEY), "odds_api_url": web.address}
    opened = Platform(database_settings.model_copy(update=told))
    yield opened
    opened.close()


def bring(platform, request, now=NOW):
    plan = plan_of(platform.settings, request, QUICK)
    return fetch_odds(platform.settings, request, plan, ImportOptions(now), QUICK)


def test_the_cost_is_known_before_anything_is_spent(platform, api):
    plan = plan_of(platform.settings, THREE, QUICK)
    assert (plan.requests, plan.cost, plan.remaining) == (1, 6, 500)
    assert api.remaining == 500


def test_live_odds_land_as_known_from_the_fetch_on(platform, api):
    (report,), left = bring(platform, THREE)
    assert (report.games_inserted, report.quotes, left) == (2, 12, 494)
    seen = {row["known_at"] for row in platform.rows("SELECT known_at FROM game_revisions")}
    assert seen == {NOW.replace(tzinfo=None)}
    assert {row["recorded_at"] for row in platform.rows("SELECT recorded_at FROM odds")} == seen
    (kept,) = platform.settings.raw_dir.iterdir()
    assert json.loads(kept.read_bytes())[0]["id"] == files.MIAMI


def test_snapshots_of_the_past_cost_ten_times_and_are_imports_of_their_own(platform):
    request = FeedRequest("NCAAF", ("h2h",), ("us",), ("2025-10-16T12:00:00Z", "2025-10-16T18:00:00Z"))
    reports, left = bring(platform, request)
    assert request.cost == 20
    assert (len(reports), left) == (2, 480)
    assert [report.games_inserted for report in reports] == [1, 0]


def test_a_plan_the_quota_does_not_cover_is_refused_and_spends_nothing(platform, api, web):
    api.remaining = 5
    with pytest.raises(GuardError, match="costs 6 and 5 are left"):
        bring(platform, THREE)
    assert [path for path, _ in web.asked] == ["/v4/sports"]


def test_a_wrong_key_is_told_without_the_key(platform, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = platform.settings.model_copy(update={"odds_api_key": SecretStr("wr0ng")})
    with pytest.raises(AiproError, match="is the key right") as refused:
        plan_of(wrong, THREE, QUICK)
    assert "wr0ng" not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (FeedRequest("CRICKET", ("h2h",), ("us",)), "no CRICKET"),
        (FeedRequest("NFL", ("props",), ("us",)), "unknown market 'props'"),
        (FeedRequest("NFL", (), ("us",)), "at least one market"),
        (FeedRequest("NFL", ("h2h",), ("us",), ("yesterday",)), "--at"),
    ],
)
def test_a_wrong_request_is_refused_before_the_api_is_asked(platform, web, request_, said):
    with pytest.raises(UsageError, match=said):
        bring(platform, request_)
    assert [path for path, _ in web.asked if "odds" in path] == []


def test_without_a_key_the_setting_is_named(database_settings):
    with pytest.raises(UsageError, match="AIPRO_ODDS_API_KEY"):
        plan_of(database_settings.model_copy(update={"odds_api_key": None}), THREE)


def test_the_command_shows_the_plan_and_ends_with_exit_code_3_where_it_is_not_covered(web, api, monkeypatch, tmp_path):
    for name, value in {
        "AIPRO_ODDS_API_KEY": KEY,
        "AIPRO_ODDS_API_URL": web.address,
        "AIPRO_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(app, ["data", "fetch", "--sport", "NCAAF", "--plan"])
    assert (shown.exit_code, "cost 3; left 500" in shown.output) == (0, True)
    api.remaining = 1
    refused = CliRunner().invoke(app, ["data", "fetch", "--sport", "NCAAF"])
    assert isinstance(refused.exception, GuardError)
    assert refused.exception.exit_code == 3
    assert KEY not in shown.output + refused.output
