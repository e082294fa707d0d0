"""Nights that are killed, run by several at once or lose their database end with the database of a whole one.

What no two runs have alike stands in `tests.fixtures_nightly.LEFT_OUT`; everything else must be equal.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from aipro_ml.config import Settings
from aipro_ml.db import backup as archive
from aipro_ml.db.engine import server as embedded_server
from aipro_ml.errors import NightInterruptedError
from aipro_ml.jobs import database
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.listings import verify_ledger
from aipro_ml.jobs.predict import predict
from tests.fixtures_nightly import differing, dump, night, planned
from tests.fixtures_platform import (
    NOW,
    SPORT,
    Platform,
    Template,
    open_week_request,
    past_week_request,
    stop_ledger_clock,
)
from tests.jobs.nflverse_file import as_csv, season_rows
from tests.soak import size

pytestmark = pytest.mark.usefixtures("untagged")

WROTE, IDLE, LOST, BROKEN = 0, 3, 2, 70


@pytest.fixture(scope="module")
def played_template(server, trained_template, tmp_path_factory) -> Iterator[Template]:
    """The trained league with a played week predicted and not yet graded."""
    with server.database(trained_template.database) as name:
        platform = Platform(server.settings(tmp_path_factory.mktemp("played"), name))
        platform.settings = platform.settings.model_copy(update={"artifacts": trained_template.artifacts})
        predict(platform.engine, platform.settings, past_week_request())
        platform.close()
        yield Template(name, trained_template.artifacts)


@pytest.fixture(scope="module")
def games_file(tmp_path_factory):
    """A file of another sport's games for the night to import."""
    place = tmp_path_factory.mktemp("source") / "games.csv"
    place.write_bytes(as_csv(season_rows()))
    return place


@contextmanager
def clone(server, template, home, games_file=None) -> Iterator[Platform]:
    """Yield a clone of the template with a home and a plan of its own."""
    home.mkdir(parents=True, exist_ok=True)
    with server.database(template.database) as name:
        settings = server.settings(home, name).model_copy(update={"artifacts": template.artifacts})
        platform = Platform(settings)
        planned(platform, "" if games_file is None else _source(games_file))
        yield platform
        platform.close()


def _source(place) -> str:
    return f"sports: [{SPORT}]\nsources: [{{source: nflverse, places: ['{place}']}}]\n"


def forked(act: Callable[[], int]) -> int:
    """Begin `act` in a child of this process, which ends with what it returns; return the child's pid."""
    pid = os.fork()
    if pid:
        return pid
    code = BROKEN
    try:
        code = act()
    finally:
        os._exit(code)  # nothing of the child may run on in pytest


def ended(pid: int) -> int | None:
    """Wait for a child; return its exit code, None where it was killed."""
    _, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def test_a_night_killed_at_any_moment_is_finished_by_the_next_to_the_same_database(
    server, played_template, games_file, tmp_path
):
    with clone(server, played_template, tmp_path / "whole", games_file) as platform:
        began = time.monotonic()
        assert night(platform).failures == []
        takes, whole = time.monotonic() - began, dump(platform.engine)
    assert whole["prediction_results"]
    chance, killed = random.Random(40), 0
    trials = size(3, 40)
    for trial in range(trials):
        with clone(server, played_template, tmp_path / str(trial), games_file) as platform:
            pid = forked(lambda here=platform: _code(night(Platform(here.settings))))
            time.sleep(takes * (trial + chance.random()) / trials)
            os.kill(pid, signal.SIGKILL)
            killed += ended(pid) is None
            report = night(platform)
            assert report.failures == []
            assert differing(whole, dump(platform.engine)) == []
    assert killed


def _code(report) -> int:
    return WROTE if report.written else IDLE


class _Countdown:
    """Kills this process once the database was called for the n-th time: a statement, a COPY or a commit."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def begin(self) -> None:
        for kind, name in ((psycopg.Cursor, "execute"), (psycopg.Connection, "commit")):
            setattr(kind, name, self._counted(getattr(kind, name)))
        whole = psycopg.Cursor.copy

        @contextmanager
        def copy(*given, **named):
            with whole(*given, **named) as opened:
                yield opened
            self.step()

        psycopg.Cursor.copy = copy

    def _counted(self, whole):
        def call(*given, **named):
            result = whole(*given, **named)
            self.step()
            return result

        return call


@pytest.mark.parametrize(("work", "stride"), [("predict", 25), ("grade", 7)])
def test_killed_at_any_statement_all_of_a_unit_stands_or_nothing(server, played_template, tmp_path, work, stride):
    acts = {
        "predict": lambda here: predict(here.engine, here.settings, open_week_request()),
        "grade": lambda here: grade_sport(here.engine, SPORT, NOW),
    }
    act = acts[work]
    with clone(server, played_template, tmp_path / "whole") as platform:
        act(platform)
        whole = dump(platform.engine)
    with clone(server, played_template, tmp_path / work) as platform:
        before = dump(platform.engine)
        assert differing(before, whole)
        platform.close()
        del platform.engine
        call, killed = 1, 0
        while True:
            pid = forked(lambda n=call, here=platform: _killed_at(n, act, here.settings))
            if ended(pid) is not None:
                break  # it came to its end before the call
            killed += 1
            now = dump(platform.engine)
            assert now in (before, whole), differing(whole, now)
            if now == whole:
                break  # killed after its commit: from here on there is nothing to do
            call += size(stride, 1)
        act(platform)
        assert differing(whole, dump(platform.engine)) == []
    print(f"{work}: killed at {killed} boundaries, the last call {call}")
    assert killed > 1


def _killed_at(call: int, act: Callable[[Platform], object], settings: Settings) -> int:
    _Countdown(call).begin()
    act(Platform(settings))
    return WROTE


def test_of_four_nights_at_once_exactly_one_writes(server, played_template, tmp_path):
    with clone(server, played_template, tmp_path / "home") as platform:
        night(platform)
        for number in range(size(2, 50)):
            as_of = NOW + timedelta(minutes=number + 1)
            act = lambda moment=as_of, here=platform: _code(night(Platform(here.settings), moment))  # noqa: E731
            children = [forked(act) for _ in range(4)]
            codes = sorted(str(ended(pid)) for pid in children)
            assert codes == [str(WROTE)] + [str(IDLE)] * 3
            assert platform.one("SELECT count(*) FROM fact_prediction_runs WHERE as_of = :at", at=_naive(as_of)) == 1


def _naive(moment):
    return moment.replace(tzinfo=None)


def test_a_whole_home_is_restored_and_a_night_of_it_survives_a_server_that_is_shot(
    server, played_template, open_folder, tmp_path
):
    """A backup and the artifacts make a home of its own; there the server is stopped in the middle of nights."""
    trials = size(1, 20)
    nights = [NOW + timedelta(minutes=number) for number in range(trials + 1)]
    home = open_folder / "restored"
    with clone(server, played_template, tmp_path / "home") as platform:
        night(platform)
        owner = platform.owner()
        archive.backup(owner, tmp_path / "night.backup")
        owner.dispose()
        began = time.monotonic()
        for as_of in nights[1:]:
            night(platform, as_of)
        takes, whole = (time.monotonic() - began) / trials, dump(platform.engine)
    shutil.copytree(played_template.artifacts, home / "artifacts")
    settings = Settings(home=home, artifacts=home / "artifacts", database_url=None, pool_size=5)
    restored = Platform(settings)
    planned(restored)
    try:
        database.restore(settings, tmp_path / "night.backup")
        stop_ledger_clock(restored, NOW)
        rows, _, faults = verify_ledger(settings, None)
        assert rows > 0
        assert faults == []
        assert night(restored).written == 0
        codes = [_shot(restored, as_of, takes * random.Random(str(as_of)).random()) for as_of in nights[1:]]
        print(f"recovered {codes.count(WROTE)}, ended with one line {codes.count(LOST)}")
        assert set(codes) <= {WROTE, IDLE, LOST}
        assert differing(whole, dump(restored.engine)) == []
        assert verify_ledger(settings, None)[2] == []
    finally:
        restored.close()
        database.stop(settings)


def _shot(platform: Platform, as_of, seconds: float) -> int:
    """Run a night in a child while the server is stopped without mercy; then, where it was lost, finish the night."""

    def act() -> int:
        try:
            return _code(night(Platform(platform.settings), as_of))
        except NightInterruptedError as error:
            return BROKEN if "\n" in str(error) else LOST

    pid = forked(act)
    time.sleep(seconds)
    postmaster = embedded_server(platform.settings).status().data_dir / "postmaster.pid"
    os.kill(int(postmaster.read_text().splitlines()[0]), signal.SIGQUIT)  # pg_ctl stop -m immediate
    code = ended(pid)
    assert code is not None
    night(platform, as_of)
    return code


def test_a_database_of_the_first_release_is_upgraded_with_all_its_rows(published):
    before = dump(published.engine)
    published.close()
    database.downgrade(published.settings, "0001")
    owner = published.owner()
    with owner.begin() as connection:
        connection.execute(sa.text("INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), 'a', 'b')"))
    owner.dispose()
    old = dump(published.engine)
    assert [name for name in before if before[name] != old[name]] == ["system_settings"]
    published.close()
    database.upgrade(published.settings)
    assert differing(old, dump(published.engine)) == []
    assert [line for line in database.check(published.settings) if "ledger_clock" not in line] == []
