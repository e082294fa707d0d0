"""The doctor: every invariant holds of a whole platform, and each is found where somebody breaks it."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from aipro_ml.db.guards import CLOCK, FUNCTIONS
from aipro_ml.db.repositories.invariants import RULES
from aipro_ml.jobs.doctor import CHECKS, Patient, check, examine
from aipro_ml.jobs.grade import grade_sport
from aipro_ml.jobs.market import derive_sport
from aipro_ml.jobs.warehouse import refresh
from tests.fixtures_commands import Aipro, use
from tests.fixtures_platform import NOW, SPORT

ONE_RUN = "(SELECT id FROM fact_prediction_runs ORDER BY as_of LIMIT 1)"
ONE_FACT = "(SELECT min(seq) FROM fact_predictions)"
ONE_GAME = "(SELECT id FROM games WHERE status = 'final' ORDER BY id LIMIT 1)"
BREAKS = {
    "the schema is the code's, guards and all": ["DROP TRIGGER fact_predictions_append_only ON fact_predictions"],
    "what is append-only cannot be changed": ["GRANT DELETE ON game_revisions TO aipro_app"],
    "the ledger verifies": [f"UPDATE fact_predictions SET edge = 0.5 WHERE seq = {ONE_FACT}"],
    "graded, pending, void, ungradeable are all": ["DELETE FROM prediction_results"],
    "closes follow the quotes": ["DELETE FROM fact_odds"],
    "every system setting is known and fits": [
        "INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), 'bet.game_cap', '2')"
    ],
    "ledger rows are the predictions": ["UPDATE predictions SET odds_at_prediction = 5000"],
    "published before kick-off": [
        "UPDATE fact_prediction_runs SET mode = 'live'",
        "UPDATE fact_predictions SET created_at = '2099-01-01'",
    ],
    "published and abstained are all games": [f"UPDATE fact_prediction_runs SET games_count = 99 WHERE id = {ONE_RUN}"],
    "explanations sum to what was published": ["UPDATE shap_explanations SET shap_value = shap_value + 0.01"],
    "grades belong to played games": ["UPDATE games SET status = 'postponed'"],
    "every series of quotes has one current": ["UPDATE odds SET is_current = FALSE"],
    "closes are of kick-off or before": ["UPDATE closing_lines SET closed_at = '2099-01-01'"],
    "games are their latest revision": [f"UPDATE games SET home_score = home_score + 1 WHERE id = {ONE_GAME}"],
    "final games have scores, others none": [f"UPDATE games SET home_score = NULL WHERE id = {ONE_GAME}"],
    "one production model of each kind": ["UPDATE sports SET default_model_id = NULL"],
    "bets of the warehouse are the grades": ["DELETE FROM fact_bets"],
    "nothing is left running": [
        "INSERT INTO training_runs (id, status, started_at) VALUES (gen_random_uuid(), 'running', '2020-01-01')"
    ],
}
GUARDED = ("fact_predictions", "fact_prediction_runs", "predictions", "shap_explanations", "game_revisions")


@pytest.fixture(scope="module")
def graded(server, published_template, tmp_path_factory):
    """The league with its predictions graded, its market and its warehouse derived."""
    from tests.fixtures_platform import Platform

    with server.database(published_template.database) as name:
        settings = server.settings(tmp_path_factory.mktemp("graded"), name)
        platform = Platform(settings.model_copy(update={"artifacts": published_template.artifacts}))
        _start_ledger_clock(platform)
        grade_sport(platform.engine, SPORT, NOW)
        derive_sport(platform.engine, SPORT, NOW)
        refresh(platform.engine, NOW)
        yield platform
        platform.close()


def _start_ledger_clock(platform):
    """Undo what `stop_ledger_clock` did to the league's template: a changed guard is a fault of its own."""
    owner = platform.owner()
    with owner.begin() as connection:
        connection.exec_driver_sql(FUNCTIONS[CLOCK].replace("CREATE", "CREATE OR REPLACE", 1))
    owner.dispose()


@contextmanager
def as_owner(platform):
    """Yield a connection that may break everything; all of it is undone."""
    owner = platform.owner()
    with owner.connect() as connection:
        connection.begin()
        yield connection
        connection.rollback()
    owner.dispose()


def test_a_whole_platform_keeps_every_invariant(graded):
    assert [finding.row for finding in examine(graded.settings, NOW) if not finding.holds] == []
    assert graded.one("SELECT count(*) FROM prediction_results") > 0
    assert graded.one("SELECT count(*) FROM fact_bets") > 0


def test_every_invariant_is_broken_once_here():
    assert set(RULES) < set(CHECKS)
    assert set(BREAKS) | {"production models have their artifacts"} == set(CHECKS)


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_is_found(graded, name):
    with as_owner(graded) as connection:
        patient = Patient(connection, graded.settings, NOW)
        assert check(patient, name).holds
        if name != "the schema is the code's, guards and all":
            for table in GUARDED:
                connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in BREAKS[name]:
            assert connection.execute(sa.text(statement)).rowcount != 0
        found = check(patient, name)
    assert not found.holds
    assert found.says


def test_a_damaged_artifact_of_a_production_model_is_found(own_artifacts):
    name = "production models have their artifacts"
    path = own_artifacts.one("SELECT file_path FROM ml_models WHERE is_production LIMIT 1")
    games = own_artifacts.settings.artifacts_dir / path / "oof.parquet"
    with own_artifacts.engine.connect() as connection:
        patient = Patient(connection, own_artifacts.settings, NOW)
        assert check(patient, name).holds
        games.write_bytes(games.read_bytes()[:-1])
        assert "damaged" in check(patient, name).says
        gone = replace(patient, settings=patient.settings.model_copy(update={"artifacts": games.parent / "nowhere"}))
        assert "missing" in check(gone, name).says


def test_the_command_prints_each_invariant_and_ends_with_1_where_one_is_broken(aipro: Aipro, monkeypatch, graded):
    use(monkeypatch, graded)
    assert aipro(f"odds close --sport {SPORT}").code == 0  # the clock went on: the open week has begun meanwhile
    whole = aipro("doctor --json")
    assert (whole.code, len(whole.out.splitlines())) == (0, len(CHECKS))
    with graded.engine.begin() as connection:
        connection.execute(sa.text("UPDATE sports SET default_model_id = NULL"))
    broken = aipro("doctor --json")
    rows = [json.loads(line) for line in broken.out.splitlines()]
    assert broken.code == 1
    assert [row["check"] for row in rows if not row["holds"]] == ["one production model of each kind"]
