"""What requests of The Odds API cost and what is left."""

import pytest

from aipro_ml.errors import UsageError
from aipro_ml.sources.odds_api_quota import Quota, plan_cost, quota


@pytest.mark.parametrize(
    ("markets", "regions", "snapshots", "historical", "cost"),
    [
        (["h2h"], ["us"], 1, False, 1),
        (["h2h", "spreads", "totals"], ["us", "uk"], 1, False, 6),
        (["h2h"], ["us"], 1, True, 10),
        (["h2h", "spreads", "totals"], ["us"], 24, True, 720),
        (["h2h", "h2h"], ["us", "us"], 2, False, 2),
    ],
)
def test_a_plan_costs_markets_times_regions_and_ten_times_that_for_history(
    markets, regions, snapshots, historical, cost
):
    assert plan_cost(markets, regions, snapshots, historical=historical) == cost


@pytest.mark.parametrize(("markets", "regions", "snapshots"), [([], ["us"], 1), (["h2h"], [], 1), (["h2h"], ["us"], 0)])
def test_a_plan_of_nothing_is_a_usage_error(markets, regions, snapshots):
    with pytest.raises(UsageError, match="at least one"):
        plan_cost(markets, regions, snapshots)


def test_the_headers_of_an_answer_tell_what_is_left():
    left = quota({"X-Requests-Remaining": "480.0", "x-requests-used": "20", "x-requests-last": "3"})
    assert left == Quota(remaining=480, used=20, last_cost=3)
    assert left.covers(480)
    assert not left.covers(481)


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "1.5"])
def test_a_header_that_is_no_number_tells_nothing(text):
    left = quota({"x-requests-remaining": text})
    assert left == Quota(None, None, None)
    assert left.covers(1) is None
