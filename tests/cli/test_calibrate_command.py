"""`aipro calibrate` as a shell runs it: a form asked for, then what is shown of it."""

import json

import pytest
import sqlalchemy as sa

from tests.fixtures_commands import use


@pytest.fixture
def mine(monkeypatch, own_artifacts, aipro):
    use(monkeypatch, own_artifacts)
    yield own_artifacts
    own_artifacts.close()


def out_of_production(platform):
    """Let every model be calibrated without the gate."""
    with platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ml_models SET is_production = FALSE"))


def test_a_form_is_calibrated_and_shown_by_stage_season_and_bin(mine, aipro):
    (row,) = mine.rows("SELECT id FROM ml_models WHERE is_production AND bet_type = 'moneyline'")
    out_of_production(mine)
    done = aipro(f"calibrate run {row['id']} --method temperature")
    assert done.code == 0
    assert "chosen: temperature (as requested)" in done.out
    shown = {by: aipro(f"calibrate show {row['id']} --json --by {by}") for by in ("stage", "season", "bin")}
    rows = {by: [json.loads(line) for line in one.out.splitlines()] for by, one in shown.items()}
    assert [row["stage"] for row in rows["stage"]] == ["model", "calibrated"]
    assert rows["stage"][1]["n"] == sum(row["n"] for row in rows["season"]) == sum(row["n"] for row in rows["bin"])
    assert "slope_se" in rows["season"][0]
