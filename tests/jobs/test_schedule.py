"""What runs by the clock: once however often it was missed, in its own zone, by one process, again where it died."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from aipro_ml.db.locks import tried
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.jobs.schedule import DueRequest, add_task, list_tasks, night_at, remove_task, run_due, switch_task
from tests.fixtures_commands import Aipro, use
from tests.fixtures_platform import Platform

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
PLAN = 'timezone: America/New_York\ntasks: {nightly: "0 6 * * *", watch: "*/15 * * * *"}\n'


@pytest.fixture
def platform(database_settings):
    database_settings.home.mkdir(parents=True, exist_ok=True)
    (database_settings.home / "nightly.yaml").write_text(PLAN)
    platform = Platform(database_settings)
    list_tasks(platform.settings, START)
    yield platform
    platform.close()


class Diary:
    """Acts that write down what they were called for."""

    def __init__(self, fails=()):
        self.fails, self.called = fails, []

    def acts(self):
        from aipro_ml.jobs.schedule import KINDS

        return dict.fromkeys(KINDS, self._act)

    def _act(self, settings, plan, due):
        self.called.append((due.kind, due.sports, due.slot))
        if due.kind in self.fails:
            raise AiproError("no luck")
        return "fine"


def due(platform, now, diary):
    return run_due(platform.settings, DueRequest(lambda: now, diary.acts()))


def row(platform, name, now=START):
    return next(each for each in list_tasks(platform.settings, now) if each["task"] == name)


def test_nothing_runs_before_its_time_and_a_slot_runs_once(platform):
    diary = Diary()
    assert due(platform, START, diary) == []
    later = START + timedelta(minutes=20)
    assert [report.name for report in due(platform, later, diary)] == ["watch"]
    assert due(platform, later, diary) == []
    assert diary.called == [("watch", (), START + timedelta(minutes=15))]


def test_what_was_missed_for_days_is_made_up_once_for_its_latest_slot(platform):
    diary = Diary()
    due(platform, START + timedelta(days=4), diary)
    assert diary.called == [
        ("nightly", (), datetime(2026, 3, 9, 10, tzinfo=UTC)),  # 06:00 EDT: the clock changed on the 8th
        ("watch", (), START + timedelta(days=4)),
    ]
    assert row(platform, "nightly")["next (UTC)"] == datetime(2026, 3, 10, 10, tzinfo=UTC)


def test_a_task_that_fails_says_so_raises_an_alert_and_stops_no_other(platform):
    diary = Diary(fails=("nightly",))
    reports = due(platform, START + timedelta(days=1), diary)
    assert [(report.name, report.state) for report in reports] == [("nightly", "failed"), ("watch", "done")]
    assert row(platform, "nightly")["error"] == "no luck"
    assert platform.one("SELECT message FROM alerts") == "task nightly: no luck"
    due(platform, START + timedelta(days=2), Diary())
    assert (row(platform, "nightly")["status"], row(platform, "nightly")["error"]) == ("idle", None)


def test_a_task_that_meets_an_error_nobody_foresaw_fails_likewise(platform):
    class Full(Diary):
        def _act(self, settings, plan, due):
            if due.kind == "nightly":
                raise OSError(28, "No space left on device")
            return super()._act(settings, plan, due)

    reports = due(platform, START + timedelta(days=1), Full())
    assert [(report.name, report.state) for report in reports] == [("nightly", "failed"), ("watch", "done")]
    assert "No space left on device" in row(platform, "nightly")["error"]
    assert "No space left" in platform.one("SELECT message FROM alerts")


def test_a_task_that_lost_the_database_stays_due(platform):
    class Lost(Diary):
        def _act(self, settings, plan, due):
            raise psycopg.OperationalError("the connection was lost")

    later, diary = START + timedelta(minutes=20), Diary()
    with pytest.raises(psycopg.OperationalError):
        due(platform, later, Lost())
    due(platform, later, diary)
    assert [kind for kind, _, _ in diary.called] == ["watch"]


def test_a_task_that_died_in_the_middle_is_run_again_for_the_same_slot(platform):
    class KilledError(BaseException):
        pass

    class Dying(Diary):
        def _act(self, settings, plan, due):
            super()._act(settings, plan, due)
            raise KilledError

    later, first, second = START + timedelta(minutes=20), Dying(), Diary()
    with pytest.raises(KilledError):
        due(platform, later, first)
    assert row(platform, "watch")["status"] == "running"
    due(platform, later + timedelta(minutes=5), second)
    assert second.called == first.called
    assert row(platform, "watch")["status"] == "idle"


def test_a_task_another_process_is_at_is_left_to_it(platform):
    diary, later = Diary(), START + timedelta(minutes=20)
    with tried(platform.engine, "task watch"):
        assert [report.state for report in due(platform, later, diary)] == ["busy"]
    assert diary.called == []
    assert [report.state for report in due(platform, later, diary)] == ["done"]


def test_what_a_task_missed_while_it_was_off_is_not_made_up(platform):
    diary, later = Diary(), START + timedelta(days=3)
    switch_task(platform.settings, "watch", START, on=False)
    due(platform, later, diary)
    assert [kind for kind, _, _ in diary.called] == ["nightly"]
    on = switch_task(platform.settings, "watch", later + timedelta(minutes=1), on=True)
    assert on.next_run == later + timedelta(minutes=15)


def test_a_task_of_a_sport_runs_in_the_zone_of_its_sport(platform):
    added = add_task(platform.settings, "nightly:EPL", "0 6 * * *", START)
    assert added.next_run == datetime(2026, 3, 6, 6, tzinfo=UTC)
    assert row(platform, "nightly:EPL")["zone"] == "Europe/London"
    diary = Diary()
    due(platform, datetime(2026, 3, 6, 6, 1, tzinfo=UTC), diary)
    assert ("nightly", ("EPL",), datetime(2026, 3, 6, 6, tzinfo=UTC)) in diary.called
    zoned = add_task(platform.settings, "nightly:EPL", "CRON_TZ=Asia/Tokyo 0 6 * * *", START)
    assert zoned.next_run == datetime(2026, 3, 5, 21, tzinfo=UTC)
    remove_task(platform.settings, "nightly:EPL")
    with pytest.raises(UsageError, match="no task 'nightly:EPL'"):
        remove_task(platform.settings, "nightly:EPL")


def test_the_plan_changes_the_time_of_its_own_tasks(platform):
    place = platform.settings.home / "later.yaml"
    place.write_text(PLAN.replace("0 6 * * *", "0 7 * * *"))
    platform.settings = platform.settings.model_copy(update={"nightly": place})
    assert row(platform, "nightly")["next (UTC)"] == datetime(2026, 3, 6, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="stands in the plan"):
        add_task(platform.settings, "nightly", "0 8 * * *", START)


@pytest.mark.parametrize(
    ("name", "cron", "said"),
    [
        *(
            ("dinner", "0 6 * * *", "no task 'dinner'"),
            ("nightly:XYZ", "0 6 * * *", "XYZ"),
            ("odds:NFL", "soon", "cron"),
        ),
        *(("odds:NFL", "* * * * * *", "a field too many"), ("odds:NFL", "0 0 30 2 *", "cron")),
    ],
)
def test_a_task_nobody_knows_is_refused(platform, name, cron, said):
    with pytest.raises(AiproError, match=said):
        add_task(platform.settings, name, cron, START)


def test_the_latest_night_is_its_slot_and_the_lead(platform):
    assert night_at(platform.settings, START) == datetime(2026, 3, 5, 11, 10, tzinfo=UTC)
    assert night_at(platform.settings, datetime(2026, 3, 5, 10, 59, tzinfo=UTC)).day == 4
    assert night_at(platform.settings, START, begin_now=True) == START


def test_the_commands_list_and_switch(aipro: Aipro, monkeypatch, platform):
    use(monkeypatch, platform)
    assert "nightly" in aipro("schedule list").out
    assert aipro("schedule disable nightly").out == "nightly is off\n"
    assert aipro("schedule enable nightly").out.startswith("nightly is on, due next at ")
    assert aipro("schedule enable dinner").code == 2
    assert aipro("schedule run-due --now 2026-03-05T12:01:00Z").out == "nothing is due\n"


def test_a_plan_that_names_only_its_sources_keeps_the_shipped_tasks(platform):
    place = platform.settings.home / "sources.yaml"
    place.write_text('sources: [{source: nflverse, places: ["/data/games.csv"]}]\n')
    platform.settings = platform.settings.model_copy(update={"nightly": place})
    assert {"nightly", "watch", "backup", "retrain"} <= {each["task"] for each in list_tasks(platform.settings, START)}
    assert switch_task(platform.settings, "retrain", START, on=False).is_enabled is False
