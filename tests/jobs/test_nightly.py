"""A night from import to grades: what it writes, that it writes it once, and what happens where a step fails."""

from datetime import timedelta

import pytest

from aipro_ml.db.locks import tried
from aipro_ml.db.repositories import nights
from aipro_ml.errors import AiproError, NightInterruptedError, StaleDataError, UnreachableError
from aipro_ml.jobs import nightly
from aipro_ml.jobs.nightly import NightRequest, State, run_night
from tests.fixtures_nightly import night, planned
from tests.fixtures_platform import NOW, SPORT

pytestmark = pytest.mark.usefixtures("untagged")


def states(report):
    return {(step.step, step.sport): step.state for step in report.steps}


def test_a_night_publishes_the_games_of_its_window_and_again_writes_nothing(trained):
    planned(trained)
    first = night(trained)
    assert first.failures == []
    steps = {step.step: step for step in first.steps}
    assert steps["predict"].written > 0
    games, published = trained.one("SELECT games_count FROM fact_prediction_runs"), steps["predict"].written
    abstained = trained.one("SELECT abstained_count FROM fact_prediction_runs")
    assert published + abstained == games * 3
    assert trained.one("SELECT mode FROM fact_prediction_runs") == "live"
    (head,) = (trained.settings.home / "ledger").iterdir()
    assert f'"rows": {published}' in head.read_text()
    before = trained.snapshot()
    again = night(trained)
    assert again.written == 0
    assert trained.snapshot() == before
    assert states(again)["predict", SPORT] is State.BEFORE
    with trained.engine.connect() as connection:
        journal = nights.steps_done(connection, NOW)
    assert journal["predict", SPORT]["published"] == published
    assert sum(journal["predict", SPORT]["abstained"].values()) == abstained


def test_a_night_of_the_past_is_marked_as_back_filled(trained):
    planned(trained)
    as_of = trained.one("SELECT min(game_date) FROM games WHERE status = 'scheduled'") - timedelta(hours=2)
    as_of = as_of.replace(tzinfo=NOW.tzinfo)
    report = night(trained, as_of, as_of + timedelta(days=2))
    assert report.failures == []
    assert trained.rows("SELECT DISTINCT mode FROM fact_prediction_runs") == [{"mode": "backfilled"}]


def test_two_nights_at_once_are_one_night(trained):
    planned(trained)
    before = trained.snapshot()
    with tried(trained.engine, nightly.LOCK) as mine:
        assert mine
        report = night(trained)
    assert report.busy
    assert report.steps == ()
    assert trained.snapshot() == before
    assert not night(trained).busy


def test_a_step_that_fails_stops_only_what_needs_it_and_the_next_run_does_it(trained, monkeypatch):
    planned(trained)

    def broken(*_):
        raise AiproError("the moon is full")

    whole = nightly.SPORT_STEPS
    monkeypatch.setattr(nightly, "SPORT_STEPS", [(n, broken if n == "features" else act) for n, act in whole])
    report = night(trained)
    found = states(report)
    assert (found["market", SPORT], found["features", SPORT]) == (State.DONE, State.FAILED)
    assert (found["predict", SPORT], found["grade", SPORT]) == (State.SKIPPED, State.DONE)
    assert report.failures[0].says == "the moon is full"
    assert trained.one("SELECT count(*) FROM predictions") == 0
    assert trained.one("SELECT message FROM alerts WHERE alert_type = 'night_step'").endswith(
        "features SIM-NFL failed: the moon is full"
    )
    unforeseen = [(name, (lambda *_: {}["x"]) if name == "predict" else act) for name, act in whole]
    monkeypatch.setattr(nightly, "SPORT_STEPS", unforeseen)
    second = night(trained)
    found = states(second)
    assert (found["market", SPORT], found["features", SPORT]) == (State.BEFORE, State.DONE)
    assert [(step.step, step.exit_code, step.says) for step in second.failures] == [
        ("predict", 2, "unexpected error: KeyError: 'x'")
    ]
    monkeypatch.setattr(nightly, "SPORT_STEPS", whole)
    found = states(night(trained))
    assert (found["features", SPORT], found["predict", SPORT]) == (State.BEFORE, State.DONE)


def test_a_missing_file_is_a_failed_step_and_the_night_goes_on(trained):
    planned(trained, "sources: [{source: nflverse, places: [/nowhere/games.csv]}]\nsports: [SIM-NFL]\n")
    report = night(trained)
    assert [(step.step, step.exit_code) for step in report.failures] == [("import", 2)]
    assert "/nowhere/games.csv" in report.failures[0].says
    assert states(report)["predict", SPORT] is State.DONE


def test_a_night_waits_for_its_decision_and_is_refused_long_before_it(trained):
    place = planned(trained)
    place.write_text(place.read_text().replace("lead_minutes: 0", "lead_minutes: 10"))
    clock = [NOW - timedelta(minutes=9)]
    waited = []

    def wait(moment):
        waited.append(moment)
        clock[0] = moment

    report = run_night(trained.settings, NightRequest(NOW, lambda: clock[0], wait=wait))
    assert waited == [NOW]
    assert report.failures == []
    with pytest.raises(StaleDataError, match="lead_minutes"):
        night(trained, NOW, NOW - timedelta(hours=1))


def test_a_database_that_stays_away_is_one_error_and_one_that_comes_back_is_none(trained, monkeypatch):
    planned(trained)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    calls = []
    whole = nightly._attempt

    def away(*given):
        calls.append(1)
        if len(calls) < 3:
            raise UnreachableError("127.0.0.1:1/x: cannot connect")
        return whole(*given)

    monkeypatch.setattr(nightly, "_attempt", away)
    assert night(trained).failures == []
    assert len(calls) == 3
    monkeypatch.setattr(nightly, "_attempt", _lost)
    with pytest.raises(NightInterruptedError, match="run the same night again"):
        night(trained)


def _lost(*_):
    raise UnreachableError("127.0.0.1:1/x: cannot connect")
