from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from aipro_ml.errors import UsageError
from aipro_ml.jobs.schedule_times import latest_slot, next_slot, split_zone

NEW_YORK = "America/New_York"


def slots(expression, zone, since, until):
    found = [next_slot(expression, zone, since)]
    while found[-1] <= until:
        found.append(next_slot(expression, zone, found[-1]))
    return found


def test_a_nightly_comes_once_a_local_day_at_the_same_local_hour_all_year():
    year = slots("0 6 * * *", NEW_YORK, datetime(2025, 12, 31, 12, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert len(year) == 365
    assert {slot.hour for slot in year} == {10, 11}
    assert (year[66], year[67]) == (datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 3, 9, 10, tzinfo=UTC))


@pytest.mark.parametrize("expression", ["30 2 * * *", "30 1 * * *", "0 6 * * 2", "15 */6 1 * *"])
def test_the_slot_before_a_moment_is_the_one_that_came_after_the_slot_before_it(expression):
    for zone in (NEW_YORK, "Europe/London", "Australia/Lord_Howe", "UTC"):
        found = slots(expression, zone, datetime(2025, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        for one, following in pairwise(found):
            assert latest_slot(expression, zone, one) == one
            assert latest_slot(expression, zone, following - timedelta(minutes=1)) == one


def test_an_hour_the_clock_skips_is_made_up_and_one_that_comes_twice_counts_once():
    skipped = next_slot("30 2 * * *", NEW_YORK, datetime(2026, 3, 8, 1, tzinfo=UTC))
    assert skipped == datetime(2026, 3, 8, 7, tzinfo=UTC)  # 02:30 does not exist; 03:00 EDT
    twice = slots("30 1 * * *", NEW_YORK, datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert twice[0] == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert twice[1] == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


def test_a_task_may_name_its_own_zone():
    assert str(split_zone("CRON_TZ=Europe/London 0 9 * * *", NEW_YORK)[1]) == "Europe/London"
    assert next_slot("CRON_TZ=UTC 0 9 * * *", NEW_YORK, datetime(2026, 1, 1, tzinfo=UTC)).hour == 9


@pytest.mark.parametrize(
    ("expression", "zone", "said"),
    [
        ("61 * * * *", "UTC", "no cron expression"),
        ("every night", "UTC", "no cron expression"),
        ("0 0 31 2 *", "UTC", "no cron expression"),
        ("0 6 * * *", "Mars/Olympus", "no time zone"),
        ("CRON_TZ=../etc 0 6 * * *", "UTC", "no time zone"),
    ],
)
def test_what_is_no_schedule_is_said_in_one_sentence(expression, zone, said):
    with pytest.raises(UsageError, match=said):
        split_zone(expression, zone)
