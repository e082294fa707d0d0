"""Grades and performance: on what was taken, once, and again only where a game was corrected."""

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from aipro_ml.errors import UsageError
from aipro_ml.jobs import performance
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.listings import verify_ledger
from aipro_ml.jobs.performance import list_days, update_performance
from aipro_ml.jobs.performance_report import ReportRequest, report_performance
from aipro_ml.jobs.regrade import pending, regrade
from tests.at_once import halt, overtaken
from tests.fixtures_platform import LATER, NOW, SPORT, load, open_game_ids, played, with_score


@pytest.fixture
def finished(published, league):
    """The published league after its open week was played and graded."""
    load(published, played(league), b"played")
    grade_sport(published.engine, SPORT, LATER)
    return published


def grades(platform):
    return platform.rows(
        "SELECT p.*, r.actual_result, r.profit_loss, r.clv, r.closing_line, r.graded_at, run.mode FROM predictions p "
        "JOIN fact_predictions f ON f.prediction_id = p.id JOIN fact_prediction_runs run ON run.id = f.run_id "
        "LEFT JOIN prediction_results r ON r.prediction_id = p.id ORDER BY f.seq"
    )


def test_only_games_that_were_played_are_graded(published):
    report = grade_sport(published.engine, SPORT, NOW)
    assert (report.accounting.graded, report.accounting.pending, report.inserted) == (48, 42, 48)
    for row in grades(published):
        assert (row["actual_result"] is not None) == (row["mode"] == "backfilled")


def test_grading_again_writes_nothing(finished):
    before = finished.snapshot()
    report = grade_sport(finished.engine, SPORT, LATER + timedelta(days=1))
    assert (report.accounting.graded, report.accounting.pending) == (90, 0)
    assert (report.inserted, report.regraded) == (0, 0)
    assert finished.snapshot() == before


def test_a_dry_run_grades_without_writing(published):
    before = published.snapshot()
    assert grade_sport(published.engine, SPORT, NOW, dry_run=True).inserted == 48
    assert published.snapshot() == before


def test_grades_follow_from_the_score_the_line_and_the_price_taken(finished):
    # every game of the open week ended 24 to 20: home by four, forty-four points
    live = [row for row in grades(finished) if row["mode"] == "live"]
    assert len(live) == 42
    for row in live:
        side, line = row["predicted_side"], row["line_at_prediction"]
        margins = {
            "home": 4 + (line or 0), "away": -4 + (line or 0), "over": 44 - (line or 0), "under": (line or 0) - 44,
        }  # fmt: skip
        margin = margins[side]
        expected = "push" if margin == 0 else "win" if margin > 0 else "loss"
        assert row["actual_result"] == expected
        price = row["odds_at_prediction"]
        won = price / 100 if price > 0 else 100 / -price
        assert row["profit_loss"] == pytest.approx({"win": won, "loss": -1, "push": 0}[expected])


def test_a_corrected_score_regrades_and_the_old_grade_is_kept(finished, league):
    before = {row["id"]: row for row in grades(finished)}
    external = finished.rows("SELECT external_id FROM games WHERE id = :id", id=open_game_ids(league)[2])
    load(finished, with_score(played(league), external[0]["external_id"], 0, 60), b"corrected", LATER)
    game = open_game_ids(league)[2]
    trial = regrade(finished.engine, SPORT, LATER + timedelta(hours=1), (game, None), dry_run=True)
    assert finished.one("SELECT count(*) FROM audit_logs WHERE action = 'regrade'") == 0
    told = regrade(finished.engine, SPORT, LATER + timedelta(hours=1), (game, None))
    report = told.report
    assert report.accounting.total == 3
    assert_frame_equal(pd.DataFrame(trial.history), pd.DataFrame(told.history))
    changed = [row for row in grades(finished) if before[row["id"]]["actual_result"] != row["actual_result"]]
    assert report.inserted == 0
    assert report.regraded == len(changed) > 0
    assert {str(row["game_id"]) for row in changed} == {open_game_ids(league)[2]}
    kept = finished.rows("SELECT * FROM audit_logs WHERE action = 'regrade'")
    assert {row["resource_id"] for row in kept} == {str(row["id"]) for row in changed}
    for row in kept:
        old = before[next(key for key in before if str(key) == row["resource_id"])]
        assert row["details"]["actual_result_before"] == old["actual_result"]
        assert row["details"]["profit_loss_before"] == pytest.approx(old["profit_loss"])
    now = {row["predicted_side"]: row for row in changed}
    for row in told.history:
        assert row["actual_result_after"] == now[row["side"]]["actual_result"] != row["actual_result_before"]
    again = regrade(finished.engine, SPORT, LATER + timedelta(hours=2), (None, NOW))
    assert again.report.accounting.total == 42  # the open week's
    assert again.report.regraded == 0
    assert_frame_equal(pd.DataFrame(again.history), pd.DataFrame(told.history))
    assert verify_ledger(finished.settings, None)[2] == []


def test_two_who_regrade_at_once_keep_the_old_grade_once(finished, league):
    game = open_game_ids(league)[2]
    external = finished.one("SELECT external_id FROM games WHERE id = :id", id=game)
    load(finished, with_score(played(league), external, 0, 60), b"corrected", LATER)
    with ThreadPoolExecutor(4) as hands:
        start = threading.Barrier(4)

        def begin(hour):
            start.wait()
            return grade_sport(finished.engine, SPORT, LATER + timedelta(hours=hour)).regraded

        regraded = sorted(hands.map(begin, range(1, 5)))
    kept = finished.one("SELECT count(*) FROM audit_logs WHERE action = 'regrade'")
    assert regraded == [0, 0, 0, kept]
    assert kept > 0


def test_performance_by_an_older_score_does_not_come_after_that_by_the_corrected_one(finished, league, monkeypatch):
    external = finished.one("SELECT external_id FROM games WHERE id = :id", id=open_game_ids(league)[2])
    update_performance(finished.engine, SPORT, LATER)

    def corrected_and_measured():
        load(finished, with_score(played(league), external, 0, 60), b"corrected", LATER)
        return update_performance(finished.engine, SPORT, LATER + timedelta(hours=1))

    ended = overtaken(
        finished.engine,
        halt(monkeypatch, performance, "daily_performance"),
        lambda: update_performance(finished.engine, SPORT, LATER),
        corrected_and_measured,
    )
    assert ended[0].exception() is None
    assert ended[1].result().updated > 0
    again = update_performance(finished.engine, SPORT, LATER + timedelta(hours=2))
    assert (again.inserted, again.updated) == (0, 0)


def test_a_postponed_game_is_void_and_has_no_grade(published, league):
    game = open_game_ids(league)[2]
    with published.engine.begin() as connection:
        connection.execute(sa.text("UPDATE games SET status = 'postponed' WHERE id = :id"), {"id": game})
    report = grade_sport(published.engine, SPORT, LATER)
    assert (report.accounting.void, report.accounting.pending, report.accounting.total) == (3, 39, 90)
    open_ones = pending(published.engine, SPORT, NOW)
    assert len(open_ones.rows) == 42
    assert Counter((row["standing"], row["why"]) for row in open_ones.rows) == {
        ("void", "postponed"): 3,
        ("pending", "not played yet"): 39,
    }
    assert [row for row in grades(published) if str(row["game_id"]) == game and row["actual_result"]] == []


def test_back_filled_predictions_count_only_where_they_are_asked_for(finished):
    live = update_performance(finished.engine, SPORT, LATER)
    assert int(live.summary["n"].sum()) == 42
    assert set(live.graded["mode"]) == {"live"}
    assert finished.one("SELECT sum(predictions_count) FROM model_performance") <= 42
    both = update_performance(finished.engine, SPORT, LATER, backfilled=True)
    assert int(both.summary["n"].sum()) == 90


def test_without_live_predictions_there_is_no_performance(published):
    with published.owner().begin() as connection:
        connection.execute(sa.text("ALTER TABLE fact_prediction_runs DISABLE TRIGGER USER"))
        connection.execute(sa.text("UPDATE fact_prediction_runs SET mode = 'backfilled'"))
    grade_sport(published.engine, SPORT, NOW)
    report = update_performance(published.engine, SPORT, NOW)
    assert (report.inserted, len(report.summary)) == (0, 0)
    assert published.one("SELECT count(*) FROM model_performance") == 0


def test_performance_is_a_row_a_model_and_day_and_twice_the_same(finished):
    report = update_performance(finished.engine, SPORT, LATER)
    rows = finished.rows("SELECT * FROM model_performance")
    assert report.inserted == len(rows) == len({(row["model_id"], row["date"]) for row in rows})
    kickoffs = finished.rows("SELECT game_date FROM games g JOIN predictions p ON p.game_id = g.id")
    assert {row["date"] for row in rows} <= {row["game_date"].date() for row in kickoffs}
    for row in rows:
        assert 0 <= row["accuracy"] <= 1
        assert row["log_loss"] > 0
        assert row["calibration_error"] is None  # 42 rows are too few to say
    before = finished.snapshot()
    again = update_performance(finished.engine, SPORT, LATER + timedelta(days=1))
    assert (again.inserted, again.updated) == (0, 0)
    assert finished.snapshot() == before
    assert len(list_days(finished.engine, SPORT, 100)) == len(rows)


def test_a_game_that_begins_days_later_than_was_known_is_void_and_its_grade_is_taken_back(finished, league):
    game = open_game_ids(league)[2]
    move = "UPDATE games SET game_date = game_date + interval '%s hours' WHERE id = :id"
    with finished.engine.begin() as connection:
        connection.execute(sa.text(move % 168), {"id": game})
    assert grade_sport(finished.engine, SPORT, LATER).accounting.void == 0
    with finished.engine.begin() as connection:
        connection.execute(sa.text(move % 1), {"id": game})
    report = grade_sport(finished.engine, SPORT, LATER)
    assert (report.accounting.void, report.accounting.total, report.regraded) == (3, 90, 3)
    assert [change["actual_result_after"] for change in report.superseded] == [None] * 3
    assert {row["why"] for row in pending(finished.engine, SPORT, LATER).rows} == {"moved by more than 168 hours"}


def test_which_games_are_graded_again_has_to_be_said(finished):
    for chosen in ((None, None), ("abc", NOW)):
        with pytest.raises(UsageError, match="--game or --since"):
            regrade(finished.engine, SPORT, NOW, chosen)


def test_a_dry_run_of_performance_writes_nothing(finished):
    before = finished.snapshot()
    assert update_performance(finished.engine, SPORT, LATER, dry_run=True).inserted > 0
    assert finished.snapshot() == before


def test_closing_line_value_is_known_where_there_was_a_close(finished):
    rows = grades(finished)
    # the open week's closes follow from its last quotes once its results are stored
    assert all(row["clv"] is not None for row in rows)
    summary = update_performance(finished.engine, SPORT, LATER).summary
    assert set(summary["clv_coverage"]) == {1.0}


def test_the_report_keeps_live_and_back_filled_apart_and_production_and_shadow(finished, tmp_path):
    request = ReportRequest(SPORT, LATER, backfilled=True)
    page = tmp_path / "report.html"
    found = report_performance(finished.engine, request, page)
    kinds = found.totals.groupby(["role", "mode"])["n"].sum().to_dict()
    assert kinds == {("production", "live"): 42, ("production", "backfilled"): 48}
    text = page.read_text(encoding="utf-8")
    assert all(f"{mode} predictions of production models" in text for mode in ("Live", "Backfilled"))
    assert "90 graded, 0 pending, 0 void, 0 ungradeable" in text
    with finished.owner().begin() as connection:  # as if they had been promoted only afterwards
        connection.execute(sa.text("UPDATE fact_model_promotions SET decided_at = :later"), {"later": LATER})
    shadows = report_performance(finished.engine, ReportRequest(SPORT, LATER)).totals
    assert (set(shadows["role"]), set(shadows["mode"]), shadows["n"].sum()) == ({"shadow"}, {"live"}, 42)


def test_what_open_predictions_expect_of_themselves_is_told_before_results_are_in(published):
    waiting = report_performance(published.engine, ReportRequest(SPORT, NOW)).open_days
    assert waiting["n"].sum() == 42
    assert (waiting["expected"] < math.log(2) + 1e-9).all()
    assert report_performance(published.engine, ReportRequest(SPORT, NOW, since=LATER)).open_days.empty


def test_a_day_whose_every_grade_was_taken_back_loses_its_row(finished):
    update_performance(finished.engine, SPORT, LATER)
    with finished.engine.begin() as connection:
        connection.execute(sa.text("UPDATE games SET status = 'postponed' WHERE game_date > :now"), {"now": NOW})
    assert finished.one("SELECT count(*) FROM model_performance") > 0
    update_performance(finished.engine, SPORT, LATER)
    assert finished.one("SELECT count(*) FROM model_performance") == 0
