"""Props in a real database: trained, predicted as known at the decision, graded, regraded; no later knowledge."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.config import props_config
from aipro_ml.db.repositories import boxes, nights, props
from aipro_ml.db.repositories.prop_predictions import Asked
from aipro_ml.errors import ArtifactError, LeakError, StaleDataError, UsageError
from aipro_ml.jobs import nightly
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.props_grade import grade_props, list_props, performance
from aipro_ml.jobs.props_predict import PropsRequest, predict_props
from aipro_ml.jobs.props_train import PropsTraining, list_models, train_props
from tests.fixtures_commands import use
from tests.fixtures_nightly import differing, dump, night, planned
from tests.fixtures_platform import Platform
from tests.props.random_props import DAY, HOUR, random_props
from tests.props.stored_props import STORED, box_rows, price_rows, store_props

ME = Actor(login="tests")
LEAGUE = random_props(11)
WEEK_20 = LEAGUE.games.loc[LEAGUE.games["week"] == 20, "kickoff"].min()
UNTIL = (WEEK_20 - DAY).to_pydatetime()
LATER = STORED + timedelta(days=1)


@pytest.fixture(scope="module")
def trained(server, template, tmp_path_factory):
    """The league stored, its props trained on what was known before week 20; each test gets a clone."""
    with server.database(template) as name:
        platform = Platform(server.settings(tmp_path_factory.mktemp("props"), name))
        with platform.engine.begin() as connection:
            store_props(connection, LEAGUE)
        report = train_props(platform.engine, platform.settings, PropsTraining("NFL", UNTIL, LATER, ME))
        platform.close()
        yield name, platform.settings.artifacts_dir, report


@pytest.fixture
def platform(server, trained, tmp_path):
    with server.database(trained[0]) as name:
        settings = server.settings(tmp_path, name).model_copy(update={"artifacts": trained[1]})
        opened = Platform(settings)
        yield opened
        opened.close()


@pytest.fixture
def only_players(monkeypatch):
    """Leave the games' own steps out of a night."""
    kept = [(step, act) for step, act in nightly.SPORT_STEPS if step.startswith("props")]
    monkeypatch.setattr(nightly, "SPORT_STEPS", kept)


def week(number=20, **changed):
    return replace(PropsRequest("NFL", LATER, ME, season=2022, week=number), **changed)


def predict(platform, request=None):
    return predict_props(platform.engine, platform.settings, request or week())


def grade(platform, now=LATER):
    return grade_props(platform.engine, "NFL", ME, now)


def test_props_are_published_with_line_book_prices_and_hash_and_the_same_again_adds_nothing(platform):
    done = predict(platform)
    assert done.written == len(done.rows) > 20
    assert predict(platform).written == 0
    rows = platform.rows(
        "SELECT f.*, p.line AS told, p.signal_tier FROM fact_player_props f JOIN player_props p "
        "ON p.id = f.player_prop_id WHERE f.prediction_hash IS NOT NULL"
    )
    assert len(rows) == done.written == platform.one("SELECT count(*) FROM player_props")
    assert all(row["told"] == row["line"] and row["sportsbook_id"] and row["signal_tier"] in "ABCD" for row in rows)
    assert all(0 < row["over_probability"] < 1 for row in rows)
    assert all(row["over_probability"] + row["under_probability"] == pytest.approx(1, abs=2e-6) for row in rows)
    assert {row["over_price"] for row in rows} <= {-110, -105}
    assert platform.one("SELECT count(*) FROM audit_logs WHERE action = 'props.predict'") == 1


def test_every_prediction_ends_as_the_box_scores_say(platform):
    predict(platform)
    done = grade(platform)
    assert done.changed == done.facts["predictions"]
    assert sum(done.facts[name] for name in ("win", "loss", "push", "void", "pending")) == done.facts["predictions"]
    for row in done.rows.loc[done.rows["result"].isin(["win", "loss"])].itertuples():
        over = row.actual_value > row.line
        assert (row.result == "win") == (over == (row.side == "over"))
    assert grade(platform).changed == 0
    told = performance(done.rows, "prop")[-1]
    assert told["scored"] == done.facts["win"] + done.facts["loss"]
    assert len(list_props(platform.engine, "NFL", Asked(week=20, prop="receptions", limit=5))) == 5


def test_later_box_scores_and_prices_change_no_prediction(platform):
    before = predict(platform, week(dry_run=True))
    ahead = LEAGUE.versions.loc[LEAGUE.versions["known_at"] > WEEK_20].assign(Rec=99.0, Targets=99.0, Yards=999.0)
    moved = LEAGUE.prices.assign(over_price=-400.0, under_price=300.0, as_of=LEAGUE.prices["as_of"] + 2 * HOUR)
    with platform.engine.begin() as connection:
        changed = boxes.save_player_games(connection, box_rows(ahead), LATER, seen_before=False).corrected
        assert changed > 50
        moved = moved.loc[moved["game_id"].isin(LEAGUE.games.index[LEAGUE.games["week"] >= 20])]
        assert props.save_props(connection, price_rows(moved), LATER, seen_before=False).inserted > 100
    after = predict(platform, week(dry_run=True))
    assert before.rows["prediction_hash"].tolist() == after.rows["prediction_hash"].tolist()


def test_the_commands_publish_grade_and_list(platform, monkeypatch, aipro):
    use(monkeypatch, platform)
    done = json.loads(aipro("props predict --sport NFL --season 2022 --week 20 --json").out)
    assert done["new"] == done["published"] == sum(done[f"tier_{tier}"] for tier in "ABCD") > 20
    assert json.loads(aipro("props predict --sport nfl --season 2022 --week 20 --dry-run --json").out)["new"] == 0
    graded = aipro("props grade --sport NFL")
    assert (graded.code, "graded props by tier" in graded.out) == (0, True)
    rows = [json.loads(line) for line in aipro("props list --sport NFL --prop receptions --json").out.splitlines()]
    ahead = [(row["actual"] > row["line"]) == (row["side"] == "over") for row in rows if row["result"] == "win"]
    assert len(ahead) > 2
    assert all(ahead)
    refused = aipro("props predict --sport NFL --season 2022 --week 18")
    assert (refused.code, "props train --sport NFL --until" in refused.err) == (3, True)
    assert aipro("props predict --sport NFL").code == 2
    assert "receptions" in aipro("props models --sport NFL").out


def test_a_model_that_knew_a_later_week_predicts_no_earlier_one(platform):
    with pytest.raises(LeakError, match="after the decision"):
        predict(platform, week(18))


def test_a_decision_that_has_not_come_is_refused(platform):
    with pytest.raises(StaleDataError, match="lies in the future"):
        predict(platform, week(now=UNTIL))
    with pytest.raises(StaleDataError, match="has not come"):
        train_props(platform.engine, platform.settings, PropsTraining("NFL", LATER, UNTIL, ME))


def test_prices_of_one_moment_before_kickoff_are_those_known_then(platform):
    early = predict(platform, week(as_of=(WEEK_20 - 3 * HOUR).to_pydatetime(), dry_run=True))
    assert early.rows.empty  # prices come two hours before the kick-off
    soon = predict(platform, week(season=None, week=None, as_of=(WEEK_20 - HOUR).to_pydatetime(), dry_run=True))
    assert soon.games == 3
    assert len(soon.rows) > 5


def test_a_corrected_box_regrades_and_the_old_grade_is_written_down(platform):
    predict(platform)
    first = grade(platform).rows
    one = first.loc[(first["result"] == "win") & (first["prop"] == "receptions")].iloc[0]
    figures = {"Rec": 0.0 if one["actual_value"] > one["line"] else 40.0, "Targets": 41.0, "Yards": 5.0}
    here = (box_rows(LEAGUE.versions)["game_id"] == one["game_id"]) & (
        box_rows(LEAGUE.versions)["player_id"] == one["box_id"]
    )
    with platform.engine.begin() as connection:
        changed = box_rows(LEAGUE.versions.loc[here].assign(**figures))
        boxes.save_player_games(connection, changed, LATER, seen_before=False)
    done = grade(platform, LATER + timedelta(days=1))
    assert done.regraded >= 1
    assert done.rows.set_index("id").loc[one["id"], "result"] == "loss"
    told = platform.rows("SELECT resource_id, details FROM audit_logs WHERE action = 'props.regrade'")
    assert {row["resource_id"]: row["details"]["result"] for row in told}[one["id"]] == "win"


def test_who_has_no_box_while_his_team_has_is_void_and_without_his_teams_pending(platform):
    predict(platform)
    done = grade(platform).rows
    assert (done["result"] == "void").any()
    with platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE fact_player_props SET result = NULL, actual_value = NULL"))
        connection.execute(
            sa.text("DELETE FROM fact_player_games f USING games g WHERE g.id = f.game_id AND g.week = 20")
        )
    again = grade(platform)
    assert again.facts["pending"] == again.facts["of_them_no_box"] == again.facts["predictions"]


def test_the_same_training_finds_the_same_model(platform, trained):
    report = trained[2]
    again = train_props(platform.engine, platform.settings, PropsTraining("NFL", UNTIL, LATER, ME, dry_run=True))
    assert again.model.version == report.model.version
    assert [row["model"] for row in list_models(platform.settings, "NFL")] == [report.model.version[:16]]
    assert report.model.trained_through < UNTIL.isoformat()
    assert (report.folder / "reliability.png").stat().st_size > 10_000


def players_steps(report):
    return {step.step: step for step in report.steps if step.step.startswith("props")}


@pytest.mark.usefixtures("untagged")
def test_a_night_publishes_the_props_of_its_games_grades_them_and_again_writes_nothing(platform):
    planned(platform, "sports: [NFL]\n")
    as_of = (WEEK_20 - HOUR).to_pydatetime()
    asked = week(season=None, week=None, as_of=as_of, within=timedelta(hours=200), dry_run=True)
    alone = predict(platform, asked).rows["prediction_hash"]
    first = players_steps(night(platform, as_of, LATER))
    stored = platform.rows("SELECT prediction_hash, result FROM fact_player_props WHERE prediction_hash IS NOT NULL")
    assert {row["prediction_hash"] for row in stored} == set(alone)
    assert first["props"].written == first["props_grade"].written == len(alone) > 5
    assert all(row["result"] for row in stored)
    with platform.engine.connect() as connection:
        noted = nights.steps_done(connection, as_of)
    assert noted["props", "NFL"]["published"] == noted["props_grade", "NFL"]["predictions"] == len(alone)
    before = platform.snapshot()
    again = players_steps(night(platform, as_of, LATER))
    assert {step.state.value for step in again.values()} == {"done before"}
    assert platform.snapshot() == before


@pytest.mark.usefixtures("untagged", "only_players")
def test_a_night_killed_before_it_noted_its_props_is_finished_to_the_same_database(
    server, trained, platform, tmp_path, monkeypatch
):
    as_of, note = (WEEK_20 - HOUR).to_pydatetime(), nights.note_step
    planned(platform, "sports: [NFL]\n")
    night(platform, as_of, LATER)
    with server.database(trained[0]) as name:
        here = Platform(server.settings(tmp_path / "killed", name).model_copy(update={"artifacts": trained[1]}))
        planned(here, "sports: [NFL]\n")
        for step in ("props", "props_grade"):
            monkeypatch.setattr(nights, "note_step", partial(_killed_at, step, note))
            with pytest.raises(KeyboardInterrupt):
                night(here, as_of, LATER)
        monkeypatch.setattr(nights, "note_step", note)
        report = players_steps(night(here, as_of, LATER))
        assert [(each.state.value, each.written) for each in report.values()] == [("done before", 0), ("done", 0)]
        assert differing(dump(platform.engine), dump(here.engine)) == []
        here.close()


def _killed_at(step, note, connection, moment, place, *noted):
    if place[0] == step:
        raise KeyboardInterrupt
    note(connection, moment, place, *noted)


@pytest.mark.usefixtures("untagged", "only_players")
def test_a_night_before_every_props_model_or_without_one_goes_on(platform, tmp_path):
    planned(platform, "sports: [NFL]\n")
    early = players_steps(night(platform, UNTIL - timedelta(days=10), LATER))
    assert (early["props"].written, early["props"].exit_code) == (0, 0)
    assert "every props model knew something later" in early["props"].says
    platform.settings = platform.settings.model_copy(update={"artifacts": tmp_path / "none"})
    assert players_steps(night(platform, (WEEK_20 - HOUR).to_pydatetime(), LATER)) == {}


def test_a_damaged_model_is_told(platform, trained, tmp_path):
    place = trained[2].folder / "model.json"
    other = tmp_path / "artifacts" / "props" / "NFL" / trained[2].folder.name
    other.mkdir(parents=True)
    (other / "model.json").write_text(place.read_text().replace('"intercept":', '"intercept":1'))
    settings = platform.settings.model_copy(update={"artifacts": tmp_path / "artifacts"})
    with pytest.raises(ArtifactError, match="damaged"):
        predict_props(platform.engine, settings, week())


def test_a_sport_without_props_or_boxes_says_so(platform):
    with pytest.raises(UsageError, match="no data of sport EPL"):
        train_props(platform.engine, platform.settings, PropsTraining("EPL", UNTIL, LATER, ME))
    with pytest.raises(UsageError, match=r"MLB has no player props: NBA, NFL have"):
        props_config("MLB")
    with pytest.raises(UsageError, match="no game of NFL fits"):
        predict(platform, week(55))


def test_where_nobody_offers_there_is_no_profit():
    row = {"prop": "points", "over_price": float("nan"), "under_price": float("nan"), "side": "over", "result": "loss"}
    row |= {"actual_value": 3.0, "line": 9.5, "over": 0.6, "under": 0.4}
    [told, _] = performance(pd.DataFrame([row]), "prop")
    assert (told["loss"], told["scored"]) == (1, 1)
    assert pd.isna(told["profit"])
    assert pd.isna(told["roi"])
